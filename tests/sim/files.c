/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose symbols, layout files and index files are real artifacts, and their tickets. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/placement.h"
#include "ledger/rules.h"
#include "ledger/state_impl.h"
#include "sim/coded.h"
#include "sim/run.h"

#define RUN_FILE_SIZE 5000 /* one source symbol */

static void item_add(struct run *r, const uint8_t key[32], const uint8_t *data, size_t len)
{
	struct run_item *item = &r->item[r->items++];
	uint64_t outboard = tree_outboard_len(tree_chunks(len));

	must(r->items <= RUN_ITEMS_MAX);
	memcpy(item->key, key, 32);
	item->size = len;
	item->data = malloc(len);
	item->rotten = malloc(len);
	item->outboard = malloc(outboard);
	must(item->data != NULL && item->rotten != NULL && item->outboard != NULL);
	memcpy(item->data, data, len);
	for (size_t i = 0; i < len; i++)
		item->rotten[i] = data[i] ^ 0x55;
	tree_build(item->outboard, data, len);
	must(memcmp(item->outboard + outboard - 32, key, 32) == 0);
	item->good = (struct artifact_bytes){item->data, item->outboard};
	item->bad = (struct artifact_bytes){item->rotten, item->outboard};
}

const struct run_item *run_item_find(const struct run *r, const uint8_t key[32])
{
	for (unsigned i = 0; i < r->items; i++)
		if (memcmp(r->item[i].key, key, 32) == 0)
			return &r->item[i];
	return NULL;
}

static void take(void *ctx, bool symbol, unsigned ordinal, const uint8_t key[32],
		 const uint8_t *data, size_t len)
{
	item_add(ctx, key, data, len);
}

static json_t *index_ids(const struct coded_ticket *t)
{
	json_t *ids = json_array();

	for (unsigned i = 0; i < t->max; i++)
		json_array_append_new(ids, json_string(t->index_id[i]));
	return ids;
}

/* The placement of a ticket of the current epoch. */
static void place(struct run *r, struct texts *holders, const char *ticket)
{
	struct texts active = {0}, none = {0};
	char key[KEY_ROOM];
	const struct anchor *anchor = table_find(state_tables(r->net.state), T_ANCHORS,
						 key_epoch(key, state_epoch(r->net.state)));

	texts_copy(&active, &anchor->active);
	placement_new(holders, ticket, &active, &none, 64);
	texts_free(&active);
}

json_t *run_file_make(struct run *r, unsigned creator)
{
	const struct net_node *node = &r->net.nodes[creator];
	const uint64_t size = RUN_FILE_SIZE + r->files;
	json_t *data = net_ticket_data(&r->net, creator, r->files, size);
	struct texts holders = {0};
	struct coded_ticket t;
	char *id = r->file[r->files].ticket;

	must(r->files < RUN_FILES_MAX);
	coded_ticket_make(&t, &node->key, size, take, r);
	ticket_id(id, node->account, t.data_hash, 0);
	place(r, &holders, id);
	json_object_set_new(data, "ticket", json_string(id));
	json_object_set_new(data, "data_hash", json_string(t.data_hash));
	json_object_set_new(data, "rq_ids_ids", index_ids(&t));
	json_object_set_new(data, "signatures", json_string(t.signatures));
	json_object_set_new(data, "receipts",
			    net_receipts(&r->net, id, state_epoch(r->net.state), &holders));
	r->net.next_n = 1000000 + ++r->files; /* net_ticket_data left it at 0, a ticket's */
	texts_free(&holders);
	coded_ticket_free(&t);
	return data;
}

void run_files_free(struct run *r)
{
	for (unsigned i = 0; i < r->items; i++) {
		free(r->item[i].data);
		free(r->item[i].rotten);
		free(r->item[i].outboard);
	}
}
