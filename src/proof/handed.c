/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WRITE_* and CALL: checked here, done by other threads, answered here. A request that is handed on
 * occupies a slot until it is back; without a free one it is refused as busy. The slots are
 * reserved at start; the kernel gives memory to those that are used, and the last one freed is the
 * next one taken.
 */
#include <sys/mman.h>

#include "proof/serve_int.h"

struct write_slot {
	struct write_job job; /* first: it leads back here */
	struct path path;
	uint64_t request; /* counter */
};

struct call_slot {
	struct call_job job;
	struct path path;
	uint64_t request;
	uint32_t index; /* of the session */
};

static void *reserve(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

bool handed_start(struct serve *s)
{
	s->writes = reserve(sizeof(*s->writes) * WRITE_SLOTS);
	s->calls = reserve(sizeof(*s->calls) * CALL_SLOTS);
	for (unsigned i = 0; i < WRITE_SLOTS; i++)
		s->writes_free[i] = (uint16_t)(WRITE_SLOTS - 1 - i);
	s->writes_free_count = WRITE_SLOTS;
	for (unsigned i = 0; i < CALL_SLOTS; i++)
		s->calls_free[i] = (uint16_t)(CALL_SLOTS - 1 - i);
	s->calls_free_count = CALL_SLOTS;
	return s->writes != NULL && s->calls != NULL;
}

void handed_stop(struct serve *s)
{
	if (s->writes != NULL)
		munmap(s->writes, sizeof(*s->writes) * WRITE_SLOTS);
	if (s->calls != NULL)
		munmap(s->calls, sizeof(*s->calls) * CALL_SLOTS);
}

/* The request is back: its session, or NULL when that has ended meanwhile. */
static struct session *session_back(struct serve *s, uint32_t index)
{
	struct session *session = session_find(s, index);

	if (session == NULL)
		drop(s, ASSAY_R_SESSION);
	else
		session->in_flight--;
	return session;
}

/* --- WRITE --- */

static enum assay_reason write_allowed(const struct serve *s, const struct session *session,
				       const struct dgram *d)
{
	const struct assay_write_open *open = (const void *)d->data;
	bool may = (session->permissions & ASSAY_MAY_WRITE) != 0;
	const struct view_peer *peer;

	if (open->head.head.type != ASSAY_WRITE_OPEN)
		/* Who opened it was allowed to, and nobody else's transfer is found. */
		return may || s->view->grant_count > 0 ? ASSAY_R_NONE : ASSAY_R_PERMISSION;
	if (open->grant == 0)
		return may ? ASSAY_R_NONE : ASSAY_R_PERMISSION;
	peer = view_peer_at(s->view, session->peer_slot);
	if (peer == NULL ||
	    !view_granted(s->view, open->grant, peer->account, open->key, ASSAY_MAY_WRITE))
		return ASSAY_R_GRANT;
	return ASSAY_R_NONE;
}

static void write_fill(struct write_job *job, const struct dgram *d)
{
	const struct assay_write_open *open = (const void *)d->data;
	const struct assay_write_data *data = (const void *)d->data;
	const struct assay_write_commit *commit = (const void *)d->data;

	job->type = open->head.head.type;
	switch (job->type) {
	case ASSAY_WRITE_OPEN:
		memcpy(job->key, open->key, sizeof(job->key));
		job->size = open->size;
		break;
	case ASSAY_WRITE_DATA:
		job->transfer = data->transfer;
		job->chunk = data->chunk;
		job->length = data->length;
		memcpy(job->data, d->data + sizeof(*data), data->length);
		break;
	default:
		job->transfer = commit->transfer;
	}
}

enum assay_reason write_admit(struct serve *s, struct session *session, const struct dgram *d)
{
	enum assay_reason reason = write_allowed(s, session, d);
	struct write_slot *slot;

	if (reason != ASSAY_R_NONE)
		return reason;
	if (s->view->draining)
		return ASSAY_R_DRAINING;
	if (session->in_flight >= session->in_flight_max || s->writes_free_count == 0)
		return ASSAY_R_BUSY;
	slot = &s->writes[s->writes_free[s->writes_free_count - 1]];
	slot->path = d->path;
	slot->request = ((const struct assay_session_head *)d->data)->counter;
	slot->job.worker = (uint16_t)s->config.worker;
	slot->job.owner = s->writes_free[s->writes_free_count - 1];
	slot->job.account = session->peer_slot;
	slot->job.session = session->index;
	write_fill(&slot->job, d);
	if (!s->config.io.write(s->config.io.ctx, &slot->job))
		return ASSAY_R_BUSY;
	s->writes_free_count--;
	session->in_flight++;
	return ASSAY_R_NONE;
}

void serve_written(struct serve *s, struct write_job *job, uint64_t now, uint64_t wall)
{
	struct write_slot *slot = &s->writes[job->owner];
	struct session *session;

	must(&slot->job == job);
	s->now = now;
	s->wall = wall;
	session = session_back(s, job->session);
	if (session != NULL && job->reason != ASSAY_R_NONE)
		reply_refuse(s, session, &slot->path, slot->request, job->reason, job->wait_ms,
			     job->parameter);
	else if (session != NULL)
		reply_write_state(s, session, &slot->path, slot->request, &job->status);
	s->writes_free[s->writes_free_count++] = (uint16_t)job->owner;
}

/* --- CALL --- */

enum assay_reason call_admit(struct serve *s, struct session *session, const struct dgram *d)
{
	const struct assay_call *call = (const void *)d->data;
	const struct view_peer *peer = view_peer_at(s->view, session->peer_slot);
	struct call_slot *slot;

	if ((session->permissions & ASSAY_MAY_CALL) == 0 || peer == NULL)
		return ASSAY_R_PERMISSION;
	if (s->view->draining)
		return ASSAY_R_DRAINING;
	if (session->calls >= CALL_SESSION_MAX || session->in_flight >= session->in_flight_max ||
	    s->calls_free_count == 0)
		return ASSAY_R_BUSY;
	slot = &s->calls[s->calls_free[s->calls_free_count - 1]];
	slot->path = d->path;
	slot->request = call->head.counter;
	slot->index = session->index;
	slot->job.worker = (uint16_t)s->config.worker;
	slot->job.owner = s->calls_free[s->calls_free_count - 1];
	memcpy(slot->job.account, peer->account, sizeof(slot->job.account));
	slot->job.method = call->method;
	memcpy(slot->job.nonce, call->nonce, sizeof(slot->job.nonce));
	slot->job.len = (uint16_t)(d->len - sizeof(*call));
	memcpy(slot->job.body, d->data + sizeof(*call), slot->job.len);
	if (!s->config.io.call(s->config.io.ctx, &slot->job))
		return ASSAY_R_BUSY;
	s->calls_free_count--;
	session->in_flight++;
	session->calls++;
	return ASSAY_R_NONE;
}

/* The answer is as long as it is: it has a buffer and a tag of its own. */
static void result_send(struct serve *s, struct session *session, const struct call_slot *slot)
{
	const struct call_job *job = &slot->job;
	size_t len = sizeof(struct assay_result) + job->answer_len;
	struct assay_result *result;
	struct dgram out;

	must(job->answer_len <= CALL_BODY_MAX);
	if (!out_alloc(s, slot->path.port, &out, 1)) {
		drop(s, ASSAY_R_TX_FULL);
		return;
	}
	result = (void *)out.data;
	message_head(result, ASSAY_RESULT, (uint16_t)len, session->initiator, ++session->sent);
	result->answer = (struct assay_answer_head){
		.request = slot->request, .parts = 1, .status = job->status, .n = job->answer_len};
	memset(result->zero, 0, sizeof(result->zero));
	memcpy(out.data + sizeof(*result), job->answer, job->answer_len);
	message_tag_general(out.data, len, session->keys.k_r);
	out_fill(&out, &slot->path, len);
	out_send(s, &out, 1);
	session->answered++;
	count(&s->counters.answered, 1);
}

void serve_called(struct serve *s, struct call_job *job, uint64_t now, uint64_t wall)
{
	struct call_slot *slot = &s->calls[job->owner];
	struct session *session;

	must(&slot->job == job);
	s->now = now;
	s->wall = wall;
	session = session_back(s, slot->index);
	if (session != NULL) {
		session->calls--;
		if (job->reason != ASSAY_R_NONE)
			reply_refuse(s, session, &slot->path, slot->request, job->reason,
				     job->wait_ms, 0);
		else
			result_send(s, session, slot);
	}
	s->calls_free[s->calls_free_count++] = (uint16_t)job->owner;
}
