/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams and evidence into the checker of a PROVE: nothing that nobody signed may pass. */
#include "base/must.h"
#include "fuzz/answers.h"
#include "proof/check_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The shape of the request follows from the settings. */
static size_t body_of(uint8_t out[PROVE_BODY_MAX], uint8_t settings)
{
	static const uint64_t sizes[] = {1, 1000, 3000, 65532};
	uint8_t message[sizeof(struct assay_prove) + 8 * ASSAY_RANGES_MAX] = {0};
	struct assay_prove *m = (void *)message;
	uint64_t offset;

	m->epoch = 1;
	m->size = sizes[settings & 3];
	m->class = ASSAY_CLASS_INDEX;
	m->bucket = ASSAY_BUCKET_RECENT;
	m->flags = settings >> 2 & 1;
	m->k = settings >> 3 & 1 ? 16 : 1;
	m->range_length = settings >> 4 & 1 && m->size > 1000 ? 1000 : 1;
	for (unsigned i = 0; i < m->k; i++) {
		offset = i * (m->size - m->range_length) / m->k;
		memcpy(message + sizeof(*m) + 8 * i, &offset, 8);
	}
	memcpy(out, message + 32, sizeof(*m) - 32 + 8u * m->k);
	return sizeof(*m) - 32 + 8u * m->k;
}

static void feed_one(struct assay_check *check, struct assay_inbound *session, uint8_t *datagram,
		     size_t len)
{
	const struct assay_head *head = (const void *)datagram;

	if (len >= sizeof(struct assay_proof) && head->type == ASSAY_PROOF)
		answers_tag_proof((void *)datagram, len, check->digest);
	else if (len >= sizeof(struct assay_chunk) && head->type == ASSAY_CHUNK_MSG)
		answers_tag_chunk((void *)datagram, len, check->chunks.chunks == 1);
	else if (len >= sizeof(struct assay_session_head))
		message_tag_general(datagram, len, answers_key);
	assay_check_feed(check, session, datagram, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t nobody[32] = {1};
	struct reader r = reader_of(data, len);
	struct assay_inbound session;
	struct assay_check *check;
	uint8_t body[PROVE_BODY_MAX], datagram[ASSAY_PAYLOAD_DEFAULT], evidence[ASSAY_EVIDENCE_MAX],
		range[ASSAY_RANGE_LENGTH_MAX];
	struct assay_check_params params = {.network_id = nobody,
					    .identity = nobody,
					    .challenger = "a",
					    .target = "b",
					    .body = body};
	size_t n;

	assay_init();
	must(!assay_evidence_valid(data, len, nobody, nobody, "a", "b", nobody));
	params.body_len = body_of(body, read_u8(&r));
	must(assay_check_new(&check, &params) == 0);
	must(assay_check_counter(check, ANSWERS_REQUEST) == 0);
	assay_inbound_init(&session, answers_key, ANSWERS_INDEX, ASSAY_PAYLOAD_DEFAULT);
	for (uint64_t i = 1; (n = answers_next(&r, datagram, i)) > 0; i++)
		feed_one(check, &session, datagram, n);
	must(assay_check_verdict(check) != ASSAY_PASS && assay_check_verdict(check) != ASSAY_PLAIN);
	must(!assay_check_range(check, 0, range));
	must(assay_check_evidence(check, evidence) <= ASSAY_EVIDENCE_MAX);
	assay_check_free(check);
	return 0;
}
