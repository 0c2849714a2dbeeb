/* SPDX-License-Identifier: Apache-2.0 */
/* PROVE: questions into datagrams, answers into verdicts. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "client/steps.h"
#include "proof/message.h"

static int prove_counter(void *object, uint64_t counter)
{
	return assay_check_counter(((struct proving *)object)->check, counter);
}

static enum assay_reason prove_feed(void *object, struct assay_inbound *session,
				    const void *datagram, size_t len)
{
	return assay_check_feed(((struct proving *)object)->check, session, datagram, len);
}

static bool prove_settled(void *object)
{
	const struct proving *p = object;
	struct assay_report report;

	assay_check_report(p->check, &report);
	if (report.verdict == ASSAY_REFUSED_VERDICT)
		return !client_may_wait(report.refused) &&
		       !(p->wait_for_epoch && report.refused == ASSAY_R_EPOCH);
	return report.verdict != ASSAY_INCOMPLETE;
}

static bool prove_wait(void *object, uint32_t *wait_ms)
{
	struct assay_report report;

	assay_check_report(((struct proving *)object)->check, &report);
	*wait_ms = report.wait_ms;
	return report.verdict == ASSAY_REFUSED_VERDICT;
}

static const struct flight_kind prove_kind = {prove_counter, prove_feed, prove_settled, prove_wait};

static size_t prove_write(uint8_t *out, const struct assay_prove_request *q,
			  const struct random *random)
{
	struct assay_prove *m = (struct assay_prove *)out;

	*m = (struct assay_prove){
		.head.head.type = ASSAY_PROVE,
		.epoch = q->epoch,
		.size = q->size,
		.ordinal = q->ordinal,
		.class = q->class,
		.bucket = q->bucket,
		.k = q->k,
		.flags = q->tree ? ASSAY_PROVE_TREE : 0,
		.range_length = q->range_length,
	};
	random_fill(random, m->nonce, sizeof(m->nonce));
	memcpy(m->key, q->key, sizeof(m->key));
	memcpy(m->derivation, q->derivation, sizeof(m->derivation));
	memcpy(out + sizeof(*m), q->offsets, q->k * sizeof(q->offsets[0]));
	return sizeof(*m) + q->k * sizeof(q->offsets[0]);
}

int proving_start(struct assay_client *client, struct proving *p,
		  const struct assay_prove_request *q)
{
	struct link *l = &client->flight.link;
	struct assay_check_params params = {
		.network_id = l->network_id,
		.identity = client->identity,
		.challenger = l->account,
		.target = l->peer_account,
		.draw = q->draw,
		.seals = client->seals,
	};
	int error;

	if (q->k > ASSAY_RANGES_MAX)
		return ASSAY_E_INVAL;
	p->request = (struct flight_request){
		.kind = &prove_kind,
		.object = p,
		.deadline_ns = link_now(l) + client->answer_ns,
	};
	p->request.len = prove_write(p->request.datagram, q, &l->random);
	params.body = p->request.datagram + sizeof(struct assay_session_head);
	params.body_len = p->request.len - sizeof(struct assay_session_head);
	error = assay_check_new(&p->check, &params);
	if (error == 0)
		flight_start(&client->flight, &p->request);
	return error;
}

void proving_result(struct proving *p, struct assay_prove_result *out)
{
	int len;

	*out = (struct assay_prove_result){
		.took_ns = p->request.done_ns - p->request.started_ns,
		.asked = p->request.asked,
		.answered = p->request.answered,
		.answered_bytes = p->request.answered_bytes,
	};
	assay_check_report(p->check, &out->report);
	len = assay_check_evidence(p->check, out->evidence);
	out->evidence_len = len > 0 ? len : 0;
}

void proving_end(struct assay_client *client, struct proving *p)
{
	flight_remove(&client->flight, &p->request);
	assay_check_free(p->check);
	p->check = NULL;
}

static int prove_fail(struct assay_client *client, int error)
{
	switch (error) {
	case ASSAY_E_INVAL:
		return client_fail(client, error,
				   "not a legal PROVE: ranges 1 to %u, each of 1 to %u bytes",
				   ASSAY_RANGES_MAX, ASSAY_RANGE_LENGTH_MAX);
	case ASSAY_E_RANGE:
		return client_fail(client, error, "a range ends after the artifact");
	case ASSAY_E_CORRUPT:
		return client_fail(client, error,
				   "offsets or derivation hash do not follow from seed and ticket");
	default:
		return client_fail(client, error, "%s", assay_error_text(error));
	}
}

int assay_client_prove(struct assay_client *client, struct assay_prove_result *result, void *ranges,
		       const struct assay_prove_request *request)
{
	struct proving p;
	int error = proving_start(client, &p, request);

	*result = (struct assay_prove_result){0};
	if (error != 0)
		return prove_fail(client, error);
	error = flight_finish(&client->flight, &p.request);
	if (error == 0 && p.request.asked == 0)
		error = ASSAY_E_TIMEOUT;
	if (error != 0) {
		client_fail_link(client, error);
	} else {
		proving_result(&p, result);
		for (unsigned i = 0; ranges != NULL && i < request->k; i++)
			assay_check_range(p.check, i,
					  (uint8_t *)ranges + (size_t)i * request->range_length);
	}
	assay_check_free(p.check);
	return error;
}

/* --- many in flight ------------------------------------------------------------------------- */

struct many {
	struct assay_client *client;
	const struct assay_prove_request *list;
	size_t n, next;
	struct proving *slot;
	unsigned slots, busy;
	assay_proved proved;
	void *arg;
};

static int many_fill(struct many *m)
{
	for (unsigned i = 0; i < m->slots && m->next < m->n; i++) {
		struct proving *p = &m->slot[i];
		int error;

		if (p->check != NULL)
			continue;
		p->at = m->next;
		error = proving_start(m->client, p, &m->list[m->next++]);
		if (error != 0)
			return prove_fail(m->client, error);
		m->busy++;
	}
	return 0;
}

static void many_drop(struct many *m, struct proving *p)
{
	proving_end(m->client, p);
	m->busy--;
}

static int many_reap(struct many *m)
{
	for (unsigned i = 0; i < m->slots; i++) {
		struct proving *p = &m->slot[i];
		struct assay_prove_result result;
		int stop;

		if (p->check == NULL || !p->request.done)
			continue;
		proving_result(p, &result);
		many_drop(m, p);
		stop = m->proved(m->arg, p->at, &result);
		if (stop != 0)
			return stop;
	}
	return 0;
}

int assay_client_prove_many(struct assay_client *client, const struct assay_prove_request *list,
			    size_t n, unsigned window, assay_proved proved, void *arg)
{
	struct many m = {
		.client = client,
		.list = list,
		.n = n,
		.slots = client_in_flight(client, window != 0 ? window : FLIGHT_MAX),
		.proved = proved,
		.arg = arg,
	};
	int error = 0;

	m.slot = calloc(m.slots, sizeof(*m.slot));
	if (m.slot == NULL)
		return client_fail(client, ASSAY_E_NOMEM, "out of memory");
	while (error == 0 && (m.next < m.n || m.busy > 0)) {
		error = many_fill(&m);
		if (error != 0)
			break;
		error = flight_step(&client->flight);
		if (error != 0)
			client_fail_link(client, error);
		else
			error = many_reap(&m);
	}
	for (unsigned i = 0; i < m.slots; i++)
		if (m.slot[i].check != NULL)
			many_drop(&m, &m.slot[i]);
	free(m.slot);
	flight_settle(&client->flight);
	return error;
}
