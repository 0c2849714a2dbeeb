/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/report_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/report.h"

/* The assignment of challenge.json's first case: sn-a asks sn-f, sn-b asks sn-e. */
static const char *const accounts[] = {"sn-a", "sn-b", "sn-c", "sn-d", "sn-e", "sn-f"};
#define SEED "3031323334353637383930313233343536373839303132333435363738393031"

static struct sign_key key_of(const char *account)
{
	struct sign_key key;
	uint8_t secret[32];

	digest_one(secret, NULL, account, strlen(account));
	must(sign_key_from_secret(&key, secret) == 0);
	return key;
}

static struct ticket *add_ticket(struct world *w, const char *id, uint64_t height)
{
	struct ticket *t = table_put(w->s->tables, T_TICKETS, id);

	t->state = TICKET_OPEN;
	t->height = height;
	t->index_artifact_count = 6;
	t->symbol_artifact_count = 8;
	t->index_copies = t->symbol_copies = 1;
	texts_add(&t->holders, "sn-e");
	texts_add(&t->holders, "sn-f");
	return t;
}

void world_set(struct world *w, const char *name, uint64_t value)
{
	json_t *values = json_pack("{sI}", name, (json_int_t)value);
	char why[256];

	must(params_merge(state_params(w->s), why, sizeof(why), values, true) == 0);
	json_decref(values);
}

void world_begin(struct world *w, uint64_t epoch)
{
	struct anchor *a = bare_anchor(&w->bare, epoch);
	char key[KEY_ROOM];

	text_set(&a->seed, SEED);
	for (int i = 0; i < 6; i++) {
		texts_add(&a->active, accounts[i]);
		texts_add(&a->targets, accounts[i]);
	}
	bare_height(&w->bare, a->start + 9);
	params_copy(table_put(w->s->tables, T_PARAM_SNAPSHOTS, key_epoch(key, epoch)),
		    state_params(w->s));
	state_index(w->s);
}

static const char good[] =
	"{'epoch':40,'host':{'cpu':1,'mem':2,'disk':3,'ports':[],'failed_actions':0,"
	"'stored_bytes':5},'observations':[{'target':'sn-f','ports':[]}],'rows':["
	"{'target':'sn-f','challenger':'sn-a','ticket':'new','bucket':1,'class':2,'ordinal':1,"
	"'count':8,'key':'K1','result':1,'derivation':'D','transcript':'','sig':'','details':''},"
	"{'target':'sn-f','challenger':'sn-a','ticket':'old','bucket':2,'class':1,'ordinal':3,"
	"'count':6,'key':'K2','result':3,'derivation':'D','transcript':'','sig':'','details':'dial'"
	"}"
	"]}";

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	value = json_loads(copy, JSON_DECODE_ANY, NULL);
	must(value != NULL);
	free(copy);
	return value;
}

void world_new(struct world *w)
{
	char hex[65];

	*w = (struct world){0};
	bare_new(&w->bare);
	w->s = w->bare.state;
	w->s->params->required_open_ports.n = 0;
	for (int i = 0; i < 6; i++) {
		struct node *n = table_put(w->s->tables, T_NODES, accounts[i]);
		struct sign_key key = key_of(accounts[i]);

		n->state = NODE_ACTIVE;
		hex_encode(hex, key.public, 32);
		text_set(&n->key, hex);
	}
	add_ticket(w, "new", 16000);
	add_ticket(w, "old", 4400);
	add_ticket(w, "middle", 10000);
	world_begin(w, EPOCH);
	w->data = parse(good);
}

void world_free(struct world *w)
{
	json_decref(w->data);
	bare_free(&w->bare);
}

void world_sign(struct world *w)
{
	struct sign_key key = key_of("sn-a");
	const uint8_t aux[32] = {0};
	size_t i;
	json_t *r;

	json_array_foreach(json_object_get(w->data, "rows"), i, r)
	{
		struct report_row row = {.result = data_number(r, "result")};
		struct sha256_part parts[3];
		uint8_t class, sig[64];
		char hash[65], hex[129];

		snprintf(hash, sizeof(hash), "%064zx", i + 1);
		if (w->transcript != NULL)
			snprintf(hash, sizeof(hash), "%s", w->transcript);
		row.transcript = hash;
		report_row_parts(parts, &class, &row);
		sign_tagged(sig, &key, TAG_ROW, parts, 3, aux);
		sig[0] ^= w->sign_wrongly &&
			  i + 1 == json_array_size(json_object_get(w->data, "rows"));
		hex_encode(hex, sig, 64);
		json_object_set_new(r, "transcript", json_string(hash));
		json_object_set_new(r, "sig", json_string(hex));
	}
}

unsigned world_submit(struct world *w)
{
	const struct entry_ctx ctx = {.author = "sn-a"};
	const char *reason = "";
	unsigned code = apply_report(w->s, &ctx, w->data, &reason);

	must(*reason == '\0');
	return code;
}

unsigned world_submit_signed(struct world *w)
{
	world_sign(w);
	return world_submit(w);
}

void world_edit(struct world *w, const char *path, const char *value)
{
	json_t *at = w->data, *v = parse(value);
	char part[32];

	for (;;) {
		size_t len = strcspn(path, ".");
		bool last = path[len] == '\0';

		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		path += len + 1;
		if (json_is_array(at) && last)
			must(json_array_set_new(at, (size_t)atoi(part), v) == 0);
		else if (last)
			must(json_object_set_new(at, part, v) == 0);
		if (last)
			return;
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(part))
				       : json_object_get(at, part);
		must(at != NULL);
	}
}
