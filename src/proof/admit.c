/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage ADMIT: the order of checks on a request with a good tag (docs/protocol.md, "Admission").
 * Each has its reason; a refused request has paid like any other.
 */
#include "proof/serve_int.h"

/* Bytes that a request may cost us; what the hard limits will refuse anyway counts as the limit. */
static uint64_t prove_cost(const struct assay_prove *p)
{
	uint64_t k = p->k < ASSAY_RANGES_MAX ? p->k : ASSAY_RANGES_MAX;
	uint64_t length =
		p->range_length < ASSAY_RANGE_LENGTH_MAX ? p->range_length : ASSAY_RANGE_LENGTH_MAX;
	uint64_t total = k * length;

	if ((p->flags & ASSAY_PROVE_TREE) != 0)
		return 256 + 416 + 2 * k * 1448;
	if (total <= ASSAY_INLINE_MAX)
		return 256 + 1440;
	return 256 + 1440 + total + 48 * ((total + 1023) / 1024);
}

static uint64_t request_cost(const struct dgram *d)
{
	const struct assay_read *read = (const void *)d->data;

	switch (d->data[1]) {
	case ASSAY_PROVE:
		return prove_cost((const void *)d->data);
	case ASSAY_READ:
		return 256 +
		       1448ull * (read->count < ASSAY_READ_MAX ? read->count : ASSAY_READ_MAX);
	default:
		return 256 + d->len;
	}
}

/* True when the session can pay; else it is dropped, or told so once in 10 ms. */
static bool admit_rate(struct serve *s, struct session *session, const struct dgram *d)
{
	uint32_t wait_ms;

	if (session_pay(session, s->now, request_cost(d), &wait_ms))
		return true;
	if (session->busy_ns != 0 && s->now - session->busy_ns < BUSY_NS_MIN) {
		drop(s, ASSAY_R_RATE);
		return false;
	}
	session->busy_ns = s->now != 0 ? s->now : 1;
	reply_refuse(s, session, &d->path, ((const struct assay_session_head *)d->data)->counter,
		     ASSAY_R_BUSY, wait_ms, 0);
	return false;
}

static bool epoch_current(const struct view *view, const struct assay_prove *p)
{
	uint64_t epoch = p->epoch, now = view->epoch[0];

	if (epoch == 0)
		return false;
	if (view->any_epoch || epoch == now || epoch == view->epoch[1])
		return true;
	return p->bucket == ASSAY_BUCKET_RECHECK && epoch < now &&
	       now - epoch <= view->recheck_epochs;
}

/* Steps 2 to 7: all that needs no artifact. */
static enum assay_reason admit_prove(const struct serve *s, const struct session *session,
				     const struct assay_prove *p, uint32_t *parameter)
{
	const struct view *view = s->view;
	uint32_t total = (uint32_t)p->k * p->range_length;
	uint32_t total_max = (uint32_t)view->ranges_max * view->length_max;

	if ((session->permissions & ASSAY_MAY_PROVE) == 0)
		return ASSAY_R_PERMISSION;
	if (view->draining)
		return ASSAY_R_DRAINING;
	if (!epoch_current(view, p))
		return ASSAY_R_EPOCH;
	if (p->class != ASSAY_CLASS_INDEX && p->class != ASSAY_CLASS_SYMBOL)
		return ASSAY_R_PROVE_CLASS;
	if (p->bucket < ASSAY_BUCKET_RECENT || p->bucket > ASSAY_BUCKET_RECHECK)
		return ASSAY_R_PROVE_BUCKET;
	if ((p->flags & ~ASSAY_PROVE_TREE) != 0)
		return ASSAY_R_RESERVED;
	if (p->k == 0)
		return ASSAY_R_PROVE_RANGES_NONE;
	*parameter = view->ranges_max;
	if (p->k > view->ranges_max)
		return ASSAY_R_PROVE_RANGES_MANY;
	*parameter = 0;
	if (p->head.head.length != sizeof(*p) + 8u * p->k)
		return ASSAY_R_LENGTH;
	if (p->range_length == 0)
		return ASSAY_R_PROVE_LENGTH_ZERO;
	*parameter = view->length_max;
	if (p->range_length > view->length_max)
		return ASSAY_R_PROVE_LENGTH_BIG;
	*parameter = total_max < ASSAY_TOTAL_MAX ? total_max : ASSAY_TOTAL_MAX;
	if (total > *parameter)
		return ASSAY_R_PROVE_TOTAL;
	*parameter = 0;
	for (unsigned i = 0; i < p->k; i++)
		if (p->offsets[i] > p->size || p->range_length > p->size - p->offsets[i])
			return ASSAY_R_RANGE_END;
	return ASSAY_R_NONE;
}

enum assay_reason admit_artifact(const struct artifact *artifact, bool granted)
{
	if (artifact == NULL)
		return ASSAY_R_ARTIFACT_UNKNOWN;
	switch (atomic_load_explicit(&artifact->state, memory_order_acquire)) {
	case ARTIFACT_STORED:
		return ASSAY_R_NONE;
	case ARTIFACT_PRIVATE:
		return granted ? ASSAY_R_NONE : ASSAY_R_ARTIFACT_PRIVATE;
	default:
		return ASSAY_R_ARTIFACT_ROT;
	}
}

/* One request; refusals are sent from here. */
static void admit_request(struct serve *s, unsigned i)
{
	struct session *session = s->session[i];
	const struct dgram *d = &s->in[i];
	const struct assay_session_head *head = (const void *)d->data;
	enum assay_reason reason;
	uint32_t parameter = 0;

	if (!admit_rate(s, session, d))
		return;
	switch (head->head.type) {
	case ASSAY_PING:
		count(&s->counters.pings, 1);
		reply_pong(s, session, d);
		return;
	case ASSAY_PROVE:
		count(&s->counters.proves, 1);
		if ((((const struct assay_prove *)head)->flags & ASSAY_PROVE_TREE) != 0)
			count(&s->counters.proves_tree, 1);
		reason = admit_prove(s, session, (const void *)head, &parameter);
		if (reason == ASSAY_R_NONE && session->in_flight >= session->in_flight_max)
			reason = ASSAY_R_BUSY;
		if (reason == ASSAY_R_NONE) {
			session->in_flight++;
			s->prove[s->prove_count++] = (uint8_t)i;
		}
		break;
	case ASSAY_READ:
		count(&s->counters.reads, 1);
		reason = read_admit(s, session, d);
		break;
	case ASSAY_CALL:
		count(&s->counters.calls, 1);
		reason = call_admit(s, session, d);
		break;
	default: /* WRITE_* */
		count(&s->counters.writes, 1);
		reason = write_admit(s, session, d);
		break;
	}
	if (reason != ASSAY_R_NONE)
		reply_refuse(s, session, &d->path, head->counter, reason, 0, parameter);
}

void admit_burst(struct serve *s)
{
	uint64_t begin = stage_begin();

	s->prove_count = 0;
	for (unsigned j = 0; j < s->live; j++) {
		unsigned i = s->item[j];

		if (s->in[i].data[1] != ASSAY_CLOSE) {
			admit_request(s, i);
			continue;
		}
		count(&s->counters.closes, 1);
		count(&s->counters.answered, 1);
	}
	work_burst(s);
	stage_end(s, STAGE_ADMIT, begin, s->live);
}
