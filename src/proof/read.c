/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ: chunks of an artifact, as many as fit beside the proofs. PROVE goes first: READs wait in a
 * queue, and a turn sends at most 16 of their datagrams.
 */
#include "proof/serve_int.h"

static bool read_granted(const struct serve *s, const struct session *session, uint64_t grant,
			 const uint8_t key[32])
{
	const struct view_peer *peer = view_peer_at(s->view, session->peer_slot);

	return peer != NULL && view_granted(s->view, grant, peer->account, key, ASSAY_MAY_READ);
}

/* A grant may have ended since the READ came. */
enum assay_reason read_allowed(const struct serve *s, const struct session *session,
			       const struct artifact *artifact, const uint8_t key[32],
			       uint64_t grant)
{
	if (grant != 0 && !read_granted(s, session, grant, key))
		return ASSAY_R_GRANT;
	return admit_artifact(artifact, grant != 0);
}

static bool read_stream(struct serve *s, const struct session *session, uint64_t op)
{
	return streams_take(&s->config.peer_sessions->streams, s->view->streams_max, op,
			    session->peer_slot, session->index, s->now);
}

enum assay_reason read_admit(struct serve *s, struct session *session, const struct dgram *d)
{
	const struct assay_read *r = (const void *)d->data;
	struct read_waiting *w;

	if (r->grant == 0 && (session->permissions & ASSAY_MAY_READ) == 0)
		return ASSAY_R_PERMISSION;
	if (s->view->draining)
		return ASSAY_R_DRAINING;
	if ((r->flags & ~ASSAY_READ_HASHES) != 0)
		return ASSAY_R_RESERVED;
	if (r->grant != 0 && !read_granted(s, session, r->grant, r->key))
		return ASSAY_R_GRANT;
	if (r->count == 0 || r->count > ASSAY_READ_MAX)
		return ASSAY_R_RANGE_END;
	if (session->in_flight >= session->in_flight_max || s->read_count == READ_WAITING_MAX)
		return ASSAY_R_BUSY;
	if (r->grant != 0 && !read_stream(s, session, r->grant))
		return ASSAY_R_BUSY;
	w = &s->reading[(s->read_head + s->read_count++) % READ_WAITING_MAX];
	w->path = d->path;
	w->index = session->index;
	w->request = r->head.counter;
	memcpy(w->key, r->key, sizeof(w->key));
	w->first = r->first;
	w->count = r->count;
	w->hashes = (r->flags & ASSAY_READ_HASHES) != 0;
	w->grant = r->grant;
	session->in_flight++;
	return ASSAY_R_NONE;
}

/* Which chunks; RANGE_END when there is none. */
static enum assay_reason read_chunks(struct work *w, const struct read_waiting *r)
{
	uint32_t first = r->first == ASSAY_NO_CHUNK ? w->chunks - 1 : r->first;

	if (first >= w->chunks)
		return ASSAY_R_RANGE_END;
	w->touched_count = r->count < w->chunks - first ? r->count : w->chunks - first;
	for (unsigned i = 0; i < w->touched_count; i++)
		w->touched[i] = first + i;
	return ASSAY_R_NONE;
}

/* Sends the answer when it fits into the rest of the turn; false when it has to wait. */
static bool read_send(struct serve *s, struct work *w, unsigned *room)
{
	w->parts = chunks_parts(w);
	if (w->parts > *room)
		return false;
	*room -= w->parts;
	if (!out_alloc(s, w->path->port, s->out, w->parts)) {
		work_refuse(s, w, ASSAY_R_TX_FULL, 0);
		return true;
	}
	w->out = s->out;
	w->counter = w->session->sent + 1;
	w->session->sent += w->parts;
	chunks_write(s, w, 0);
	w->session->in_flight--;
	w->session->answered++;
	count(&s->counters.answered, 1);
	return true;
}

/* One READ of the queue; false when it has to wait for the next turn. */
static bool read_one(struct serve *s, const struct read_waiting *r, struct artifact *artifact,
		     unsigned *room)
{
	const struct artifact_bytes *bytes;
	enum assay_reason reason;
	struct work *w = &s->work[0];

	*w = (struct work){.session = session_find(s, r->index),
			   .path = &r->path,
			   .request = r->request,
			   .tree = r->hashes,
			   .grant = r->grant};
	if (w->session == NULL) {
		drop(s, ASSAY_R_SESSION);
		return true;
	}
	reason = read_allowed(s, w->session, artifact, r->key, r->grant);
	if (reason == ASSAY_R_NONE) {
		w->size = artifact->size;
		w->chunks = artifact->chunks;
		reason = read_chunks(w, r);
	}
	if (reason != ASSAY_R_NONE) {
		work_refuse(s, w, reason, 0);
		return true;
	}
	artifact_used(s, artifact);
	bytes = atomic_load_explicit(&artifact->bytes, memory_order_acquire);
	if (bytes == NULL) {
		reason = park(s, w, artifact, true);
		if (reason != ASSAY_R_NONE)
			work_refuse(s, w, reason, 0);
		return true;
	}
	work_resident(w, artifact, bytes);
	w->node = s->node;
	if (w->tree)
		w->node_count = tree_hash_list(s->node, TREE_HASHES_MAX, w->chunks, w->touched,
					       w->touched_count);
	return read_send(s, w, room);
}

static void read_queue(struct serve *s, unsigned *room)
{
	struct artifact *artifact[READ_CHUNKS_TURN];
	const uint8_t *key[READ_CHUNKS_TURN];
	unsigned n = s->read_count < *room ? s->read_count : *room;

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		key[i] = s->reading[(s->read_head + i) % READ_WAITING_MAX].key;
	s->config.artifacts->find_many(s->config.artifacts->ctx, artifact, key, n);
	for (unsigned i = 0; i < n; i++) {
		if (!read_one(s, &s->reading[s->read_head], artifact[i], room))
			return;
		s->read_head = (s->read_head + 1) % READ_WAITING_MAX;
		s->read_count--;
	}
}

void read_turn(struct serve *s)
{
	unsigned room = READ_CHUNKS_TURN;
	struct parked *p;

	if (s->read_count == 0 && s->fetched_count == 0)
		return;
	/* Those that came from the disk have waited longer. */
	while ((p = parked_next(s)) != NULL) {
		if (!read_send(s, &p->work, &room))
			break;
		parked_done(s);
	}
	read_queue(s, &room);
	chunks_flush(s);
}
