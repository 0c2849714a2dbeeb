/* SPDX-License-Identifier: Apache-2.0 */
/* The state hash: a Merkle tree over the digests of the buckets. */
#include "crypto/digest.h"
#include "ledger/field.h"
#include "ledger/table_impl.h"

#define BURST 65536 /* bytes handed to the hash at once: it works on many chunks in parallel */

/* "table key TAB json LF", appended to t->line. */
static void write_line(struct tables *t, const struct record *r)
{
	buf_text(&t->line, table_name(r->table));
	buf_char(&t->line, ' ');
	buf_text(&t->line, r->key);
	buf_char(&t->line, '\t');
	shape_write(&t->line, &table_shapes[r->table].shape, r);
	buf_char(&t->line, '\n');
}

void tables_bucket(struct tables *t, unsigned bucket, uint8_t digest[32],
		   void (*line)(void *arg, const char *text, size_t len), void *arg)
{
	struct digest_stream s;
	struct record *r;

	digest_stream_init(&s, NULL);
	buf_clear(&t->line);
	RB_FOREACH(r, bucket_tree, &t->buckets[bucket])
	{
		size_t from = t->line.len;

		write_line(t, r);
		if (line != NULL)
			line(arg, t->line.at + from, t->line.len - from);
		if (t->line.len < BURST)
			continue;
		digest_stream_add(&s, t->line.at, t->line.len);
		buf_clear(&t->line);
	}
	digest_stream_add(&s, t->line.at, t->line.len);
	digest_stream_end(&s, digest);
}

static void hash_pair(uint8_t out[32], const uint8_t pair[64])
{
	uint8_t message[65] = {1};

	memcpy(message + 1, pair, 64);
	digest_one(out, NULL, message, sizeof(message));
}

void buckets_root(uint8_t out[32], uint8_t nodes[2 * BUCKETS][32])
{
	for (unsigned n = BUCKETS - 1; n >= 1; n--)
		hash_pair(nodes[n], nodes[2 * n]);
	memcpy(out, nodes[1], 32);
}

void tables_hash(struct tables *t, uint8_t out[32])
{
	uint64_t stale[2 * BUCKETS / 64] = {0}; /* bits: nodes of the tree */

	for (unsigned b = 0; b < BUCKETS; b++) {
		if (!(t->stale[b / 64] >> b % 64 & 1))
			continue;
		tables_bucket(t, b, t->nodes[BUCKETS + b], NULL, NULL);
		stale[(BUCKETS + b) / 2 / 64] |= UINT64_C(1) << (BUCKETS + b) / 2 % 64;
	}
	memset(t->stale, 0, sizeof(t->stale));
	for (unsigned n = BUCKETS - 1; n >= 1; n--) {
		if (!(stale[n / 64] >> n % 64 & 1))
			continue;
		hash_pair(t->nodes[n], t->nodes[2 * n]);
		stale[n / 2 / 64] |= UINT64_C(1) << n / 2 % 64;
	}
	memcpy(out, t->nodes[1], 32);
}

void tables_dump(struct tables *t, void (*line)(void *arg, const char *text, size_t len), void *arg)
{
	for (int table = 0; table < TABLES; table++)
		for (struct record *r = table_first(t, table); r != NULL; r = table_next(t, r)) {
			buf_clear(&t->line);
			write_line(t, r);
			line(arg, t->line.at, t->line.len);
		}
}
