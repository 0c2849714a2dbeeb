/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"
#include "ledger/statefile.h"

static const uint8_t magic[8] = {'A', 'S', 'N', 'P', 1};

void statefile_header_write(uint8_t out[STATEFILE_HEADER_LEN], const struct statefile_header *h)
{
	struct writer w = writer_of(out, STATEFILE_HEADER_LEN);

	write_bytes(&w, magic, sizeof(magic));
	write_u64be(&w, h->epoch);
	write_u64be(&w, h->seq);
	write_bytes(&w, h->log, 32);
	write_bytes(&w, h->state, 32);
	for (unsigned b = 0; b < BUCKETS; b++) {
		write_bytes(&w, h->buckets[b].digest, 32);
		write_u32be(&w, h->buckets[b].len);
		write_u32be(&w, 0);
	}
	must(!w.full && w.left == 0);
}

static bool digests_fit(const struct statefile_header *h)
{
	uint8_t root[32];
	uint8_t(*nodes)[32] = malloc(2 * BUCKETS * sizeof(*nodes));

	must(nodes != NULL);
	for (unsigned b = 0; b < BUCKETS; b++)
		memcpy(nodes[BUCKETS + b], h->buckets[b].digest, 32);
	buckets_root(root, nodes);
	free(nodes);
	return memcmp(root, h->state, 32) == 0;
}

int statefile_header_read(struct statefile_header *h, const uint8_t in[STATEFILE_HEADER_LEN])
{
	struct reader r = reader_of(in, STATEFILE_HEADER_LEN);
	bool sound = memcmp(read_bytes(&r, sizeof(magic)), magic, sizeof(magic)) == 0;

	h->epoch = read_u64be(&r);
	h->seq = read_u64be(&r);
	memcpy(h->log, read_bytes(&r, 32), 32);
	memcpy(h->state, read_bytes(&r, 32), 32);
	for (unsigned b = 0; b < BUCKETS; b++) {
		memcpy(h->buckets[b].digest, read_bytes(&r, 32), 32);
		h->buckets[b].len = read_u32be(&r);
		sound = sound && read_u32be(&r) == 0 && h->buckets[b].len <= STATEFILE_BUCKET_MAX;
	}
	return sound && read_done(&r) && digests_fit(h) ? 0 : ASSAY_E_CORRUPT;
}

void statefile_root(uint8_t out[32], const struct statefile_header *h)
{
	uint8_t message[64];

	memcpy(message, h->log, 32);
	memcpy(message + 32, h->state, 32);
	digest_one(out, NULL, message, sizeof(message));
}

static void count_bytes(void *arg, const char *text, size_t len)
{
	*(uint64_t *)arg += len;
}

void statefile_describe_tables(struct statefile_header *h, struct tables *t)
{
	tables_hash(t, h->state);
	for (unsigned b = 0; b < BUCKETS; b++) {
		uint64_t bytes = 0;

		tables_bucket(t, b, h->buckets[b].digest, count_bytes, &bytes);
		must(bytes <= STATEFILE_BUCKET_MAX);
		h->buckets[b].len = (uint32_t)bytes;
	}
}

void statefile_describe(struct statefile_header *h, struct state *s)
{
	h->seq = state_seq(s);
	state_log(s, h->log);
	statefile_describe_tables(h, state_tables(s));
}

/* Takes "table key TAB json LF" off the front; false when there is no such line. */
static bool take_line(struct state *s, unsigned bucket, const char **at, const char *end)
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	const char *tab = memchr(*at, '\t', (size_t)(end - *at));
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	enum table_id table;
	bool sound = false;
	char *key;

	if (blank == NULL || tab == NULL || stop == NULL || blank > tab || tab > stop)
		return false;
	table = table_by_name(*at, (size_t)(blank - *at));
	key = strndup(blank + 1, (size_t)(tab - blank - 1));
	must(key != NULL);
	if (table < TABLES && table_bucket(table, key) == bucket)
		sound = state_load(s, table, key, tab + 1, (size_t)(stop - tab - 1)) == 0;
	free(key);
	*at = stop + 1;
	return sound;
}

int statefile_load(struct state *s, const struct statefile_header *h, unsigned bucket,
		   const char *lines, size_t len)
{
	const char *at = lines;
	uint8_t digest[32];

	digest_one(digest, NULL, lines, len);
	if (len != h->buckets[bucket].len || memcmp(digest, h->buckets[bucket].digest, 32) != 0)
		return ASSAY_E_CORRUPT;
	while (at < lines + len)
		if (!take_line(s, bucket, &at, lines + len))
			return ASSAY_E_CORRUPT;
	return 0;
}
