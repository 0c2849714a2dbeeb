/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What etcd's v3 JSON gateway says: answers to range and txn requests, and lines of a watch. Keys
 * and values are base64, 64-bit numbers are texts, members that are zero are left out. The answers
 * come from outside: anything else than expected is an error, never a crash.
 */
#ifndef LOG_ETCD_JSON_H
#define LOG_ETCD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETCD_RANGES_MAX 4
#define ETCD_KVS_MAX	1024 /* of one range or one line of a watch */

/* gRPC's codes that decide something here. */
enum {
	ETCD_INVALID = 3,
	ETCD_DENIED = 7,
	ETCD_EXHAUSTED = 8,
	ETCD_OUT_OF_RANGE = 11,
	ETCD_UNAUTHENTICATED = 16
};

struct etcd_kv {
	char *key; /* NUL-terminated; a key with a zero byte inside is refused */
	uint8_t *value;
	size_t len;
	uint64_t version; /* 1 when it was created by this put */
};
struct etcd_range {
	struct etcd_kv *kv;
	size_t n;
	uint64_t count; /* keys in the range, also those that are not here */
	bool more;
};
struct etcd_reply {
	int code; /* 0, or gRPC's code of an error; -1 for an error without one */
	char message[160];
	uint64_t revision;
	bool succeeded;		/* txn */
	bool created, canceled; /* watch */
	unsigned
		ranges; /* range: 1; txn: one for each range of the branch taken; watch: the puts */
	struct etcd_range range[ETCD_RANGES_MAX];
};

/* 0 or ASSAY_E_CORRUPT; *out is to be freed in both cases. */
int etcd_reply_parse(struct etcd_reply *out, const char *text, size_t len);
int etcd_watch_parse(struct etcd_reply *out, const char *line, size_t len);
void etcd_reply_free(struct etcd_reply *r);

#endif
