/* SPDX-License-Identifier: Apache-2.0 */
/* A state without a genesis: default parameters, no nodes. For tests below the entry layer. */
#ifndef TESTS_LEDGER_BARE_H
#define TESTS_LEDGER_BARE_H

#include "ledger/buf.h"
#include "ledger/state_impl.h"

struct bare {
	struct state *state;
	json_t *events; /* names of the score rules' events since they were last taken */
};

/* The defaults, into a zero record or one of a table. */
void bare_params(struct params *p);
void bare_new(struct bare *b);
void bare_free(struct bare *b);
/* A new reference; the list is empty again. */
json_t *bare_take_events(struct bare *b);

void bare_height(struct bare *b, uint64_t height);
/* The node comes into that state, and into being when it is new. */
void bare_node(struct bare *b, const char *account, enum node_state state);
/* The record of that key becomes what the object says; indexes follow. False for a bad object. */
bool bare_record(struct bare *b, enum table_id table, const char *key, const json_t *object);
/* An anchor of a zero seed. */
struct anchor *bare_anchor(struct bare *b, uint64_t epoch);
/* The dump, appended. */
void bare_dump(struct buf *out, struct bare *b);

#endif
