/* SPDX-License-Identifier: Apache-2.0 */
/* What the initiator of a session can say of a datagram before it looks for the request. */
#include <string.h>

#include "assay/check.h"
#include "base/bytes.h"
#include "base/real.h"
#include "crypto/digest.h"
#include "crypto/sign.h"
#include "proof/collect.h"
#include "proof/message.h"

void assay_init(void)
{
	struct random random = random_real();

	digest_init();
	sign_init(&random);
}

void assay_inbound_init(struct assay_inbound *s, const uint8_t key[32], uint32_t index,
			uint16_t limit)
{
	*s = (struct assay_inbound){.index = index, .limit = limit};
	memcpy(s->key, key, 32);
}

static enum assay_reason replay(const struct assay_inbound *s, uint64_t counter)
{
	uint64_t bit = counter % ASSAY_WINDOW;

	if (counter == 0)
		return ASSAY_R_REPLAY_OLD;
	if (counter > s->highest)
		return ASSAY_R_NONE;
	if (s->highest - counter >= ASSAY_WINDOW)
		return ASSAY_R_REPLAY_OLD;
	return s->seen[bit / 64] >> (bit % 64) & 1 ? ASSAY_R_REPLAY_SEEN : ASSAY_R_NONE;
}

void inbound_mark(struct assay_inbound *s, uint64_t counter)
{
	uint64_t bit = counter % ASSAY_WINDOW;

	if (counter > s->highest && counter - s->highest >= ASSAY_WINDOW)
		memset(s->seen, 0, sizeof(s->seen));
	else
		for (uint64_t c = s->highest + 1; c < counter; c++)
			s->seen[c % ASSAY_WINDOW / 64] &= ~(1ull << (c % 64));
	s->seen[bit / 64] |= 1ull << (bit % 64);
	if (counter > s->highest)
		s->highest = counter;
}

static bool type_known(uint8_t type)
{
	switch (type) {
	case ASSAY_HELLO ... ASSAY_VERSION_MSG:
	case ASSAY_PING ... ASSAY_CALL:
	case ASSAY_CLOSE:
	case ASSAY_PONG ... ASSAY_WRITE_STATE:
	case ASSAY_RESULT:
	case ASSAY_REFUSED:
		return true;
	default:
		return false;
	}
}

/* Lengths that the message itself states must add up. */
static bool lengths_agree(const void *datagram, size_t len)
{
	const struct assay_ranges *m = datagram;
	const struct assay_chunk *chunk = datagram;
	size_t n = m->answer.n, fixed;

	switch (m->head.head.type) {
	case ASSAY_PROOF:
		fixed = sizeof(struct assay_proof) + sizeof(struct assay_seal) + n;
		return n <= ASSAY_INLINE_MAX && len >= fixed && (len - fixed) % 32 == 0 &&
		       (len - fixed) / 32 <= ASSAY_PATH_MAX;
	case ASSAY_RANGES:
		return len == sizeof(*m) + n;
	case ASSAY_CHUNK_MSG:
		return chunk->length <= ASSAY_CHUNK &&
		       len == sizeof(*chunk) + chunk->length + 32 * n;
	case ASSAY_RESULT:
		return len == sizeof(struct assay_result) + n;
	default:
		return true;
	}
}

static bool reserved_zero(const void *datagram)
{
	static const uint8_t zero[8];
	const struct assay_proof *proof = datagram;
	const struct assay_seal *seal;

	switch (proof->head.head.type) {
	case ASSAY_PROOF:
		seal = (const void *)((const uint8_t *)(proof + 1) + proof->answer.n);
		return seal->zero == 0;
	case ASSAY_CHUNK_MSG:
		return ((const struct assay_chunk *)datagram)->zero == 0;
	case ASSAY_RESULT:
		return memcmp(((const struct assay_result *)datagram)->zero, zero, 8) == 0;
	default:
		return true;
	}
}

enum assay_reason assay_inbound_head(const struct assay_inbound *s, uint64_t *request,
				     const void *datagram, size_t len)
{
	const struct assay_ranges *m = datagram;
	bool session_type, answer;

	*request = 0;
	if (len < 8)
		return ASSAY_R_SHORT;
	if (m->head.head.version != ASSAY_VERSION_WIRE)
		return ASSAY_R_VERSION;
	if (!type_known(m->head.head.type))
		return ASSAY_R_TYPE;
	if (m->head.head.length != len || !message_length_legal(m->head.head.type, len, s->limit))
		return ASSAY_R_LENGTH;
	session_type = m->head.head.type >= ASSAY_PING;
	answer = m->head.head.type >= 0x80;
	if (!session_type)
		return ASSAY_R_ROLE;
	if (answer && !lengths_agree(datagram, len))
		return ASSAY_R_LENGTH;
	if (m->head.index != s->index)
		return ASSAY_R_SESSION;
	if (!answer)
		return ASSAY_R_ROLE;
	if (!reserved_zero(datagram))
		return ASSAY_R_RESERVED;
	if (m->head.head.type != ASSAY_PONG)
		*request = m->answer.request;
	return replay(s, m->head.counter);
}

enum assay_reason assay_inbound_general(struct assay_inbound *s, const void *datagram, size_t len)
{
	uint64_t request;
	enum assay_reason reason = assay_inbound_head(s, &request, datagram, len);

	if (reason != ASSAY_R_NONE)
		return reason;
	if (!message_check_general(datagram, len, s->key))
		return ASSAY_R_TAG;
	inbound_mark(s, ((const struct assay_session_head *)datagram)->counter);
	return ASSAY_R_NONE;
}

int counters_add(struct counters *c, uint64_t counter)
{
	if (c->n == ASSAY_CHECK_COUNTERS)
		return ASSAY_E_FULL;
	c->list[c->n++] = counter;
	return 0;
}

bool counters_hold(const struct counters *c, uint64_t counter)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->list[i] == counter)
			return true;
	return false;
}
