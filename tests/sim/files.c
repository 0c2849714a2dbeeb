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

#define REAL_SIZE  70000  /* two source symbols, six of repair */
#define LIGHT_SIZE 200000 /* four, and sixteen */
#define SYMBOL	   65528

static void item_add(struct run *r, unsigned bit, const uint8_t key[32], const uint8_t *data,
		     size_t len)
{
	struct run_item *item = &r->item[r->items++];
	uint64_t outboard = tree_outboard_len(tree_chunks(len));

	must(r->items <= RUN_ITEMS_MAX);
	item->file = r->files;
	item->bit = bit;
	memcpy(item->key, key, 32);
	item->size = len;
	item->data = malloc(len);
	item->rotten = malloc(len);
	item->outboard = malloc(outboard);
	item->rotten_outboard = malloc(outboard);
	must(item->data != NULL && item->rotten != NULL && item->outboard != NULL &&
	     item->rotten_outboard != NULL);
	memcpy(item->data, data, len);
	for (size_t i = 0; i < len; i++)
		item->rotten[i] = data[i] ^ 0x55;
	tree_build(item->outboard, data, len);
	must(memcmp(item->outboard + outboard - 32, key, 32) == 0);
	tree_build(item->rotten_outboard, item->rotten, len);
	item->good = (struct artifact_bytes){item->data, item->outboard};
	item->bad = (struct artifact_bytes){item->rotten, item->rotten_outboard};
}

const struct run_item *run_item_find(const struct run *r, const uint8_t key[32])
{
	for (unsigned i = 0; i < r->items; i++)
		if (memcmp(r->item[i].key, key, 32) == 0)
			return &r->item[i];
	return NULL;
}

bool run_item_there(const struct run_node *n, const struct run_item *item)
{
	return n->has[item->file] >> item->bit & 1;
}

static void take(void *ctx, bool symbol, unsigned ordinal, const uint8_t key[32],
		 const uint8_t *data, size_t len)
{
	item_add(ctx, symbol ? 2 * CODED_TICKET_MAX + ordinal : ordinal, key, data, len);
}

static json_t *index_ids(const struct coded_ticket *t)
{
	json_t *ids = json_array();

	for (unsigned i = 0; i < t->max; i++)
		json_array_append_new(ids, json_string(t->index_id[i]));
	return ids;
}

uint64_t run_file_share(struct run *r, const struct run_file *f, size_t holders, size_t position)
{
	const struct params *p = state_params(r->net.state);
	uint64_t share = 0;

	for (unsigned i = 0; i < f->index; i++)
		if (placement_on(i, p->index_copies, holders, position))
			share |= UINT64_C(1) << i;
	for (unsigned i = 0; i < f->symbols; i++)
		if (placement_on(i, p->symbol_copies, holders, position))
			share |= UINT64_C(1) << (f->index + i);
	return share;
}

/* The holders of a ticket of the current epoch, who get what is theirs. */
static void place(struct run *r, struct texts *holders, const struct run_file *f)
{
	const struct params *p = state_params(r->net.state);
	struct texts active = {0}, none = {0};
	char key[KEY_ROOM];
	const struct anchor *anchor = table_find(state_tables(r->net.state), T_ANCHORS,
						 key_epoch(key, state_epoch(r->net.state)));

	texts_copy(&active, &anchor->active);
	placement_new(holders, f->ticket, &active, &none,
		      placement_width_of(p->placement_width, f->index, f->symbols));
	texts_free(&active);
	for (size_t i = 0; i < holders->n; i++)
		run_node_find(r, holders->at[i])->has[f - r->file] =
			run_file_share(r, f, holders->n, i);
}

static struct run_file *file_new(struct run *r, const char *ticket, const char *hash, uint64_t size)
{
	struct run_file *f = &r->file[r->files++];

	must(r->files <= RUN_FILES_MAX);
	*f = (struct run_file){
		.index = 2 * CODED_TICKET_MAX,
		.symbols = (unsigned)ticket_symbols(size,
						    state_params(r->net.state)->redundancy_ratio),
		.source = (unsigned)((size + SYMBOL - 1) / SYMBOL),
	};
	must(f->index + f->symbols <= 64);
	strcpy(f->ticket, ticket);
	strcpy(f->hash, hash);
	r->net.next_n = 1000000 + r->files; /* net_ticket_data left it at 0, a ticket's */
	return f;
}

json_t *run_file_make(struct run *r, unsigned creator)
{
	const struct net_node *node = &r->net.nodes[creator];
	const uint64_t size = REAL_SIZE + r->files;
	json_t *data = net_ticket_data(&r->net, creator, r->files, size);
	struct texts holders = {0};
	struct coded_ticket t;
	char id[TICKET_ID_LEN + 1];
	struct run_file *f;

	must(r->files < RUN_REAL_MAX);
	coded_ticket_make(&t, &node->key, size, take, r);
	ticket_id(id, node->account, t.data_hash, 0);
	f = file_new(r, id, t.data_hash, size);
	place(r, &holders, f);
	json_object_set_new(data, "ticket", json_string(id));
	json_object_set_new(data, "data_hash", json_string(t.data_hash));
	json_object_set_new(data, "rq_ids_ids", index_ids(&t));
	json_object_set_new(data, "signatures", json_string(t.signatures));
	json_object_set_new(data, "receipts",
			    net_receipts(&r->net, id, state_epoch(r->net.state), &holders));
	texts_free(&holders);
	coded_ticket_free(&t);
	return data;
}

json_t *run_file_light(struct run *r, unsigned creator)
{
	json_t *data = net_ticket_data(&r->net, creator, r->files, LIGHT_SIZE);
	struct texts holders = {0};

	place(r, &holders,
	      file_new(r, json_string_value(json_object_get(data, "ticket")),
		       json_string_value(json_object_get(data, "data_hash")), LIGHT_SIZE));
	texts_free(&holders);
	return data;
}

struct run_file *run_file_find(struct run *r, const char *ticket)
{
	for (unsigned i = 0; i < r->files; i++)
		if (strcmp(r->file[i].ticket, ticket) == 0)
			return &r->file[i];
	return NULL;
}

void run_files_free(struct run *r)
{
	for (unsigned i = 0; i < r->items; i++) {
		free(r->item[i].data);
		free(r->item[i].rotten);
		free(r->item[i].outboard);
		free(r->item[i].rotten_outboard);
	}
}
