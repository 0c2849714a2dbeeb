/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may speak to this node: nodes and clients of registry.json in the state directory, as long as
 * there is no ledger. Entries are checked when they come in; what is in a struct registry is right:
 * points on the curve, proofs of possession valid, accounts and keys unique.
 *
 *   {"v":1,"network":NAME,
 *    "nodes":[{"account","key","session_key","session_pop","enc_key","address","operator",
 *              "permissions"?,"rate_kib"?,"burst_kib"?,"sessions"?}],
 *    "clients":[{"account","session_key","session_pop"?,"permissions","rate_kib"?,"burst_kib"?,
 *                "sessions"?}]}
 */
#ifndef CONTROL_REGISTRY_H
#define CONTROL_REGISTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/wire.h"
#include "base/seam.h"
#include "client/keys.h"

#define REGISTRY_ENTRIES_MAX 4096
#define REGISTRY_FILE_MAX    (8 * 1024 * 1024)
#define REGISTRY_LINE_MAX    4096
#define REGISTRY_WHY_MAX     512
#define REGISTRY_NAME	     "registry.json"

struct registry_entry {
	bool node; /* else a client: no key, enc_key, address, operator */
	bool has_pop;
	char account[ASSAY_ACCOUNT_MAX + 1];
	uint8_t key[32]; /* identity, x-only */
	uint8_t session_key[33];
	uint8_t session_pop[64];
	uint8_t enc_key[33];
	char address[128]; /* host:port */
	char operator_name[65];
	uint32_t permissions; /* ASSAY_MAY_* */
	uint32_t rate_kib;    /* 0: the configuration's default; so with the next two */
	uint32_t burst_kib;
	uint32_t sessions;
};

struct registry {
	char network[65];
	unsigned count;
	unsigned room;
	struct registry_entry *entries; /* in order of arrival */
};

void registry_init(struct registry *r, const char *network);
void registry_free(struct registry *r);

/*
 * Everything below returns 0 or a negative code with one sentence in why, which has room for
 * REGISTRY_WHY_MAX.
 */

/* Checks the entry by itself and against the others, and takes it. */
int registry_add(struct registry *r, const struct registry_entry *entry, char *why);
/* NOTFOUND when there is none. */
int registry_remove(struct registry *r, const char *account, char *why);
const struct registry_entry *registry_find(const struct registry *r, const char *account);

/* The file's text; r is initialised by this, and empty when it fails. */
int registry_parse(struct registry *r, const char *text, size_t len, char *why);
/* The file under disk; NOTFOUND when there is none. */
int registry_load(struct registry *r, const struct disk *disk, char *why);
/* Replaces the file atomically: temporary file, sync, rename, sync of the directory. */
int registry_save(const struct registry *r, const struct disk *disk, char *why);

/*
 * A registration line: {"v":1,"network"?,"node":{..}} or {"v":1,"client":{..}}, what `assayctl node
 * id` and `client init` print and `registry add` reads. network is "" when the line has none.
 */
int registry_line_parse(struct registry_entry *out, char network[65], const char *text, size_t len,
			char *why);
json_t *registry_line(const struct registry_entry *entry, const char *network);
/* One entry as in the file. */
json_t *registry_entry_json(const struct registry_entry *entry);

/* The entry of the owner of these keys, with its proof of possession. */
int registry_entry_make(struct registry_entry *out, const struct keys *keys, const char *account,
			const struct random *random, char *why);

#endif
