/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of one PROVE: what arrives. */
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/noise.h"
#include "crypto/sign.h"
#include "proof/check_impl.h"
#include "proof/message.h"

static void plan_tree(struct assay_check *check)
{
	struct collect *c = &check->chunks;

	c->size = check->q.size;
	c->first = 1;
	c->count = tree_touched(c->touched, check->q.offsets, check->q.k, check->q.range_length);
}

/* Places for what the answer brings; their number is known from the request. */
static int make_room(struct assay_check *check)
{
	struct collect *c = &check->chunks;

	if (!check->tree) {
		check->parts = 1;
		if (!check_inline(check))
			check->parts += (check_total(check) + RANGES_PART - 1) / RANGES_PART;
		check->plain = malloc(check_total(check));
		return check->plain == NULL ? ASSAY_E_NOMEM : 0;
	}
	plan_tree(check);
	if (!collect_plan(c))
		return ASSAY_E_INVAL;
	check->parts = c->parts;
	c->data = malloc((size_t)c->count * (TREE_CHUNK + 32) + (size_t)c->hashes * 32);
	if (c->data == NULL)
		return ASSAY_E_NOMEM;
	c->values = c->data + (size_t)c->count * TREE_CHUNK;
	c->list = c->values + (size_t)c->count * 32;
	return 0;
}

static int take_draw(struct assay_check *check, const struct assay_draw *draw)
{
	int error;

	if (draw == NULL)
		return 0;
	error = question_follows(&check->q, check->target, draw);
	if (error != 0)
		return error;
	check->ticket = strdup(draw->ticket);
	return check->ticket == NULL ? ASSAY_E_NOMEM : 0;
}

static bool take_account(char out[ASSAY_ACCOUNT_MAX + 1], const char *account)
{
	size_t len = strnlen(account, ASSAY_ACCOUNT_MAX + 1);

	if (len == 0 || len > ASSAY_ACCOUNT_MAX)
		return false;
	memcpy(out, account, len + 1);
	return true;
}

int assay_check_new(struct assay_check **out, const struct assay_check_params *params)
{
	struct assay_check *check = calloc(1, sizeof(*check));
	uint8_t pair[32];
	int error = ASSAY_E_NOMEM;

	*out = NULL;
	if (check == NULL)
		return error;
	error = question_read(&check->q, params->body, params->body_len);
	if (error != 0)
		goto fail;
	error = ASSAY_E_INVAL;
	if (!take_account(check->challenger, params->challenger) ||
	    !take_account(check->target, params->target))
		goto fail;
	memcpy(check->body, params->body, params->body_len);
	check->body_len = params->body_len;
	memcpy(check->network_id, params->network_id, 32);
	memcpy(check->identity, params->identity, 32);
	check->seals = params->seals;
	check->tree = (check->q.flags & ASSAY_PROVE_TREE) != 0;
	noise_pair(pair, params->network_id, params->challenger, params->target);
	request_digest(check->digest, pair, check->body, check->body_len);
	error = make_room(check);
	if (error == 0)
		error = take_draw(check, params->draw);
	if (error != 0)
		goto fail;
	*out = check;
	return 0;
fail:
	assay_check_free(check);
	return error;
}

void assay_check_free(struct assay_check *check)
{
	if (check == NULL)
		return;
	free(check->chunks.data);
	free(check->plain);
	free(check->ticket);
	free(check);
}

int assay_check_counter(struct assay_check *check, uint64_t counter)
{
	return counters_add(&check->counters, counter);
}

bool assay_check_holds(const struct assay_check *check, uint64_t counter)
{
	return counters_hold(&check->counters, counter);
}

static void bad_shape(struct assay_check *check, const char *why)
{
	if (check->bad_parts++ == 0)
		check->bad_shape = why;
}

/* The root and D under which the PROOF must be tagged follow from its bytes. */
static bool proof_tag(struct sealed *sealed, const struct assay_check *check, const uint8_t key[32],
		      const struct assay_proof *m, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)(m + 1), *end = (const uint8_t *)m + len;
	const uint8_t *path = bytes + m->answer.n + sizeof(struct assay_seal);
	uint8_t leaf[32], compound[32], d[32], input[128], tag[16];

	memcpy(&sealed->seal, bytes + m->answer.n, sizeof(sealed->seal));
	sealed->depth = (unsigned)((size_t)(end - path) / 32);
	memcpy(sealed->path, path, (size_t)sealed->depth * 32);
	/* No hash covers bits above the path: they are as good as changed on the way. */
	if (sealed->seal.index >> sealed->depth != 0)
		return false;
	seal_leaf(leaf, m->compound, check->digest);
	seal_climb(sealed->root, leaf, sealed->seal.index, path, sealed->depth);
	seal_digest(d, sealed->root, sealed->seal.time_ms, sealed->seal.count,
		    sealed->seal.signature);
	if (m->answer.n > 0)
		digest_one(compound, NULL, bytes, m->answer.n);
	else
		memcpy(compound, m->compound, 32);
	tag_of(tag, input, tag_input_seal(input, key, (const uint8_t *)m, compound, d));
	return equal_ct(tag, m->head.tag, sizeof(tag));
}

/* The first one counts: any one seal will do. */
static void take_proof(struct assay_check *check, const struct assay_proof *m,
		       const struct sealed *sealed)
{
	check->proof = true;
	check->sealed = *sealed;
	memcpy(check->stated, m->compound, 32);
	if (m->answer.n > 0)
		memcpy(check->plain, m + 1, m->answer.n);
}

static enum assay_reason feed_proof(struct assay_check *check, const uint8_t key[32],
				    const struct assay_proof *m, size_t len)
{
	unsigned want = check_inline(check) ? check_total(check) : 0;
	struct sealed sealed = {0};

	if (!assay_check_holds(check, m->answer.request) || !proof_tag(&sealed, check, key, m, len))
		return ASSAY_R_TAG;
	if (m->answer.part != 0 || m->answer.parts != check->parts || m->answer.status != 0)
		bad_shape(check, "PROOF states other parts than the request asks for");
	else if (m->answer.n != want)
		bad_shape(check, "PROOF carries another number of bytes than was asked for");
	else if (!check->proof)
		take_proof(check, m, &sealed);
	return ASSAY_R_NONE;
}

static enum assay_reason feed_chunk(struct assay_check *check, const uint8_t key[32],
				    const struct assay_chunk *m)
{
	uint8_t value[32];

	if (!check->tree || !assay_check_holds(check, m->answer.request))
		return ASSAY_R_ROLE;
	if (!collect_tag(value, key, m, check->chunks.chunks == 1))
		return ASSAY_R_TAG;
	if (!collect_part(&check->chunks, m, value))
		bad_shape(check, "CHUNK is not the part that the request asks for");
	return ASSAY_R_NONE;
}

static enum assay_reason feed_ranges(struct assay_check *check, const uint8_t key[32],
				     const struct assay_ranges *m, size_t len)
{
	uint32_t total = check_total(check), at, want;

	if (check->tree || check_inline(check) || !assay_check_holds(check, m->answer.request))
		return ASSAY_R_ROLE;
	if (!message_check_general((const uint8_t *)m, len, key))
		return ASSAY_R_TAG;
	at = (m->answer.part - 1u) * RANGES_PART;
	if (m->answer.part == 0 || m->answer.part >= check->parts ||
	    m->answer.parts != check->parts || m->answer.status != 0) {
		bad_shape(check, "RANGES states other parts than the request asks for");
		return ASSAY_R_NONE;
	}
	want = total - at < RANGES_PART ? total - at : RANGES_PART;
	if (m->answer.n != want) {
		bad_shape(check, "RANGES carries another number of bytes than was asked for");
		return ASSAY_R_NONE;
	}
	memcpy(check->plain + at, m + 1, want);
	check->plain_have |= 1u << (m->answer.part - 1);
	return ASSAY_R_NONE;
}

static enum assay_reason feed_refused(struct assay_check *check, const uint8_t key[32],
				      const struct assay_refused *m, size_t len)
{
	if (!assay_check_holds(check, m->answer.request))
		return ASSAY_R_ROLE;
	if (!message_check_general((const uint8_t *)m, len, key))
		return ASSAY_R_TAG;
	check->refused = true;
	check->refusal = *m;
	return ASSAY_R_NONE;
}

static enum assay_reason feed_typed(struct assay_check *check, const uint8_t key[32],
				    const void *datagram, size_t len)
{
	switch (((const struct assay_head *)datagram)->type) {
	case ASSAY_PROOF:
		return feed_proof(check, key, datagram, len);
	case ASSAY_CHUNK_MSG:
		return feed_chunk(check, key, datagram);
	case ASSAY_RANGES:
		return feed_ranges(check, key, datagram, len);
	case ASSAY_REFUSED:
		return feed_refused(check, key, datagram, len);
	default:
		return ASSAY_R_ROLE;
	}
}

enum assay_reason assay_check_feed(struct assay_check *check, struct assay_inbound *session,
				   const void *datagram, size_t len)
{
	uint64_t request;
	enum assay_reason reason = assay_inbound_head(session, &request, datagram, len);

	if (reason != ASSAY_R_NONE)
		return reason;
	reason = feed_typed(check, session->key, datagram, len);
	if (reason == ASSAY_R_TAG)
		check->tags_bad++;
	check->judged = false;
	if (reason == ASSAY_R_NONE)
		inbound_mark(session, ((const struct assay_session_head *)datagram)->counter);
	return reason;
}

void assay_check_progress(const struct assay_check *check, unsigned *have, unsigned *want)
{
	*want = check->parts;
	*have = check->proof + (unsigned)__builtin_popcountll(check->chunks.have) +
		(unsigned)__builtin_popcount(check->plain_have);
}

bool assay_check_settled(struct assay_check *check)
{
	enum assay_verdict verdict = assay_check_verdict(check);

	return verdict != ASSAY_INCOMPLETE && verdict != ASSAY_REFUSED_VERDICT;
}
