/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of one READ with hashes. */
#include <stdlib.h>
#include <string.h>

#include "proof/collect.h"
#include "proof/message.h"

/* A run of chunks leaves at most one subtree a level on each side. */
#define READ_HASHES_MAX 64

struct assay_read_check {
	struct assay_read_params params;
	struct counters counters;
	struct collect chunks;
	bool planned; /* the size is known or stated, and the plan follows from it */
	bool bad;     /* wrong under a good tag */
	bool judged, good;
	bool refused;
	struct assay_refused refusal;
	uint8_t data[ASSAY_READ_MAX * TREE_CHUNK];
	uint8_t values[ASSAY_READ_MAX * 32];
	uint8_t list[READ_HASHES_MAX * 32];
};

/* The parts of the answer follow from the size; false when no answer can have that size. */
static bool plan(struct assay_read_check *check, uint64_t size)
{
	struct collect *c = &check->chunks;
	uint32_t chunks, first = check->params.first;

	if (size > TREE_SIZE_MAX)
		return false;
	chunks = tree_chunks(size);
	if (first == ASSAY_NO_CHUNK)
		first = chunks - 1;
	if (first >= chunks)
		return false;
	*c = (struct collect){
		.size = size, .data = check->data, .values = check->values, .list = check->list};
	while (c->count < check->params.count && first + c->count < chunks) {
		c->touched[c->count] = first + c->count;
		c->count++;
	}
	check->planned = collect_plan(c) && c->hashes <= READ_HASHES_MAX;
	return check->planned;
}

int assay_read_reset(struct assay_read_check *check, const struct assay_read_params *params)
{
	check->params = *params;
	check->counters.n = 0;
	check->chunks = (struct collect){0};
	check->planned = check->bad = check->judged = check->good = check->refused = false;
	if (params->count == 0 || params->count > ASSAY_READ_MAX)
		return ASSAY_E_INVAL;
	if (params->size != ASSAY_SIZE_UNKNOWN && !plan(check, params->size))
		return ASSAY_E_RANGE;
	return 0;
}

int assay_read_new(struct assay_read_check **out, const struct assay_read_params *params)
{
	struct assay_read_check *check = malloc(sizeof(*check));
	int error;

	*out = NULL;
	if (check == NULL)
		return ASSAY_E_NOMEM;
	error = assay_read_reset(check, params);
	if (error != 0) {
		free(check);
		return error;
	}
	*out = check;
	return 0;
}

void assay_read_free(struct assay_read_check *check)
{
	free(check);
}

int assay_read_counter(struct assay_read_check *check, uint64_t counter)
{
	return counters_add(&check->counters, counter);
}

bool assay_read_holds(const struct assay_read_check *check, uint64_t counter)
{
	return counters_hold(&check->counters, counter);
}

static enum assay_reason feed_chunk(struct assay_read_check *check, const uint8_t key[32],
				    const struct assay_chunk *m)
{
	uint64_t size = check->planned ? check->chunks.size : m->size;
	uint8_t value[32];

	if (!collect_tag(value, key, m, size <= TREE_SIZE_MAX && tree_chunks(size) == 1))
		return ASSAY_R_TAG;
	if (!check->planned && !plan(check, m->size))
		check->bad = true;
	else if (!collect_part(&check->chunks, m, value))
		check->bad = true;
	return ASSAY_R_NONE;
}

static enum assay_reason feed_refused(struct assay_read_check *check, const uint8_t key[32],
				      const struct assay_refused *m, size_t len)
{
	if (!message_check_general((const uint8_t *)m, len, key))
		return ASSAY_R_TAG;
	check->refused = true;
	check->refusal = *m;
	return ASSAY_R_NONE;
}

enum assay_reason assay_read_feed(struct assay_read_check *check, struct assay_inbound *session,
				  const void *datagram, size_t len)
{
	const struct assay_session_head *head = datagram;
	uint64_t request;
	enum assay_reason reason = assay_inbound_head(session, &request, datagram, len);

	if (reason != ASSAY_R_NONE)
		return reason;
	if (head->head.type == ASSAY_PROOF)
		return ASSAY_R_TAG;
	if (!assay_read_holds(check, request))
		return ASSAY_R_ROLE;
	if (head->head.type == ASSAY_CHUNK_MSG)
		reason = feed_chunk(check, session->key, datagram);
	else if (head->head.type == ASSAY_REFUSED)
		reason = feed_refused(check, session->key, datagram, len);
	else
		return ASSAY_R_ROLE;
	if (reason == ASSAY_R_NONE)
		inbound_mark(session, head->counter);
	return reason;
}

void assay_read_result(struct assay_read_check *check, struct assay_read_result *out)
{
	const struct collect *c = &check->chunks;
	bool all = check->planned && collect_done(c);

	*out = (struct assay_read_result){
		.complete = all || check->bad, .whole = all && !check->bad, .size = c->size};
	if (all && !check->bad && !check->judged) {
		check->good = collect_verify(c, check->params.key);
		check->judged = true;
	}
	out->verified = check->good && !check->bad;
	if (check->planned) {
		out->first = c->touched[0];
		out->count = c->count;
		out->proves_size = out->verified && c->touched[c->count - 1] == c->chunks - 1;
	}
	if (check->refused && !out->complete) {
		out->refused = check->refusal.answer.status;
		out->wait_ms = check->refusal.wait_ms;
	}
}

const uint8_t *assay_read_chunk(const struct assay_read_check *check, unsigned i, size_t *len)
{
	return check->good ? assay_read_unchecked(check, i, len) : NULL;
}

const uint8_t *assay_read_unchecked(const struct assay_read_check *check, unsigned i, size_t *len)
{
	const struct collect *c = &check->chunks;

	if (!check->planned || !collect_done(c) || check->bad || i >= c->count)
		return NULL;
	*len = tree_chunk_len(c->size, c->touched[i]);
	return check->data + (size_t)i * TREE_CHUNK;
}
