/* SPDX-License-Identifier: Apache-2.0 */
/* The entries and what must hold of them. */
#include "control/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "crypto/sign.h"

void registry_init(struct registry *r, const char *network)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->network, sizeof(r->network), "%s", network);
}

void registry_free(struct registry *r)
{
	free(r->entries);
	memset(r, 0, sizeof(*r));
}

/* What the proof of possession is over: account ‖ 00 ‖ identity key (zero for a client). */
static void pop_parts(struct sha256_part parts[2], uint8_t tail[33],
		      const struct registry_entry *entry)
{
	tail[0] = 0;
	memcpy(tail + 1, entry->key, 32);
	parts[0] = (struct sha256_part){entry->account, strlen(entry->account)};
	parts[1] = (struct sha256_part){tail, 33};
}

static bool pop_valid(const struct registry_entry *entry)
{
	struct sha256_part parts[2];
	uint8_t tail[33];

	pop_parts(parts, tail, entry);
	return verify_tagged(entry->session_pop, entry->session_key + 1, TAG_SESSION_KEY, parts, 2);
}

/* What is wrong with an entry by itself, or NULL. */
static const char *entry_wrong(const struct registry_entry *e)
{
	if (!account_valid(e->account))
		return "account must be 1 to 64 of a-z, 0-9, '.' and '-'";
	if (strcmp(e->account, "authority") == 0)
		return "the account \"authority\" is reserved";
	if (!public_key_valid(e->session_key))
		return "session_key is not a point of the curve";
	if (e->node && !xonly_key_valid(e->key))
		return "key is not a point of the curve";
	if (e->node && !public_key_valid(e->enc_key))
		return "enc_key is not a point of the curve";
	if (e->node && !e->has_pop)
		return "session_pop is missing";
	if (e->has_pop && !pop_valid(e))
		return "session_pop does not prove possession of the session key";
	if (e->permissions > (ASSAY_MAY_PROVE | ASSAY_MAY_READ | ASSAY_MAY_WRITE | ASSAY_MAY_CALL))
		return "permissions must be of prove, read, write, call";
	return e->sessions > 8 ? "sessions must be 0..8" : NULL;
}

/* What an entry shares with another that it must not, or NULL. */
static const char *entry_clash(const struct registry_entry *a, const struct registry_entry *b)
{
	if (strcmp(a->account, b->account) == 0)
		return "account";
	if (memcmp(a->session_key, b->session_key, 33) == 0)
		return "session_key";
	if (a->node && b->node && memcmp(a->key, b->key, 32) == 0)
		return "key";
	return NULL;
}

static int grow(struct registry *r)
{
	unsigned room = r->room > 0 ? r->room * 2 : 16;
	struct registry_entry *entries;

	if (r->count < r->room)
		return 0;
	entries = realloc(r->entries, room * sizeof(*entries));
	if (entries == NULL)
		return ASSAY_E_NOMEM;
	r->entries = entries;
	r->room = room;
	return 0;
}

int registry_add(struct registry *r, const struct registry_entry *entry, char *why)
{
	const char *wrong = entry_wrong(entry);

	if (wrong != NULL) {
		snprintf(why, REGISTRY_WHY_MAX, "%.64s: %s", entry->account, wrong);
		return ASSAY_E_INVAL;
	}
	for (unsigned i = 0; i < r->count; i++) {
		wrong = entry_clash(entry, &r->entries[i]);
		if (wrong == NULL)
			continue;
		snprintf(why, REGISTRY_WHY_MAX, "%s: %s is already that of %s", entry->account,
			 wrong, r->entries[i].account);
		return ASSAY_E_EXISTS;
	}
	if (r->count == REGISTRY_ENTRIES_MAX) {
		snprintf(why, REGISTRY_WHY_MAX, "the registry is full: %d entries",
			 REGISTRY_ENTRIES_MAX);
		return ASSAY_E_FULL;
	}
	if (grow(r) != 0) {
		snprintf(why, REGISTRY_WHY_MAX, "%s", assay_error_text(ASSAY_E_NOMEM));
		return ASSAY_E_NOMEM;
	}
	r->entries[r->count++] = *entry;
	return 0;
}

const struct registry_entry *registry_find(const struct registry *r, const char *account)
{
	for (unsigned i = 0; i < r->count; i++)
		if (strcmp(r->entries[i].account, account) == 0)
			return &r->entries[i];
	return NULL;
}

int registry_remove(struct registry *r, const char *account, char *why)
{
	const struct registry_entry *e = registry_find(r, account);
	size_t at;

	if (e == NULL) {
		snprintf(why, REGISTRY_WHY_MAX, "no account %.64s in the registry", account);
		return ASSAY_E_NOTFOUND;
	}
	at = (size_t)(e - r->entries);
	memmove(&r->entries[at], &r->entries[at + 1], (r->count - at - 1) * sizeof(*e));
	r->count--;
	return 0;
}

int registry_entry_make(struct registry_entry *out, const struct keys *keys, const char *account,
			const struct random *random, char *why)
{
	struct sign_key session, identity;
	struct sha256_part parts[2];
	uint8_t tail[33], aux[32];
	bool good;

	memset(out, 0, sizeof(*out));
	snprintf(out->account, sizeof(out->account), "%s", account);
	out->node = keys->node;
	out->has_pop = true;
	out->permissions = ASSAY_MAY_PROVE | ASSAY_MAY_READ;
	good = sign_key_from_secret(&session, keys->session) == 0 &&
	       public_key(out->session_key, keys->session);
	if (good && keys->node) {
		good = sign_key_from_secret(&identity, keys->identity) == 0 &&
		       public_key(out->enc_key, keys->encryption);
		memcpy(out->key, identity.public, 32);
		sign_key_wipe(&identity);
	}
	if (good) {
		pop_parts(parts, tail, out);
		random_fill(random, aux, sizeof(aux));
		sign_tagged(out->session_pop, &session, TAG_SESSION_KEY, parts, 2, aux);
	}
	sign_key_wipe(&session);
	if (!good)
		snprintf(why, REGISTRY_WHY_MAX, "the key file has a secret out of range");
	return good ? 0 : ASSAY_E_CRYPTO;
}
