/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HELLOs in the worker that received them: a stranger costs one lookup and one short hash. Good
 * ones go to the worker that owns handshakes and come back here, where the session will live.
 */
#include "proof/serve_int.h"

#define COOKIE_NS   (120 * NS_PER_S) /* life of a secret; the one before still counts */
#define COOKIES_NS  (10 * NS_PER_S)  /* that cookies stay on */
#define COOKIES_MIN (HELLO_QUEUE_MAX / 4)

static bool cookies_on(const struct serve *s)
{
	const struct peer_sessions *p = s->config.peer_sessions;

	return atomic_load(&p->hellos) > COOKIES_MIN || s->now < atomic_load(&p->cookies_until_ns);
}

static void cookies_refresh(struct serve *s)
{
	struct cookies *c = &s->cookies;
	uint64_t age = s->now - c->made_ns;

	if (c->made && age < COOKIE_NS)
		return;
	c->previous_good = c->made && age < 2 * COOKIE_NS;
	memcpy(c->secret[1], c->secret[0], sizeof(c->secret[0]));
	random_fill(s->config.random, c->secret[0], sizeof(c->secret[0]));
	c->made = true;
	c->made_ns = s->now;
}

/* True when mac2 is made with the cookie of this address; else *cookie is what to send. */
static bool cookie_good(struct serve *s, const struct dgram *d, uint8_t cookie[16])
{
	const struct assay_hello *hello = (const void *)d->data;
	const struct net_addr *from = &d->path.remote;
	uint8_t mac2[16];

	cookies_refresh(s);
	for (int i = s->cookies.previous_good ? 1 : 0; i >= 0; i--) {
		noise_cookie(cookie, s->cookies.secret[i], from->ip, from->port);
		noise_mac2(mac2, cookie, hello);
		if (equal_ct(mac2, hello->mac2, sizeof(mac2)))
			return true;
	}
	return false;
}

static void cookie_send(struct serve *s, const struct dgram *d, const struct view_peer *peer,
			const uint8_t cookie[16])
{
	struct assay_cookie message;

	noise_cookie_message(&message, &peer->noise, (const void *)d->data, cookie);
	if (out_send_bytes(s, &d->path, &message, sizeof(message)))
		count(&s->counters.cookies, 1);
}

static enum assay_reason hello_check(struct serve *s, const struct dgram *d,
				     const struct view_peer **peer)
{
	const struct assay_hello *hello = (const void *)d->data;
	static const uint8_t zero[sizeof(hello->zero)];
	uint8_t mac1[16], cookie[16];

	if (d->len != sizeof(*hello) || hello->head.length != sizeof(*hello))
		return ASSAY_R_HELLO_LENGTH;
	if (memcmp(hello->zero, zero, sizeof(zero)) != 0)
		return ASSAY_R_RESERVED;
	*peer = view_find(s->view, hello->hint);
	if (*peer == NULL)
		return ASSAY_R_HELLO_UNKNOWN;
	noise_mac1(mac1, (*peer)->noise.m, hello);
	if (!equal_ct(mac1, hello->mac1, sizeof(mac1)))
		return ASSAY_R_HELLO_MAC1;
	if (cookies_on(s) && !cookie_good(s, d, cookie)) {
		cookie_send(s, d, *peer, cookie);
		return ASSAY_R_HELLO_COOKIE;
	}
	return ASSAY_R_NONE;
}

/* One of the 64 places of the node; false when all are taken. */
static bool hello_enter(struct serve *s)
{
	struct peer_sessions *p = s->config.peer_sessions;
	uint32_t before = atomic_fetch_add(&p->hellos, 1);

	if (before >= COOKIES_MIN)
		atomic_store(&p->cookies_until_ns, s->now + COOKIES_NS);
	if (before < HELLO_QUEUE_MAX)
		return true;
	atomic_fetch_sub(&p->hellos, 1);
	return false;
}

static void hello_leave(struct serve *s)
{
	atomic_fetch_sub(&s->config.peer_sessions->hellos, 1);
}

/* An index is reserved at once, since the WELCOME tells it; 0 (table full) is judged in its turn.
 */
static enum assay_reason hello_forward(struct serve *s, const struct dgram *d,
				       const struct view_peer *peer)
{
	struct hello_job job = {
		.path = d->path, .peer_slot = peer->slot, .worker = (uint16_t)s->config.worker};

	if (!hello_enter(s))
		return ASSAY_R_HELLO_QUEUE;
	memcpy(&job.hello, d->data, sizeof(job.hello));
	job.index = session_reserve(s);
	if (s->config.handshake_worker == s->config.worker) {
		handshake_add(s, &job);
		return ASSAY_R_NONE;
	}
	if (s->config.io.hello(s->config.io.ctx, s->config.handshake_worker, &job))
		return ASSAY_R_NONE;
	session_unreserve(s, job.index);
	hello_leave(s);
	return ASSAY_R_HELLO_QUEUE;
}

void hello_receive(struct serve *s, const struct dgram *d)
{
	const struct view_peer *peer = NULL;
	enum assay_reason reason = hello_check(s, d, &peer);

	count(&s->counters.hellos, 1);
	if (reason == ASSAY_R_NONE)
		reason = hello_forward(s, d, peer);
	if (reason != ASSAY_R_NONE)
		drop(s, reason);
}

static enum assay_reason hello_install(struct serve *s, const struct hello_job *job)
{
	const struct view_peer *peer = hello_peer(s, job);
	struct session *session;

	/* The key left the registry, or a newer session of it took this one's place, meanwhile. */
	if (peer == NULL)
		return ASSAY_R_HELLO_UNKNOWN;
	session = session_install(s, peer,
				  &(struct session_terms){.index = job->index,
							  .initiator = job->hello.index,
							  .keys = &job->keys,
							  .remote = &job->path.remote});
	if (session == NULL)
		return ASSAY_R_SESSION_FULL;
	if (out_send_bytes(s, &job->path, &job->welcome, sizeof(job->welcome)))
		return ASSAY_R_NONE;
	session_end(s, session);
	return ASSAY_R_TX_FULL;
}

void hello_finish(struct serve *s, const struct hello_job *job)
{
	enum assay_reason reason = job->reason;

	hello_leave(s);
	if (reason == ASSAY_R_NONE)
		reason = hello_install(s, job);
	if (reason != ASSAY_R_NONE) {
		session_unreserve(s, job->index);
		drop(s, reason);
		return;
	}
	count(&s->counters.welcomes, 1);
	count(&s->counters.answered, 1);
}
