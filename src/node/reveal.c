/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reveal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "crypto/sign.h"

#define MARK	 256 /* links between two values that are kept */
#define MARKS	 (BEACON_CHAIN_LEN / MARK + 1)
#define FILE_MAX 512
#define FILE_NEW REVEAL_FILE ".new"

struct chain {
	uint8_t secret[32];
	uint8_t mark[MARKS][32]; /* values 0, MARK, 2 * MARK, ... */
	uint32_t at;		 /* value that was the tip last time */
};
struct reveal {
	struct disk disk;
	struct random random;
	uint32_t len;
	struct chain chain;
	uint8_t next[32];
	bool has_next;
	uint8_t unknown[32]; /* a tip that was looked for in vain */
	bool has_unknown;
};

/* --- the chain */

static void chain_make(struct chain *c, const uint8_t secret[32], uint32_t len)
{
	uint8_t value[32];

	memcpy(c->secret, secret, 32);
	memcpy(value, secret, 32);
	for (uint32_t i = 0; i <= len; i++) {
		if (i % MARK == 0)
			memcpy(c->mark[i / MARK], value, 32);
		beacon_link(value, value);
	}
	c->at = len;
	wipe(value, sizeof(value));
}

static void chain_value(const struct chain *c, uint8_t out[32], uint32_t at)
{
	memcpy(out, c->mark[at / MARK], 32);
	for (uint32_t i = at / MARK * MARK; i < at; i++)
		beacon_link(out, out);
}

/* Place of a value: near where it was, else anywhere; false when it is none of the chain's. */
static bool chain_find(struct chain *c, const uint8_t tip[32], uint32_t len)
{
	uint8_t value[32];

	for (uint32_t back = 0; back < 2 && back <= c->at; back++) {
		chain_value(c, value, c->at - back);
		if (memcmp(value, tip, 32) == 0) {
			c->at -= back;
			return true;
		}
	}
	memcpy(value, c->secret, 32);
	for (uint32_t i = 0; i <= len; i++) {
		if (memcmp(value, tip, 32) == 0) {
			c->at = i;
			return true;
		}
		beacon_link(value, value);
	}
	return false;
}

/* --- the file */

static bool read_secret(uint8_t out[32], const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && strlen(text) == 64 && hex_decode(out, 32, text) == 0;
}

int reveal_parse(uint8_t secret[32], uint8_t next[32], bool *has_next, const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int error = ASSAY_E_CORRUPT;

	*has_next = json_object_get(root, "next") != NULL;
	if (json_integer_value(json_object_get(root, "v")) == 1 &&
	    json_object_size(root) == 2u + *has_next && read_secret(secret, root, "secret") &&
	    (!*has_next || read_secret(next, root, "next")))
		error = 0;
	json_decref(root);
	return error;
}

/* Aside, synced, renamed: the old file is whole until the new one is. */
static int save(const struct reveal *r)
{
	const struct disk *d = &r->disk;
	char text[FILE_MAX], secret[65], next[65];
	int file, len, error;

	hex_encode(secret, r->chain.secret, 32);
	hex_encode(next, r->next, 32);
	len = r->has_next ? snprintf(text, sizeof(text),
				     "{\"v\":1,\"secret\":\"%s\",\"next\":\"%s\"}\n", secret, next)
			  : snprintf(text, sizeof(text), "{\"v\":1,\"secret\":\"%s\"}\n", secret);
	d->remove(d->ctx, FILE_NEW);
	file = d->open(d->ctx, FILE_NEW, DISK_CREATE_SECRET);
	error = file < 0 ? file : d->write(d->ctx, file, text, (size_t)len, 0);
	if (error == 0)
		error = d->sync(d->ctx, file);
	if (file >= 0)
		d->close(d->ctx, file);
	if (error == 0)
		error = d->rename(d->ctx, FILE_NEW, REVEAL_FILE);
	if (error == 0)
		error = d->sync_dir(d->ctx, ".");
	wipe(text, sizeof(text));
	wipe(secret, sizeof(secret));
	wipe(next, sizeof(next));
	return error;
}

static int load(struct reveal *r)
{
	const struct disk *d = &r->disk;
	int file = d->open(d->ctx, REVEAL_FILE, DISK_READ), error = ASSAY_E_CORRUPT;
	uint8_t secret[32];
	char text[FILE_MAX];
	int64_t len;

	if (file < 0)
		return file;
	len = d->read(d->ctx, file, text, sizeof(text), 0);
	d->close(d->ctx, file);
	if (len < 0)
		return (int)len;
	error = reveal_parse(secret, r->next, &r->has_next, text, (size_t)len);
	if (error == 0)
		chain_make(&r->chain, secret, r->len);
	wipe(text, sizeof(text));
	wipe(secret, sizeof(secret));
	return error;
}

int reveal_open(struct reveal **out, char *why, size_t why_room, const struct disk *disk,
		const struct random *random, uint32_t len)
{
	struct reveal *r = calloc(1, sizeof(*r));
	uint8_t secret[32];
	int error;

	must(r != NULL && len > 0 && len <= BEACON_CHAIN_LEN);
	*out = NULL;
	r->disk = *disk;
	r->random = *random;
	r->len = len;
	error = load(r);
	if (error == ASSAY_E_NOTFOUND) {
		random_fill(random, secret, sizeof(secret));
		chain_make(&r->chain, secret, len);
		wipe(secret, sizeof(secret));
		error = save(r);
	}
	if (error != 0) {
		snprintf(why, why_room,
			 "%s: %s; restore it, or remove it and let the authority set the new tip "
			 "(assayctl committee propose)",
			 REVEAL_FILE, assay_error_text(error));
		reveal_close(r);
		return error;
	}
	*out = r;
	return 0;
}

void reveal_close(struct reveal *r)
{
	if (r == NULL)
		return;
	wipe(r, sizeof(*r));
	free(r);
}

/* --- revealing */

void reveal_tip(const struct reveal *r, uint8_t tip[32])
{
	chain_value(&r->chain, tip, r->len);
}

/* The ledger took the first tip of the next chain: that one it is from now on. */
static bool turn_over(struct reveal *r, const uint8_t tip[32], int *error)
{
	struct chain *c = &r->chain;
	uint8_t first[32];

	if (!r->has_next)
		return false;
	beacon_value(first, r->next, r->len);
	if (memcmp(first, tip, 32) != 0)
		return false;
	chain_make(c, r->next, r->len);
	r->has_next = false;
	wipe(r->next, sizeof(r->next));
	*error = save(r);
	return true;
}

static int find(struct reveal *r, const uint8_t tip[32])
{
	int error = 0;

	if (r->has_unknown && memcmp(r->unknown, tip, 32) == 0)
		return ASSAY_E_NOTFOUND;
	if (chain_find(&r->chain, tip, r->len) || turn_over(r, tip, &error))
		return error;
	memcpy(r->unknown, tip, 32);
	r->has_unknown = true;
	return ASSAY_E_NOTFOUND;
}

int reveal_next(struct reveal *r, uint8_t value[32], bool *renewed, uint8_t new_tip[32],
		const uint8_t tip[32])
{
	int error = find(r, tip);

	*renewed = false;
	if (error != 0)
		return error;
	/* The secret itself was revealed, and its entry carried no new tip: nothing is left. */
	if (r->chain.at == 0)
		return ASSAY_E_NOTFOUND;
	chain_value(&r->chain, value, r->chain.at - 1);
	if (r->chain.at > 1)
		return 0;
	if (!r->has_next) {
		random_fill(&r->random, r->next, sizeof(r->next));
		r->has_next = true;
		error = save(r);
		r->has_next = error == 0;
	}
	*renewed = error == 0;
	beacon_value(new_tip, r->next, r->len);
	return error;
}
