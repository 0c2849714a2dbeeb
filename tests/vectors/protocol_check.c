/* SPDX-License-Identifier: Apache-2.0 */
/* The challenger's side of protocol.json: verify_answer, verify_read, evidence. */
#include <string.h>

#include "assay/check.h"
#include "vectors/runner.h"

/* Feeds all datagrams; false (with why) at the first reason that is not the told one. */
static bool feed_all(struct vector_case *c, void *check, struct assay_inbound *session,
		     enum assay_reason (*feed)(void *, struct assay_inbound *, const void *,
					       size_t))
{
	const json_t *datagrams = json_object_get(c->in, "datagrams");
	const json_t *reasons = json_object_get(c->out, "reasons");

	for (size_t i = 0; i < json_array_size(datagrams); i++) {
		const char *want = json_string_value(json_array_get(reasons, i));
		size_t len;
		const uint8_t *data =
			vector_hex_text(json_string_value(json_array_get(datagrams, i)), &len);
		enum assay_reason reason = feed(check, session, data, len);
		const char *got = reason == ASSAY_R_NONE ? "" : assay_reason_name(reason);

		if (strcmp(got, want) != 0)
			return vector_fail(c, "datagram %zu: reason '%s', want '%s'", i, got, want);
	}
	return true;
}

static enum assay_reason feed_answer(void *check, struct assay_inbound *session,
				     const void *datagram, size_t len)
{
	return assay_check_feed(check, session, datagram, len);
}

static enum assay_reason feed_read(void *check, struct assay_inbound *session, const void *datagram,
				   size_t len)
{
	return assay_read_feed(check, session, datagram, len);
}

static struct assay_inbound session_of(const json_t *in)
{
	struct assay_inbound session;

	assay_init();

	assay_inbound_init(&session, vector_hex(in, "K_r", NULL),
			   (uint32_t)vector_u64(in, "initiator_index"), ASSAY_PAYLOAD_DEFAULT);
	return session;
}

static bool run_verify_answer(struct vector_case *c)
{
	struct assay_inbound session = session_of(c->in);
	struct assay_check_params params = {
		.network_id = vector_hex(c->in, "network", NULL),
		.identity = vector_hex(c->in, "identity", NULL),
		.challenger = vector_text(c->in, "challenger"),
		.target = vector_text(c->in, "target"),
		.seals = assay_seals_new(16),
	};
	struct assay_check *check;
	const char *want = vector_text(c->out, "verdict"), *got;
	uint64_t size;
	bool ok;

	params.body = vector_hex(c->in, "body", &params.body_len);
	memcpy(&size, (const uint8_t *)params.body + 88, sizeof(size));
	if (size != vector_u64(c->in, "size"))
		return vector_fail(c, "the body states another size");
	if (params.seals == NULL || assay_check_new(&check, &params) != 0)
		return vector_fail(c, "no checker for this body");
	assay_check_counter(check, vector_u64(c->in, "request_counter"));
	ok = feed_all(c, check, &session, feed_answer);
	got = assay_verdict_name(assay_check_verdict(check));
	if (ok && strcmp(got, want) != 0)
		ok = vector_fail(c, "verdict %s, want %s", got, want);
	assay_check_free(check);
	assay_seals_free(params.seals);
	return ok;
}

static bool run_verify_read(struct vector_case *c)
{
	struct assay_inbound session = session_of(c->in);
	struct assay_read_params params = {
		.first = (uint32_t)vector_u64(c->in, "first"),
		.count = (uint16_t)vector_u64(c->in, "count"),
		.size = ASSAY_SIZE_UNKNOWN,
	};
	struct assay_read_result got;
	struct assay_read_check *check;
	bool ok;

	memcpy(params.key, vector_hex(c->in, "key", NULL), 32);
	if (assay_read_new(&check, &params) != 0)
		return vector_fail(c, "no checker for this READ");
	assay_read_counter(check, vector_u64(c->in, "request_counter"));
	ok = feed_all(c, check, &session, feed_read);
	assay_read_result(check, &got);
	if (ok && (got.verified != vector_bool(c->out, "verified") ||
		   got.proves_size != vector_bool(c->out, "proves_size")))
		ok = vector_fail(c, "verified %d, proves_size %d", got.verified, got.proves_size);
	assay_read_free(check);
	return ok;
}

static bool run_evidence(struct vector_case *c)
{
	size_t len;
	const uint8_t *record = vector_hex(c->in, "record", &len);
	bool valid;

	assay_init();
	valid = assay_evidence_valid(record, len, vector_hex(c->in, "compound_hash", NULL),
				     vector_hex(c->in, "network", NULL),
				     vector_text(c->in, "challenger"), vector_text(c->in, "target"),
				     vector_hex(c->in, "identity", NULL));

	if (len != vector_u64(c->out, "length"))
		return vector_fail(c, "length %zu", len);
	if (valid != vector_bool(c->out, "valid"))
		return vector_fail(c, "valid %d", valid);
	return true;
}

extern const struct vector_section protocol_check_sections[];

const struct vector_section protocol_check_sections[] = {
	{"verify_answer", run_verify_answer},
	{"verify_read", run_verify_read},
	{"evidence", run_evidence},
	{NULL, NULL},
};
