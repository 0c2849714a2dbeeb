/* SPDX-License-Identifier: Apache-2.0 */
#include "node/replica.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/node_db.h"
#include "node/replica_impl.h"

const char *replica_condition_name(enum replica_condition condition)
{
	static const char *const names[] = {"offline", "catching up", "current",
					    "behind",  "mismatch",    "failed"};

	return names[condition];
}

struct state_config replica_state_config(struct replica *r)
{
	return (struct state_config){
		.verifier = ahead_verifier(r->ahead),
		.event = replica_keep_event,
		.event_ctx = r,
	};
}

/* --- opening --- */

static struct state *state_founded(struct replica *r, char *why, size_t why_room)
{
	struct state_config config = replica_state_config(r);
	struct state *s = state_new(&config);

	if (state_genesis(s, why, why_room, r->config.genesis, r->config.genesis_len) != 0) {
		state_free(s);
		return NULL;
	}
	return s;
}

static int store_founded(struct replica *r)
{
	int err = node_db_exec(r->config.db, "begin immediate");

	if (err == 0)
		err = copy_put_state(r->copy, r->state);
	return err == 0 ? node_db_exec(r->config.db, "commit") : err;
}

/* The copy's state, or a new one from the genesis document. */
static int open_state(struct replica *r, char *why, size_t why_room)
{
	struct state *genesis = state_founded(r, why, why_room);
	struct state_config config = replica_state_config(r);
	struct state_origin origin, wanted;
	int err;

	if (genesis == NULL)
		return ASSAY_E_INVAL;
	r->state = state_new(&config);
	err = copy_load(r->copy, r->state);
	if (err == ASSAY_E_NOTFOUND) {
		state_free(r->state);
		r->state = genesis;
		return store_founded(r);
	}
	state_origin(genesis, &wanted);
	state_free(genesis);
	if (err != 0) {
		snprintf(why, why_room, "the node's copy of the ledger cannot be read: %s",
			 assay_error_text(err));
		return err;
	}
	state_origin(r->state, &origin);
	if (memcmp(origin.net, wanted.net, sizeof(wanted.net)) == 0)
		return 0;
	snprintf(why, why_room,
		 "the node's database belongs to another network; give its genesis document, or "
		 "another run directory");
	return ASSAY_E_PERM;
}

static void load_flags(struct replica *r)
{
	int len = copy_get(r->copy, "mismatch", r->mismatch, sizeof(r->mismatch) - 1);

	r->mismatch[len > 0 ? len : 0] = '\0';
	if (copy_get(r->copy, "accepted", &r->accepted, sizeof(r->accepted)) < 0)
		r->accepted = 0;
}

static void tell_outcome(void *ctx, uint64_t cookie, const uint8_t id[32],
			 const struct entry_outcome *outcome)
{
	struct replica *r = ctx;

	if (r->config.outcome != NULL)
		r->config.outcome(r->config.ctx, cookie, id, outcome);
}

int replica_open(struct replica **out, char *why, size_t why_room,
		 const struct replica_config *config)
{
	struct replica *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	must(r != NULL);
	r->config = *config;
	r->ahead = ahead_new(&config->random);
	snprintf(why, why_room, "the node's database cannot be read: %s",
		 sqlite3_errmsg(config->db));
	err = copy_open(&r->copy, config->db);
	if (err == 0)
		err = outbox_open(&r->outbox, config->db, tell_outcome, r);
	if (err == 0)
		err = open_state(r, why, why_room);
	if (err != 0) {
		replica_close(r);
		return err;
	}
	load_flags(r);
	replica_drop_events(r, false);
	*out = r;
	return 0;
}

void replica_close(struct replica *r)
{
	if (r == NULL)
		return;
	replica_burst_clear(r);
	replica_drop_events(r, false);
	state_free(r->state);
	outbox_close(r->outbox);
	copy_close(r->copy);
	ahead_free(r->ahead);
	free(r->events);
	free(r);
}

void replica_attach(struct replica *r, struct feed *feed)
{
	r->feed = feed;
	r->connected = false;
}

/* --- turns --- */

/* True when the event's bytes were taken over. */
static bool take_entry(struct replica *r, const struct feed_event *event)
{
	uint64_t next = state_seq(r->state) + r->burst_n + 1;
	struct taken *t = &r->burst[r->burst_n];

	if (r->mismatch[0] != '\0' || r->failed)
		return false;
	if (event->seq < next) {
		/* Known, unless it waits in this very burst: then it came twice in a row. */
		if (event->seq <= state_seq(r->state))
			replica_compare(r, event->seq, event->bytes, event->len);
		return false;
	}
	must(event->seq == next); /* the feed's word */
	*t = (struct taken){.bytes = event->bytes, .len = event->len};
	if (!entry_parse(&t->parsed, t->bytes, t->len))
		entry_free(&t->parsed);
	r->burst_n++;
	r->burst_bytes += t->len;
	if (event->seq > r->head)
		r->head = event->seq;
	return true;
}

static void on_hole(struct replica *r, uint64_t seq)
{
	uint8_t log[32];

	if (copy_log(r->copy, seq, log) != 0)
		state_log(r->state, log);
	replica_mismatch(r, "an entry is missing in the log", seq, log, NULL);
}

/* Entries that left it are told. */
static void outbox_done(struct replica *r, int err)
{
	if (err != 0)
		replica_fail(r, "the outbox could not be written", err);
	outbox_committed(r->outbox);
}

static void take_event(struct replica *r, struct feed_event *event, struct moment now)
{
	switch (event->kind) {
	case FEED_CONNECTED:
		replica_connected(r, event->floor, event->seq);
		break;
	case FEED_LOST:
		r->connected = false;
		break;
	case FEED_ENTRY:
		if (take_entry(r, event))
			event->bytes = NULL;
		break;
	case FEED_APPENDED:
		outbox_done(r, outbox_sent(r->outbox, event, r->state, now));
		break;
	case FEED_TRIMMED:
		r->trimmed = true;
		log_warning(&r->config.log, "ledger",
			    "the log no longer has what this node needs; it needs a state file",
			    NULL);
		break;
	case FEED_HOLE:
		on_hole(r, event->seq);
		break;
	}
	free(event->bytes);
}

static enum replica_condition condition_of(const struct replica *r)
{
	if (r->failed)
		return REPLICA_FAILED;
	if (r->mismatch[0] != '\0')
		return REPLICA_MISMATCH;
	if (!r->connected)
		return REPLICA_OFFLINE;
	if (r->trimmed)
		return REPLICA_BEHIND;
	return state_seq(r->state) < r->head ? REPLICA_CATCHING : REPLICA_CURRENT;
}

/* Up to one burst: whatever is no entry waits until the burst before it is applied. */
static bool take_burst(struct replica *r, struct moment now)
{
	struct feed_event event;

	while (r->burst_n < BURST_MAX && r->burst_bytes < BURST_BYTES_MAX) {
		if (!feed_next(r->feed, &event))
			return false;
		if (event.kind != FEED_ENTRY && r->burst_n > 0)
			replica_apply(r);
		take_event(r, &event, now);
	}
	return true;
}

bool replica_turn(struct replica *r, struct moment now)
{
	bool more;

	if (r->feed == NULL || r->failed)
		return false;
	more = take_burst(r, now);
	if (r->burst_n > 0)
		replica_apply(r);
	if (r->failed)
		return false;
	if (condition_of(r) == REPLICA_CURRENT)
		outbox_done(r, outbox_send(r->outbox, r->feed, r->state, now));
	outbox_remind(r->outbox, now);
	feed_hurry(r->feed, outbox_count(r->outbox) > 0);
	return more;
}

uint64_t replica_due(const struct replica *r)
{
	if (r->feed == NULL || r->failed)
		return UINT64_MAX;
	return outbox_due(r->outbox, condition_of(r) == REPLICA_CURRENT);
}

void replica_races(struct replica *r, unsigned max)
{
	outbox_races(r->outbox, max);
}

int replica_put(struct replica *r, uint64_t cookie, enum entry_class class, const uint8_t *bytes,
		size_t len, struct moment now)
{
	if (r->failed || r->mismatch[0] != '\0')
		return ASSAY_E_REFUSED;
	return outbox_put(r->outbox, cookie, class, bytes, len, now);
}

/* --- the rest --- */

struct state *replica_state(struct replica *r)
{
	return r->state;
}

uint64_t replica_seq(const struct replica *r)
{
	return state_seq(r->state);
}

void replica_status(const struct replica *r, struct replica_status *out)
{
	*out = (struct replica_status){
		.condition = condition_of(r),
		.seq = state_seq(r->state),
		.head = r->head,
		.floor = r->floor,
		.voids = r->voids,
		.duplicates = r->duplicates,
		.refused = r->refused,
	};
	memcpy(out->mismatch, r->mismatch, sizeof(out->mismatch));
}

int replica_entry(struct replica *r, uint64_t seq, const uint8_t **bytes, size_t *len,
		  uint8_t log[32])
{
	return copy_entry(r->copy, seq, bytes, len, log);
}

int replica_height_hash(struct replica *r, uint64_t height, uint8_t hash[32])
{
	return copy_height(r->copy, height, hash);
}

uint64_t trim_upto(struct state *s, uint64_t epoch)
{
	char key[KEY_ROOM];
	struct epoch_root *root;
	struct seal *seal;

	if (epoch < TRIM_EPOCHS)
		return 0;
	key_epoch(key, epoch - TRIM_EPOCHS);
	root = table_find(state_tables(s), T_ROOTS, key);
	seal = table_find(state_tables(s), T_SEALS, key);
	return root != NULL && seal != NULL && text_of(seal->sig)[0] != '\0' ? root->seq : 0;
}

/* --- another state --- */

/* The open transaction becomes the copy of `state`, or nothing happens. */
static int replace(struct replica *r, struct state *state, uint64_t accepted)
{
	sqlite3 *db = r->config.db;
	int err = node_db_exec(db, "begin immediate");

	if (err == 0)
		err = copy_clear(r->copy);
	if (err == 0)
		err = copy_put_all(r->copy, state);
	if (err == 0)
		err = copy_put(r->copy, "accepted", &accepted, sizeof(accepted));
	if (err == 0)
		err = node_db_exec(db, "commit");
	if (err != 0) {
		node_db_exec(db, "rollback");
		return err;
	}
	state_free(r->state);
	r->state = state;
	r->accepted = accepted;
	r->mismatch[0] = '\0';
	r->trimmed = r->connected = false;
	r->head = 0;
	replica_burst_clear(r);
	replica_drop_events(r, false);
	if (r->feed != NULL)
		feed_restart(r->feed, state_seq(state) + 1);
	if (r->config.replaced != NULL)
		r->config.replaced(r->config.ctx, state);
	return 0;
}

int replica_load(struct replica *r, struct state *state)
{
	return r->failed ? ASSAY_E_IO : replace(r, state, r->accepted);
}

int replica_accept_engine(struct replica *r)
{
	uint64_t seen = state_seq(r->state) > r->head ? state_seq(r->state) : r->head;
	struct state *state;
	char why[256];
	int err;

	if (r->failed)
		return ASSAY_E_IO;
	state = state_founded(r, why, sizeof(why));
	must(state != NULL); /* it was founded from this document before */
	log_warning(&r->config.log, "ledger", "the operator accepts the engine's log",
		    "copy=%llu log=%llu", (unsigned long long)state_seq(r->state),
		    (unsigned long long)r->head);
	err = replace(r, state, seen);
	if (err != 0)
		state_free(state);
	return err;
}
