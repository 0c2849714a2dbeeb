/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of an etcd gateway, and lines of its watch: no overrun, and nothing is half there. */
#include <string.h>

#include "base/must.h"
#include "log/etcd_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct etcd_reply *r, int err)
{
	must(r->ranges <= ETCD_RANGES_MAX);
	must(memchr(r->message, '\0', sizeof(r->message)) != NULL);
	if (err != 0)
		return;
	must(r->code != 0 || r->revision > 0);
	for (unsigned i = 0; i < r->ranges; i++) {
		must(r->range[i].n <= ETCD_KVS_MAX);
		for (size_t j = 0; j < r->range[i].n; j++) {
			const struct etcd_kv *kv = &r->range[i].kv[j];

			must(kv->key != NULL && kv->value != NULL && kv->value[kv->len] == '\0');
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct etcd_reply reply;
	int err = etcd_reply_parse(&reply, (const char *)data, len);

	check(&reply, err);
	etcd_reply_free(&reply);
	err = etcd_watch_parse(&reply, (const char *)data, len);
	check(&reply, err);
	must(err != 0 || reply.ranges <= 1);
	etcd_reply_free(&reply);
	return 0;
}
