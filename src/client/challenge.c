/* SPDX-License-Identifier: Apache-2.0 */
#include "client/challenge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/client_impl.h"
#include "proof/derive.h"

__attribute__((format(printf, 3, 4))) static int fail(char *why, size_t why_room,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_room, format, args);
	va_end(args);
	return ASSAY_E_INVAL;
}

/* Ticket and seed, given or made up. */
static int take_names(struct challenge_answer *out, const struct challenge_question *q, char *why,
		      size_t why_room)
{
	char key[BASE58_KEY_MAX];
	int len;

	if (q->ticket != NULL) {
		len = snprintf(out->ticket, sizeof(out->ticket), "%s", q->ticket);
	} else {
		base58_encode(key, sizeof(key), q->key, 32);
		len = snprintf(out->ticket, sizeof(out->ticket), "artifact:%s", key);
	}
	if (len == 0 || len >= (int)sizeof(out->ticket))
		return fail(why, why_room, "a ticket id has 1 to %d bytes",
			    CHALLENGE_TICKET_MAX - 1);
	if (q->seed_len > sizeof(out->seed))
		return fail(why, why_room, "a seed has at most %d bytes", CHALLENGE_SEED_MAX);
	memcpy(out->seed, q->seed, q->seed_len);
	out->seed_len = q->seed_len;
	out->draw = (struct assay_draw){out->seed, out->seed_len, out->ticket};
	return 0;
}

static int take_limits(struct assay_prove_request *r, const struct challenge_question *q, char *why,
		       size_t why_room)
{
	r->k = q->k != 0 ? q->k : CHALLENGE_K;
	r->range_length = q->range_length != 0 ? q->range_length : CHALLENGE_LENGTH;
	if (r->k > ASSAY_RANGES_MAX)
		return fail(why, why_room, "at most %d ranges", ASSAY_RANGES_MAX);
	if (r->range_length > ASSAY_RANGE_LENGTH_MAX)
		return fail(why, why_room, "a range has at most %d bytes", ASSAY_RANGE_LENGTH_MAX);
	if (class_name(q->class) == NULL)
		return fail(why, why_room, "class is 1 (INDEX) or 2 (SYMBOL)");
	if (bucket_name(q->bucket) == NULL)
		return fail(why, why_room, "bucket is 1..4 (RECENT, OLD, PROBATION, RECHECK)");
	if (q->epoch == 0)
		return fail(why, why_room, "nobody answers for epoch 0");
	if (q->size == 0)
		return fail(why, why_room, "an empty artifact has no bytes to prove");
	if (r->range_length > q->size)
		r->range_length = (uint16_t)q->size;
	return 0;
}

int challenge_derive(struct challenge_answer *out, const struct challenge_question *q,
		     const char *target, char *why, size_t why_room)
{
	struct assay_prove_request *r = &out->request;
	struct derive_seed seed;
	int error;

	*out = (struct challenge_answer){.request.epoch = q->epoch};
	error = take_names(out, q, why, why_room);
	if (error == 0)
		error = take_limits(r, q, why, why_room);
	if (error != 0)
		return error;
	memcpy(r->key, q->key, 32);
	r->size = q->size;
	r->ordinal = q->ordinal;
	r->class = q->class;
	r->bucket = q->bucket;
	r->tree = q->tree;
	r->draw = &out->draw;
	seed = (struct derive_seed){out->seed, out->seed_len};
	error = derive_offsets(r->offsets, seed, target, out->ticket, r->class, r->ordinal, r->size,
			       r->range_length, r->k);
	if (error == 0)
		error = derivation_hash(r->derivation, seed, target, out->ticket, r->class,
					r->ordinal, r->offsets, r->k, r->range_length);
	if (error != 0) {
		fail(why, why_room, "%s", assay_error_text(error));
		return error;
	}
	challenge_id(out->challenge_id, seed, r->epoch, target, out->ticket, r->class, r->ordinal);
	return 0;
}

/* Only what somebody has who was not there: the transcript's fields and the record. */
static void judge_evidence(struct assay_client *client, struct challenge_answer *a)
{
	const struct link *l = &client->flight.link;
	const struct assay_prove_request *r = &a->request;
	const struct assay_claim claim = {
		.network_id = l->network_id,
		.identity = client->identity,
		.compound = a->proof.report.compound,
		.key = r->key,
		.transcript = a->proof.report.transcript,
		.challenger = l->account,
		.target = l->peer_account,
		.draw = a->draw,
		.epoch = r->epoch,
		.size = r->size,
		.ordinal = r->ordinal,
		.class = r->class,
		.bucket = r->bucket,
		.k = r->k,
		.range_length = r->range_length,
	};

	if (a->proof.evidence_len > 0)
		a->evidence_good = assay_evidence_check(a->evidence, a->proof.evidence,
							(size_t)a->proof.evidence_len, &claim);
}

int challenge_run(struct assay_client *client, struct challenge_answer *out,
		  const struct challenge_question *question)
{
	struct link *l = &client->flight.link;
	struct challenge_question q = *question;
	uint8_t seed[32];
	int error;

	if (q.size == ASSAY_SIZE_UNKNOWN) {
		error = assay_client_size(client, &q.size, q.key);
		if (error != 0)
			return error;
	}
	if (q.seed == NULL) {
		random_fill(&l->random, seed, sizeof(seed));
		q.seed = seed;
		q.seed_len = sizeof(seed);
	}
	error = challenge_derive(out, &q, l->peer_account, client->why, sizeof(client->why));
	if (error != 0)
		return error;
	out->size_proved = question->size == ASSAY_SIZE_UNKNOWN;
	error = assay_client_prove(client, &out->proof, NULL, &out->request);
	if (error == 0)
		judge_evidence(client, out);
	return error;
}
