/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <string.h>

#include "base/must.h"
#include "base/real.h"
#include "bench.h"
#include "crypto/digest.h"
#include "crypto/sign.h"
#include "proof/message.h"

int bench_session_init(struct bench_session *s, const uint8_t network_id[32], const char *account,
		       const uint8_t secret[32], const char *peer_account,
		       const uint8_t peer_key[33], uint32_t index)
{
	memset(s, 0, sizeof(*s));
	s->account = account;
	s->peer_account = peer_account;
	s->index = index;
	memcpy(s->network_id, network_id, 32);
	memcpy(s->secret, secret, 32);
	s->self.network_id = s->network_id;
	s->self.secret = s->secret;
	if (!public_key(s->self.public, secret) ||
	    !noise_peer_init(&s->peer, &s->self, peer_key, true, account, peer_account))
		return ASSAY_E_CRYPTO;
	return 0;
}

void bench_session_hello(struct bench_session *s, uint64_t wall_ns, const uint8_t *cookie)
{
	struct random random = random_real();
	uint8_t ephemeral[32];

	secret_generate(ephemeral, &random);
	noise_hello(&s->hello, &s->noise, &s->self, &s->peer, s->account, s->peer_account,
		    ephemeral, s->index, wall_ns, ASSAY_PAYLOAD_DEFAULT, cookie);
	wipe(ephemeral, sizeof(ephemeral));
}

int bench_session_welcome(struct bench_session *s, const struct assay_welcome *welcome)
{
	struct assay_welcome_payload payload;
	int error = noise_welcome_read(&payload, &s->keys, &s->noise, &s->self, welcome);

	if (error != 0)
		return error;
	s->remote_index = payload.index;
	s->in_flight_max = payload.in_flight;
	s->limit = payload.limit;
	s->counter = 0;
	s->open = true;
	return 0;
}

uint16_t bench_request(struct assay_prove *out, const struct bench_plan *plan, uint32_t session,
		       uint64_t counter)
{
	uint64_t state = plan->seed ^ ((uint64_t)session << 48) ^ counter * 0xd1342543de82ef95u;
	const struct bench_artifact *a =
		&plan->artifacts[bench_random(&state) % plan->artifact_count];
	uint64_t span = a->size - plan->range_length;

	out->epoch = plan->epoch;
	memcpy(out->nonce, (uint64_t[2]){bench_random(&state), bench_random(&state)}, 16);
	memcpy(out->key, a->key, 32);
	for (unsigned i = 0; i < 4; i++)
		memcpy(out->derivation + 8 * i, (uint64_t[1]){bench_random(&state)}, 8);
	out->size = a->size;
	out->ordinal = (uint32_t)(a - plan->artifacts);
	out->class = ASSAY_CLASS_SYMBOL;
	out->bucket = ASSAY_BUCKET_RECENT;
	out->k = plan->k;
	out->flags = plan->tree ? ASSAY_PROVE_TREE : 0;
	out->range_length = plan->range_length;
	out->zero = 0;
	for (unsigned i = 0; i < plan->k; i++)
		out->offsets[i] = span == 0 ? 0 : bench_random(&state) % span;
	return (uint16_t)(sizeof(*out) + 8 * plan->k);
}

uint16_t bench_requests(struct bench_session *s, uint8_t *const *payloads, unsigned n,
			const struct bench_plan *plan, uint32_t session)
{
	static _Thread_local uint8_t inputs[BENCH_BURST_MAX][320];
	uint8_t tags[BENCH_BURST_MAX][32];
	const uint8_t *in[BENCH_BURST_MAX];
	unsigned blocks = 0;
	uint16_t len = 0;

	must(n <= BENCH_BURST_MAX);
	for (unsigned i = 0; i < n; i++) {
		struct assay_prove *p = (void *)payloads[i];

		s->counter++;
		len = bench_request(p, plan, session, s->counter);
		message_head(p, ASSAY_PROVE, len, s->remote_index, s->counter);
		blocks = tag_input_general(inputs[i], s->keys.k_i, payloads[i], len);
		in[i] = inputs[i];
	}
	if (n > 0)
		digest_many(tags[0], NULL, in, n, blocks);
	for (unsigned i = 0; i < n; i++)
		memcpy(((struct assay_prove *)payloads[i])->head.tag, tags[i], 16);
	return len;
}
