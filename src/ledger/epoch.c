/* SPDX-License-Identifier: Apache-2.0 */
/* What the last and the first height of an epoch bring with them. */
#include "base/must.h"
#include "base/text.h"
#include "ledger/state_impl.h"
#include "proof/derive.h"

/* The root after the last entry before the tick, and what the trailer needs beside it. */
static void record_root(struct state *s, uint64_t epoch)
{
	bool rotates = s->pending != NULL && s->pending->state == COMMITTEE_ACKNOWLEDGED;
	const struct committee *next = rotates ? s->pending : s->committee;
	struct epoch_root *r;
	uint8_t root[32];
	char key[KEY_ROOM], hex[65];

	state_root(s, root);
	hex_encode(hex, root, 32);
	r = table_put(s->tables, T_ROOTS, key_epoch(key, epoch));
	r->seq = s->origin.seq;
	text_set(&r->root, hex);
	r->time = s->meta->time;
	text_set(&r->next_key, next->output_key);
}

/* Snapshots of parameters go with the anchors. */
static void prune_params(struct state *s, uint64_t epoch)
{
	uint64_t keep = s->params->keep_last_epoch_entries;
	struct params *p = table_first(s->tables, T_PARAM_SNAPSHOTS), *next;
	char key[KEY_ROOM];

	if (epoch + 1 < keep)
		return;
	key_epoch(key, epoch + 1 - keep);
	for (; p != NULL && strcmp(p->record.key, key) < 0; p = next) {
		next = table_next(s->tables, p);
		table_remove(s->tables, p);
	}
}

/* Height and time are those of the tick before. */
void epoch_end(struct state *s, uint64_t epoch)
{
	record_root(s, epoch);
	score_epoch_end(s, epoch);
	presence_missing(s, epoch);
	prune_scores(s, epoch);
	prune_params(s, epoch);
	prune_verdicts(s, epoch);
	prune_seals(s, epoch);
	prune_tickets(s, epoch);
	state_event(s, &(struct state_event){.kind = STATE_EPOCH_ENDED, .number = epoch});
}

static void commitment(char **out, const struct texts *accounts)
{
	uint8_t digest[32];
	char hex[65];

	commit_list(digest, (const char *const *)accounts->at, accounts->n);
	hex_encode(hex, digest, 32);
	text_set(out, hex);
}

static void make_anchor(struct state *s, uint64_t epoch)
{
	uint8_t beacon[32], seed[32];
	char key[KEY_ROOM], hex[65];
	struct anchor *a = table_put(s->tables, T_ANCHORS, key_epoch(key, epoch));

	epoch_bounds(&a->start, &a->end, epoch, s->params->epoch_zero_height,
		     s->params->epoch_length_blocks);
	must(hex_read(beacon, 32, s->meta->beacon));
	epoch_seed(seed, beacon, 32, epoch, a->start);
	hex_encode(hex, seed, 32);
	text_set(&a->seed, hex);
	texts_free(&a->active);
	texts_free(&a->targets);
	accounts_that(s, &a->active, node_working);
	accounts_that(s, &a->targets, node_challengeable);
	commitment(&a->active_commitment, &a->active);
	commitment(&a->targets_commitment, &a->targets);
}

void epoch_start(struct state *s, uint64_t epoch)
{
	char key[KEY_ROOM];

	make_anchor(s, epoch);
	params_copy(table_put(s->tables, T_PARAM_SNAPSHOTS, key_epoch(key, epoch)), s->params);
	state_event(s, &(struct state_event){.kind = STATE_EPOCH_STARTED, .number = epoch});
}
