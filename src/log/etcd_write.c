/* SPDX-License-Identifier: Apache-2.0 */
/* The etcd engine's writes: append and trim. */
#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "log/etcd_impl.h"

#define RACES_MAX     16
#define JITTER_MS     5 /* doubles up to */
#define JITTER_MS_MAX 500
#define DROP_STEP     60 /* etcd takes 128 operations in a transaction */

static void backoff(struct etcd *e, unsigned race)
{
	unsigned most = race < 7 ? JITTER_MS << race : JITTER_MS_MAX;
	uint64_t until;

	if (most > JITTER_MS_MAX)
		most = JITTER_MS_MAX;
	until = clock_mono(&e->params.clock) + random_u64(&e->params.random) % (most * ETCD_MS + 1);
	for (uint64_t now; (now = clock_mono(&e->params.clock)) < until && !atomic_load(&e->stop);)
		etcd_pump(e, (unsigned)((until - now) / ETCD_MS) + 1);
}

/* What a refused transaction told: 0 to try again behind the new head. */
static enum log_result after_refusal(struct etcd *e, uint64_t *seq, const struct etcd_reply *reply)
{
	const struct etcd_range *hash = &reply->range[0], *newest = &reply->range[1];
	uint64_t head;

	if (reply->ranges != 2)
		return LOG_SEQUENCE;
	if (hash->n == 1)
		return u64_parse(seq, (const char *)hash->kv[0].value) == 0 ? LOG_DUPLICATE
									    : LOG_SEQUENCE;
	head = newest->n == 1 ? log_key_seq(e, newest->kv[0].key) : 0;
	if (head <= e->head)
		return LOG_SEQUENCE;
	e->head = head;
	return 0;
}

static enum log_result append_once(struct etcd *e, uint64_t *seq, const uint8_t hash[32],
				   const uint8_t *entry, size_t len, bool *unclear)
{
	struct etcd_reply reply;
	enum log_result result = LOG_APPENDED;
	uint64_t next = e->head + 1;
	bool lost;

	if (!etcd_ask(e, &reply, "/v3/kv/txn", request_append(e, next, hash, entry, len), &lost)) {
		*unclear |= lost;
		return LOG_UNAVAILABLE;
	}
	*unclear |= lost;
	if (reply.succeeded)
		*seq = e->head = next;
	else
		result = after_refusal(e, seq, &reply);
	etcd_reply_free(&reply);
	return result;
}

enum log_result etcd_append(void *ctx, uint64_t *seq, const uint8_t *entry, size_t len)
{
	struct etcd *e = ctx;
	enum log_result result = 0;
	bool unclear = false; /* an earlier try may still get through */
	uint8_t hash[32];

	if (len > LOG_ENTRY_MAX)
		return LOG_TOO_LARGE;
	digest_one(hash, NULL, entry, len);
	for (unsigned race = 0; race < RACES_MAX && result == 0; race++) {
		/* A refusal tells the new head, which is true only now: so the next try is at once,
		 * and the jitter comes after two. */
		if (race > 0 && race % 2 == 0)
			backoff(e, race / 2 - 1);
		result = append_once(e, seq, hash, entry, len, &unclear);
	}
	if (result == 0)
		result = LOG_SEQUENCE;
	if (unclear && (result == LOG_UNAVAILABLE || result == LOG_SEQUENCE))
		result = LOG_UNKNOWN;
	return result;
}

/* Drops some entries below the floor, lowest first: how many. */
static int drop_some(struct etcd *e, uint64_t floor, uint64_t *revision)
{
	struct etcd_reply page, reply;
	bool unclear;
	int n;

	if (!etcd_ask(e, &page, "/v3/kv/range", request_page(e, 0, floor, DROP_STEP), &unclear))
		return ASSAY_E_IO;
	*revision = page.revision;
	n = page.ranges == 1 ? (int)page.range[0].n : 0;
	if (n > 0) {
		if (etcd_ask(e, &reply, "/v3/kv/txn", request_drop(e, &page.range[0]), &unclear))
			etcd_reply_free(&reply);
		else
			n = ASSAY_E_IO;
	}
	etcd_reply_free(&page);
	return n;
}

/* Dropped keys keep their place in etcd's history until that is compacted. */
static int drop_below(struct etcd *e, uint64_t floor)
{
	struct etcd_reply reply;
	uint64_t revision = 0;
	bool unclear;
	int n;

	while ((n = drop_some(e, floor, &revision)) > 0)
		;
	if (n < 0)
		return n;
	if (etcd_ask(e, &reply, "/v3/kv/compaction", request_compact(e, revision), &unclear))
		etcd_reply_free(&reply);
	return 0;
}

int etcd_trim(void *ctx, uint64_t upto)
{
	struct etcd *e = ctx;
	struct etcd_reply reply;
	uint64_t floor, head;
	bool unclear, set;
	int err = etcd_head(e, &floor, &head);

	if (err != 0)
		return err;
	if (upto >= head)
		upto = head > 0 ? head - 1 : 0;
	if (upto + 1 > floor) {
		if (!etcd_ask(e, &reply, "/v3/kv/txn", request_floor(e, floor, upto + 1), &unclear))
			return ASSAY_E_IO;
		set = reply.succeeded;
		etcd_reply_free(&reply);
		if (!set)
			return ASSAY_E_AGAIN; /* somebody else moved it */
		e->floor = floor = upto + 1;
	}
	return drop_below(e, floor);
}
