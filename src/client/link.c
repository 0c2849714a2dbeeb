/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link.h"

#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "crypto/sign.h"
#include "proof/message.h"

#define RESET_NS_MIN	 LINK_NS_PER_S	     /* between two handshakes because of a RESET */
#define RESET_NS_MAX	 (5 * LINK_NS_PER_S) /* age of a datagram that a RESET may name */
#define REOPEN_FAILED_NS (10 * LINK_NS_PER_S)
#define WELCOME_NS_MAX	 (5 * LINK_NS_PER_S) /* after that the node has forgotten it */
#define HELLO_SPREAD	 20		     /* percent */

/* Waits after each HELLO; after the last one the opening has failed. */
static const uint16_t hello_wait_ms[] = {500, 1000, 2000, 4000, 4000};
#define HELLOS_MAX (sizeof(hello_wait_ms) / sizeof(hello_wait_ms[0]))

int link_init(struct link *l, const struct assay_client_config *config, const struct net *net,
	      const struct clock *clock, const struct random *random, const struct net_addr *remote)
{
	*l = (struct link){.net = *net, .clock = *clock, .random = *random, .remote = *remote};
	if (!account_valid(config->account) || !account_valid(config->peer.account))
		return ASSAY_E_INVAL;
	strcpy(l->account, config->account);
	strcpy(l->peer_account, config->peer.account);
	memcpy(l->network_id, config->network_id, 32);
	memcpy(l->secret, config->session_secret, 32);
	l->self.network_id = l->network_id;
	l->self.secret = l->secret;
	if (!public_key(l->self.public, l->secret) ||
	    !noise_peer_init(&l->peer, &l->self, config->peer.session_key, true, l->account,
			     l->peer_account)) {
		link_wipe(l);
		return ASSAY_E_INVAL;
	}
	return 0;
}

void link_wipe(struct link *l)
{
	noise_initiator_wipe(&l->initiator);
	wipe(l->secret, sizeof(l->secret));
	wipe(&l->peer, sizeof(l->peer));
	wipe(l->session, sizeof(l->session));
}

/* --- the handshake -------------------------------------------------------------------------- */

static void drop(struct link *l, enum assay_reason reason)
{
	l->stats.drops[reason]++;
}

static int send_bytes(struct link *l, const void *data, size_t len)
{
	int error = l->net.send(l->net.ctx, &l->remote, data, len);

	if (error == 0) {
		l->stats.sent++;
		l->stats.sent_bytes += len;
	}
	return error;
}

/* An index that no session of ours has. */
static uint32_t fresh_index(struct link *l)
{
	uint32_t index;

	do
		index = (uint32_t)random_u64(&l->random);
	while (index == 0 || index == l->session[0].inbound.index ||
	       index == l->session[1].inbound.index);
	return index;
}

static uint64_t spread(struct link *l, uint64_t ns)
{
	return ns - ns * HELLO_SPREAD / 100 +
	       random_u64(&l->random) % (2 * ns * HELLO_SPREAD / 100 + 1);
}

static void send_hello(struct link *l, const uint8_t *cookie)
{
	uint64_t time_ns = clock_wall(&l->clock);
	uint8_t e_secret[32];

	if (time_ns <= l->hello_time_ns)
		time_ns = l->hello_time_ns + 1;
	l->hello_time_ns = time_ns;
	l->hello_ns = link_now(l);
	secret_generate(e_secret, &l->random);
	noise_initiator_wipe(&l->initiator);
	noise_hello(&l->hello, &l->initiator, &l->self, &l->peer, l->account, l->peer_account,
		    e_secret, fresh_index(l), time_ns, ASSAY_PAYLOAD_DEFAULT, cookie);
	wipe(e_secret, sizeof(e_secret));
	l->cookie_used = cookie != NULL;
	l->stats.hellos++;
	/* A HELLO that does not leave is repeated like one that was lost. */
	send_bytes(l, &l->hello, sizeof(l->hello));
}

static void next_hello(struct link *l)
{
	send_hello(l, NULL);
	l->hello_due_ns = link_now(l) + spread(l, hello_wait_ms[l->attempt] * LINK_NS_PER_MS);
	l->attempt++;
}

void link_start(struct link *l)
{
	if (l->opening)
		return;
	l->opening = true;
	l->attempt = 0;
	next_hello(l);
}

/* Confirms the session at the other side, and measures the round trip. */
static void send_ping(struct link *l)
{
	struct assay_ping ping = {.head.head.type = ASSAY_PING};

	link_send(l, &ping, sizeof(ping));
}

static bool take_welcome(struct link *l, const struct assay_welcome *welcome, size_t len)
{
	struct link_session session = {0};
	struct noise_keys keys;

	if (len != sizeof(*welcome) || !l->opening || link_now(l) - l->hello_ns > WELCOME_NS_MAX)
		return false;
	if (noise_welcome_read(&session.terms, &keys, &l->initiator, &l->self, welcome) != 0)
		return false;
	session.generation = ++l->generation;
	session.remote_index = session.terms.index;
	assay_inbound_init(&session.inbound, keys.k_r, l->hello.index, session.terms.limit);
	memcpy(session.k_i, keys.k_i, 32);
	wipe(&keys, sizeof(keys));
	session.opened_ns = session.used_ns = link_now(l);
	l->session[1] = l->session[0];
	l->session[0] = session;
	l->opening = false;
	l->failed_ns = 0;
	l->stats.handshakes++;
	if (l->attempt == 1 && !l->cookie_used)
		link_measured(l, link_now(l) - l->hello_ns);
	send_ping(l);
	return true;
}

static void take_cookie(struct link *l, const struct assay_cookie *cookie, size_t len)
{
	if (len != sizeof(*cookie) || !l->opening || l->cookie_used ||
	    !noise_cookie_check(cookie, &l->peer, &l->hello))
		return;
	l->stats.cookies++;
	send_hello(l, cookie->cookie);
}

/* --- sessions ------------------------------------------------------------------------------- */

static uint64_t life_ns(const struct link_session *s)
{
	return s->terms.life_s * LINK_NS_PER_S;
}

/* The other side still has it, as far as its terms say. */
static bool session_good(const struct link_session *s, uint64_t now)
{
	return s->generation != 0 && now - s->opened_ns < life_ns(s) &&
	       now - s->used_ns < s->terms.idle_s * LINK_NS_PER_S && s->sent < INT64_MAX;
}

enum link_state link_state(const struct link *l)
{
	if (session_good(&l->session[0], link_now(l)))
		return LINK_UP;
	return l->opening ? LINK_OPENING : LINK_DOWN;
}

/* When the next session should be opened beside this one. */
static uint64_t renewal_ns(const struct link *l)
{
	const struct link_session *s = &l->session[0];
	uint64_t due = s->opened_ns + life_ns(s) / 4 * 3;

	if (s->generation == 0)
		return UINT64_MAX;
	if (l->failed_ns != 0 && due < l->failed_ns + REOPEN_FAILED_NS)
		due = l->failed_ns + REOPEN_FAILED_NS;
	return due;
}

void link_turn(struct link *l)
{
	uint64_t now = link_now(l);

	if (!l->opening && now >= renewal_ns(l) && link_state(l) == LINK_UP)
		link_start(l);
	if (!l->opening || now < l->hello_due_ns)
		return;
	if (l->attempt < HELLOS_MAX) {
		next_hello(l);
		return;
	}
	l->opening = false;
	l->failed_ns = now;
	noise_initiator_wipe(&l->initiator);
}

uint64_t link_timer(const struct link *l)
{
	return l->opening ? l->hello_due_ns : renewal_ns(l);
}

static void mark_sent(struct link_session *s, uint64_t now)
{
	const struct link_mark *last =
		&s->mark[(s->mark_next + LINK_SENT_MARKS - 1) % LINK_SENT_MARKS];

	if (last->first != 0 && now - last->at_ns < LINK_NS_PER_S)
		return;
	s->mark[s->mark_next] = (struct link_mark){now, s->sent};
	s->mark_next = (s->mark_next + 1) % LINK_SENT_MARKS;
}

/* The head of a request; false when there is no session. */
static bool begin_request(struct link *l, void *request, size_t len)
{
	struct link_session *s = &l->session[0];
	struct assay_head *head = request;

	if (!session_good(s, link_now(l)))
		return false;
	s->sent++;
	message_head(request, head->type, (uint16_t)len, s->remote_index, s->sent);
	s->used_ns = link_now(l);
	mark_sent(s, s->used_ns);
	return true;
}

uint64_t link_send(struct link *l, void *request, size_t len)
{
	struct link_session *s = &l->session[0];

	if (!begin_request(l, request, len))
		return 0;
	message_tag_general(request, len, s->k_i);
	return send_bytes(l, request, len) == 0 ? s->sent : 0;
}

uint64_t link_send_chunk(struct link *l, void *request, size_t len, const uint8_t value[32])
{
	struct link_session *s = &l->session[0];
	struct assay_write_data *data = request;
	uint8_t input[128];

	if (!begin_request(l, request, len))
		return 0;
	tag_of(data->head.tag, input, tag_input_chunk(input, s->k_i, request, 24, value, NULL, 0));
	return send_bytes(l, request, len) == 0 ? s->sent : 0;
}

static bool sent_lately(const struct link_session *s, uint64_t counter, uint64_t now)
{
	if (counter == 0 || counter > s->sent)
		return false;
	for (unsigned i = 0; i < LINK_SENT_MARKS; i++)
		if (s->mark[i].first != 0 && s->mark[i].first <= counter &&
		    now - s->mark[i].at_ns <= RESET_NS_MAX)
			return true;
	return false;
}

/* Unsigned, so a hint: the old session stays until a new one is there. */
static void take_reset(struct link *l, const struct assay_reset *reset, size_t len)
{
	uint64_t now = link_now(l);
	struct link_session *s = &l->session[0];

	if (len != sizeof(*reset) || s->generation == 0 || reset->index != s->remote_index ||
	    !sent_lately(s, reset->counter, now))
		return;
	l->stats.resets++;
	s->lost = true;
	if (l->reset_ns != 0 && now - l->reset_ns < RESET_NS_MIN)
		return;
	l->reset_ns = now;
	link_start(l);
}

void link_measured(struct link *l, uint64_t rtt_ns)
{
	uint64_t off = rtt_ns > l->rtt_ns ? rtt_ns - l->rtt_ns : l->rtt_ns - rtt_ns;

	if (l->rtt_ns == 0) {
		l->rtt_ns = rtt_ns;
		l->rtt_var_ns = rtt_ns / 2;
		return;
	}
	l->rtt_ns = (7 * l->rtt_ns + rtt_ns) / 8;
	l->rtt_var_ns = (3 * l->rtt_var_ns + off) / 4;
}

/* --- what arrives --------------------------------------------------------------------------- */

/* Messages without a session; each is judged by what it answers. */
static enum link_event take_bare(struct link *l, const void *datagram, size_t len)
{
	const struct assay_head *head = datagram;
	const struct assay_version_msg *version = datagram;

	if (head->length != len) {
		drop(l, ASSAY_R_LENGTH);
		return LINK_NOTHING;
	}
	switch (head->type) {
	case ASSAY_WELCOME:
		return take_welcome(l, datagram, len) ? LINK_OPENED : LINK_NOTHING;
	case ASSAY_COOKIE:
		take_cookie(l, datagram, len);
		return LINK_NOTHING;
	case ASSAY_RESET:
		take_reset(l, datagram, len);
		return LINK_NOTHING;
	case ASSAY_VERSION_MSG:
		if (len == sizeof(*version) && l->opening) {
			l->versions[0] = version->lowest;
			l->versions[1] = version->highest;
		}
		return LINK_NOTHING;
	default:
		drop(l, ASSAY_R_ROLE);
		return LINK_NOTHING;
	}
}

enum link_event link_take(struct link *l, struct link_session **session,
			  const struct net_addr *from, const void *datagram, size_t len)
{
	const struct assay_session_head *head = datagram;

	*session = NULL;
	l->stats.received++;
	l->stats.received_bytes += len;
	if (memcmp(from, &l->remote, sizeof(*from)) != 0)
		drop(l, ASSAY_R_ADDRESS);
	else if (len < 8)
		drop(l, ASSAY_R_SHORT);
	else if (head->head.version != ASSAY_VERSION_WIRE)
		drop(l, ASSAY_R_VERSION);
	else if (head->head.type < ASSAY_PING)
		return take_bare(l, datagram, len);
	else if (len < sizeof(*head))
		drop(l, ASSAY_R_LENGTH);
	else {
		for (unsigned i = 0; i < 2; i++)
			if (l->session[i].generation != 0 &&
			    l->session[i].inbound.index == head->index) {
				*session = &l->session[i];
				return LINK_ANSWER;
			}
		drop(l, ASSAY_R_SESSION);
	}
	return LINK_NOTHING;
}
