/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a put goes on between the steps of the thread: encode, place, push, store the own share,
 * record. A node that fails is left out and the placement drawn anew, as long as no more than a
 * third is left out; an epoch that ends meanwhile only means new receipts.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/tickets_impl.h"
#include "crypto/digest.h"
#include "ledger/entry.h"
#include "ledger/jcs.h"
#include "ledger/placement.h"

static struct state *state_of(struct ticket_job *j)
{
	return core_state(network_core(j->tickets->control->app->network));
}

/* --- where it goes --- */

/* The id for this file; true when the ledger has it as an open ticket of this node's already. */
static bool find_id(struct ticket_job *j, struct state *s)
{
	const char *self = j->tickets->control->app->self.account;
	const struct ticket *t;

	for (j->n = 0;; j->n++) {
		ticket_id(j->ticket, self, j->work.data_hash, j->n);
		t = ticket_find(s, j->ticket);
		if (t == NULL || t->state == TICKET_OPEN)
			return t != NULL;
	}
}

bool deal_fill(struct ticket_job *j, struct state *s, const struct texts *holders,
	       uint64_t index_copies, uint64_t symbol_copies)
{
	struct ticket_work *w = &j->work;
	const char *self = j->tickets->control->app->self.account;
	uint64_t width = holders->n;

	if (width == 0 || width > HOLDERS_MAX)
		return false;
	w->nodes = 0;
	w->deal.holders = (uint32_t)width;
	w->deal.copies[1] = (uint32_t)(index_copies < width ? index_copies : width);
	w->deal.copies[2] = (uint32_t)(symbol_copies < width ? symbol_copies : width);
	for (size_t i = 0; i < width; i++) {
		const struct node *node = node_find(s, holders->at[i]);
		struct ticket_node *out = &w->node[w->nodes];

		if (strcmp(holders->at[i], self) == 0) {
			w->deal.node[i] = SELF;
			continue;
		}
		*out = (struct ticket_node){0};
		if (node == NULL || hex_decode(out->session_key, 33, text_of(node->session_key)) ||
		    hex_decode(out->identity, 32, text_of(node->key)) != 0)
			return false;
		snprintf(out->account, sizeof(out->account), "%s", node->record.key);
		snprintf(out->address, sizeof(out->address), "%.*s",
			 (int)strcspn(text_of(node->address), ","), text_of(node->address));
		w->deal.node[i] = w->nodes++;
	}
	return true;
}

static json_t *texts_array(char *const *at, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(at[i]));
	return list;
}

static json_t *ticket_data(const struct ticket_job *j, uint64_t epoch)
{
	const struct ticket_work *w = &j->work;
	json_t *ids = json_array();

	for (uint32_t i = 0; i < w->max; i++)
		json_array_append_new(ids, json_string(w->index_ids[i]));
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:s,s:b,s:I,s:I,s:I,s:o,s:[]}", "ticket",
			 j->ticket, "data_hash", w->data_hash, "size", (json_int_t)w->size, "ic",
			 (json_int_t)w->ic, "max", (json_int_t)w->max, "ratio",
			 (json_int_t)w->ratio, "rq_ids_ids", ids, "signatures", w->signatures,
			 "public", 1, "index_artifact_count", (json_int_t)w->deal.counts[1],
			 "symbol_artifact_count", (json_int_t)w->deal.counts[2], "placement_epoch",
			 (json_int_t)epoch, "skip", texts_array(j->skip.at, j->skip.n), "receipts");
}

/* What the holders are asked to sign for. */
static void describe(struct ticket_job *j)
{
	struct ticket_work *w = &j->work;
	json_t *description = json_pack("{s:s,s:s,s:O}", "type", "ticket", "author",
					j->tickets->control->app->self.account, "data", j->data);
	struct buf text = {0};

	jcs_write(&text, description);
	json_decref(description);
	free(w->description);
	w->description = text.at;
	w->description_len = text.len;
	digest_one(w->description_key, NULL, text.at, text.len);
}

static void place(struct ticket_job *j)
{
	struct state *s = state_of(j);
	const struct params *p = params_current(state_tables(s));
	struct texts holders = {0};
	bool placed;

	if (++j->attempts > TICKET_ATTEMPTS) {
		ticket_job_end(j, ASSAY_E_TIMEOUT, "%s",
			       j->message[0] != '\0' ? j->message
						     : "no placement held until it was recorded");
		return;
	}
	if (find_id(j, s)) {
		j->existed = true;
		ticket_job_end(j, 0, "%s", "");
		return;
	}
	json_decref(j->data);
	j->data = ticket_data(j, state_epoch(s));
	placed = ticket_holders(s, &holders, j->ticket, j->data, false) &&
		 deal_fill(j, s, &holders, p->index_copies, p->symbol_copies);
	texts_free(&holders);
	if (!placed) {
		ticket_job_end(j, ASSAY_E_REFUSED,
			       "the ledger places no ticket now: %u nodes do not answer%s%.120s, "
			       "and at most a third of the active ones may be left out",
			       (unsigned)j->skip.n, j->message[0] != '\0' ? " (" : "", j->message);
		return;
	}
	describe(j);
	j->work.step = STEP_PUSH;
	ticket_thread_submit(j->tickets->thread, &j->work);
}

/* --- this node's own share --- */

static int64_t read_fd(void *ctx, void *out, size_t len)
{
	ssize_t n = read(*(int *)ctx, out, len);

	return n >= 0 ? n : ASSAY_E_IO;
}

static int store_one(struct store *store, const char *folder, const uint8_t key[32])
{
	char path[400], name[64];
	uint8_t stored[32];
	struct stat st;
	int fd, error;

	base58_encode(name, sizeof(name), key, 32);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		error = ASSAY_E_IO;
	else
		error = store_put(store, stored,
				  &(struct store_input){read_fd, &fd, (uint64_t)st.st_size}, NULL);
	if (fd >= 0)
		close(fd);
	return error == ASSAY_E_EXISTS ? 0 : error;
}

/* Keys of what lies on this node's position, INDEX then SYMBOL, ascending, each given to `each`. */
static int own_share(const struct ticket_work *w, int (*each)(void *arg, const uint8_t key[32]),
		     void *arg)
{
	const struct ticket_deal *d = &w->deal;
	uint32_t position = 0;
	int error = 0;

	while (position < d->holders && d->node[position] != SELF)
		position++;
	for (unsigned c = 1; c <= 2 && position < d->holders; c++)
		for (uint32_t i = 0; i < d->counts[c] && error == 0; i++)
			if (placement_on(i, d->copies[c], d->holders, position))
				error = each(arg, w->keys[c][i]);
	return error;
}

struct storing {
	struct store *store;
	const char *folder;
};

static int store_each(void *arg, const uint8_t key[32])
{
	struct storing *s = arg;

	return store_one(s->store, s->folder, key);
}

static void store_own(struct store_task *task, struct store *store)
{
	struct ticket_job *j =
		(struct ticket_job *)((char *)task - offsetof(struct ticket_job, storing));
	struct storing s = {store, j->work.folder};

	task->result = own_share(&j->work, store_each, &s);
	j->result = task->result;
}

/* --- the entry --- */

static int hash_each(void *arg, const uint8_t key[32])
{
	buf_add(arg, key, 32);
	return 0;
}

static json_t *own_receipt(struct ticket_job *j)
{
	const struct app *app = j->tickets->control->app;
	uint8_t message[RECEIPT_ROOM], digest[32], signature[64], aux[32];
	struct sha256_part part = {message, 0};
	char digest_hex[65], signature_hex[129];
	struct buf keys = {0};

	own_share(&j->work, hash_each, &keys);
	digest_one(digest, NULL, keys.at, keys.len);
	buf_free(&keys);
	part.len = receipt_message(message, j->ticket,
				   json_integer_value(json_object_get(j->data, "placement_epoch")),
				   app->self.account, digest);
	random_fill(&app->random, aux, sizeof(aux));
	sign_tagged(signature, &app->self.identity, TAG_RECEIPT, &part, 1, aux);
	hex_encode(digest_hex, digest, 32);
	hex_encode(signature_hex, signature, 64);
	return json_pack("{s:s,s:s,s:s}", "account", app->self.account, "digest", digest_hex, "sig",
			 signature_hex);
}

static json_t *receipt_of(const struct ticket_node *node)
{
	char digest[65], signature[129];

	hex_encode(digest, node->digest, 32);
	hex_encode(signature, node->signature, 64);
	return json_pack("{s:s,s:s,s:s}", "account", node->account, "digest", digest, "sig",
			 signature);
}

static void record(struct ticket_job *j)
{
	const struct ticket_work *w = &j->work;
	json_t *receipts = json_array(), *data = json_deep_copy(j->data);

	for (uint32_t i = 0; i < w->deal.holders; i++)
		json_array_append_new(receipts, w->deal.node[i] == SELF
							? own_receipt(j)
							: receipt_of(&w->node[w->deal.node[i]]));
	json_object_set_new(data, "receipts", receipts);
	entry_send(j, ENTRY_TICKET, "ticket", data, j->n);
}

static void on_outcome(void *ctx, const uint8_t id[32], const struct entry_outcome *outcome)
{
	struct ticket_job *j = ctx;

	if (outcome->end == ENTRY_OPEN)
		return; /* it may still come; who does not want to wait cancels */
	j->recording = false;
	if (outcome->end == ENTRY_VERDICT_CAME && outcome->code == 0)
		ticket_job_end(j, 0, "%s", "");
	else if (j->kind == TICKET_PUT && outcome->end == ENTRY_VERDICT_CAME &&
		 outcome->code == VERDICT_TICKET && strcmp(outcome->reason, "PLACEMENT") == 0)
		place(j); /* the epoch of its placement is over */
	else
		ticket_job_end(j, ASSAY_E_REFUSED, "the ledger refuses it: %s%u%s%s",
			       outcome->end == ENTRY_EXPIRED ? "too late, " : "code ",
			       outcome->code, outcome->reason[0] != '\0' ? " " : "",
			       outcome->reason);
}

void entry_send(struct ticket_job *j, enum entry_class class, const char *type, json_t *data,
		uint64_t n)
{
	int error =
		network_put(j->tickets->control->app->network, class, type, data, n, on_outcome, j);

	json_decref(data);
	j->recording = error == 0;
	if (error == ASSAY_E_REFUSED)
		ticket_job_end(j, error,
			       "this node's copy of the ledger contradicts the engine: "
			       "assayctl ledger status");
	else if (error != 0)
		ticket_job_end(j, error, "the entry cannot be sent: %s", assay_error_text(error));
}

/* --- steps --- */

static void on_stored(struct store_task *task)
{
	struct ticket_job *j =
		(struct ticket_job *)((char *)task - offsetof(struct ticket_job, storing));

	if (j->tickets == NULL) {
		ticket_job_free(j);
		return;
	}
	j->storing_out = false;
	if (atomic_load(&j->work.cancel))
		ticket_job_end(j, ASSAY_E_CLOSED, "cancelled");
	else if (j->result == 0)
		record(j);
	else
		ticket_job_end(j, j->result, "this node's own share cannot be stored: %s",
			       assay_error_text(j->result));
}

static void on_dropped(struct store_task *task)
{
	ticket_job_free((struct ticket_job *)((char *)task - offsetof(struct ticket_job, storing)));
}

static void after_push(struct ticket_job *j)
{
	struct ticket_work *w = &j->work;
	bool again = false;

	for (uint32_t i = 0; i < w->nodes; i++) {
		if (w->node[i].error == 0)
			continue;
		again = true;
		/* A node that does not know the epoch yet, or is not done looking, is no failure
		 * of the node. */
		if (w->node[i].error != ASSAY_E_REFUSED || j->attempts > 2)
			texts_add(&j->skip, w->node[i].account);
		snprintf(j->message, sizeof(j->message), "%s: %.160s", w->node[i].account,
			 w->node[i].why);
	}
	if (again) {
		place(j);
		return;
	}
	j->storing = (struct store_task){.kind = STORE_ERRAND,
					 .fd = -1,
					 .errand = store_own,
					 .finished = on_stored,
					 .dropped = on_dropped};
	j->storing_out = true;
	store_thread_submit(j->tickets->control->app->store_thread, &j->storing);
}

void put_continue(struct ticket_job *j)
{
	if (j->work.step == STEP_ENCODE)
		place(j);
	else
		after_push(j);
}
