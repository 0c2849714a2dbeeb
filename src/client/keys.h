/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files: `{"v":1,"identity":hex,"encryption":hex,"session":hex}` of a node, and
 * `{"v":1,"session":hex}` of a client, which has no identity. All three are secp256k1 secrets. A
 * key file is mode 0600; one that others can read is refused, never repaired in silence. sign_init
 * comes before any of these calls.
 */
#ifndef CLIENT_KEYS_H
#define CLIENT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seam.h"

#define KEYS_WHY_MAX 512

struct keys {
	bool node; /* has identity and encryption */
	uint8_t identity[32];
	uint8_t encryption[32];
	uint8_t session[32];
};

/* New secrets; a client's identity and encryption stay zero. */
void keys_generate(struct keys *keys, bool node, const struct random *random);
void keys_wipe(struct keys *keys);

/*
 * Both return 0 or an error and then fill why with one sentence for the operator, with the remedy:
 * load: NOTFOUND, PERM (mode, owner, access), CORRUPT (no such JSON, secret out of range), IO;
 * save: EXISTS (a key file is never overwritten), PERM, NOSPC, IO. keys is wiped when load fails.
 */
int keys_load(struct keys *keys, const char *path, char why[KEYS_WHY_MAX]);
int keys_save(const char *path, const struct keys *keys, char why[KEYS_WHY_MAX]);

/* The parser of keys_load alone: text of len bytes. 0 or CORRUPT. */
int keys_parse(struct keys *keys, const char *text, size_t len, char why[KEYS_WHY_MAX]);

#endif
