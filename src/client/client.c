/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "base/text.h"
#include "client/keys.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

#define SEALS_ENTRIES 1024

void assay_network_id(uint8_t out[32], const char *name)
{
	digest_init();
	digest_one(out, NULL, name, strlen(name));
}

int assay_client_key(uint8_t session_secret[32], const char *path, char *why, size_t why_room)
{
	char text[KEYS_WHY_MAX] = "";
	struct keys keys;
	int error;

	assay_init();
	error = keys_load(&keys, path, text);
	if (error == 0)
		memcpy(session_secret, keys.session, 32);
	else if (why != NULL)
		snprintf(why, why_room, "%s", text);
	keys_wipe(&keys);
	return error;
}

int assay_key_parse(uint8_t out[32], const char *text)
{
	return key_parse(out, text);
}

int client_fail(struct assay_client *client, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->why, sizeof(client->why), format, args);
	va_end(args);
	return error;
}

int client_fail_link(struct assay_client *client, int error)
{
	const struct link *l = &client->flight.link;
	char remote[64];

	net_addr_format(remote, &l->remote);
	if (error == ASSAY_E_IO)
		return client_fail(client, error, "%s at %s: the socket failed", l->peer_account,
				   remote);
	if (l->versions[0] != 0)
		return client_fail(client, error,
				   "%s at %s speaks protocol versions %u to %u, this client %u",
				   l->peer_account, remote, l->versions[0], l->versions[1],
				   ASSAY_VERSION_WIRE);
	return client_fail(client, error,
			   "%s at %s did not answer the handshake: node down, wrong address or "
			   "session key, or '%s' is not in its registry with this key",
			   l->peer_account, remote, l->account);
}

unsigned client_in_flight(const struct assay_client *client, unsigned wanted)
{
	unsigned allowed = client->flight.link.session[0].terms.in_flight;

	if (wanted > FLIGHT_MAX)
		wanted = FLIGHT_MAX;
	return allowed != 0 && wanted > allowed ? allowed : wanted;
}

bool client_may_wait(unsigned reason)
{
	return reason == ASSAY_R_BUSY || reason == ASSAY_R_LATE || reason == ASSAY_R_RATE ||
	       reason == ASSAY_R_DRAINING;
}

bool client_may_ask(const struct assay_client *client)
{
	return client->flight.count < client_in_flight(client, FLIGHT_MAX);
}

static int client_init(struct assay_client *client, const struct assay_client_config *config,
		       const struct net *net, const struct clock *clock,
		       const struct random *random)
{
	struct net_addr remote;
	int error;

	client->answer_ns =
		(config->answer_ms != 0 ? config->answer_ms : ANSWER_MS_DEFAULT) * LINK_NS_PER_MS;
	memcpy(client->identity, config->peer.identity, 32);
	client->seals = assay_seals_new(SEALS_ENTRIES);
	if (client->seals == NULL)
		return client_fail(client, ASSAY_E_NOMEM, "out of memory");
	error = net_addr_parse(&remote, config->peer.address);
	if (error != 0)
		return client_fail(client, error,
				   "'%s' is no address; write 192.0.2.1:4600 or "
				   "[2001:db8::1]:4600",
				   config->peer.address);
	error = link_init(&client->flight.link, config, net, clock, random, &remote);
	if (error != 0)
		return client_fail(client, error, "an account name or a session key is not valid");
	return 0;
}

static void tell_why(char *why, size_t why_room, const struct assay_client *client)
{
	if (why != NULL)
		snprintf(why, why_room, "%s", client->why);
}

int client_new_over(struct assay_client **out, const struct assay_client_config *config,
		    const struct net *net, const struct clock *clock, const struct random *random,
		    char *why, size_t why_room)
{
	struct assay_client *client = calloc(1, sizeof(*client));
	int error = ASSAY_E_NOMEM;

	*out = NULL;
	if (client == NULL)
		return error;
	assay_init();
	error = client_init(client, config, net, clock, random);
	if (error != 0) {
		tell_why(why, why_room, client);
		assay_client_close(client);
		return error;
	}
	*out = client;
	return 0;
}

int client_open_over(struct assay_client **out, const struct assay_client_config *config,
		     const struct net *net, const struct clock *clock, const struct random *random,
		     char *why, size_t why_room)
{
	int error = client_new_over(out, config, net, clock, random, why, why_room);

	if (error != 0)
		return error;
	error = flight_connect(&(*out)->flight);
	if (error == 0)
		return 0;
	client_fail_link(*out, error);
	tell_why(why, why_room, *out);
	assay_client_close(*out);
	*out = NULL;
	return error;
}

int assay_client_open(struct assay_client **out, const struct assay_client_config *config,
		      char *why, size_t why_room)
{
	struct clock clock = clock_real();
	struct random random = random_real();
	struct net_addr remote;
	struct net net;
	int error = net_addr_parse(&remote, config->peer.address);

	*out = NULL;
	if (error == 0)
		error = net_real_open(&net, &remote);
	if (error != 0) {
		if (why != NULL)
			snprintf(why, why_room, "'%s': %s", config->peer.address,
				 error == ASSAY_E_INVAL ? "no address; write 192.0.2.1:4600 or "
							  "[2001:db8::1]:4600"
							: "no socket for this address");
		return error;
	}
	error = client_open_over(out, config, &net, &clock, &random, why, why_room);
	if (error == 0)
		(*out)->own_net = true;
	else
		net_real_close(&net);
	return error;
}

void assay_client_close(struct assay_client *client)
{
	struct assay_ping close_message = {.head.head.type = ASSAY_CLOSE};

	if (client == NULL)
		return;
	if (client->flight.link.session[0].generation != 0)
		link_send(&client->flight.link, &close_message, sizeof(close_message));
	if (client->own_net)
		net_real_close(&client->flight.link.net);
	link_wipe(&client->flight.link);
	assay_seals_free(client->seals);
	free(client);
}

const char *assay_client_why(const struct assay_client *client)
{
	return client->why;
}

const struct assay_client_stats *assay_client_stats(const struct assay_client *client)
{
	return &client->flight.link.stats;
}

void assay_client_terms(const struct assay_client *client, struct assay_client_terms *out)
{
	const struct link *l = &client->flight.link;
	const struct assay_welcome_payload *w = &l->session[0].terms;

	*out = (struct assay_client_terms){
		.permissions = w->permissions,
		.rate_kib = w->rate_kib,
		.burst_kib = w->burst_kib,
		.limit = w->limit,
		.in_flight = w->in_flight,
		.idle_s = w->idle_s,
		.life_s = w->life_s,
		.rtt_ns = l->rtt_ns,
	};
}

/* --- PING ----------------------------------------------------------------------------------- */

struct ping {
	uint8_t opaque[24];
	bool back;
};

static int ping_counter(void *object, uint64_t counter)
{
	return 0;
}

static enum assay_reason ping_feed(void *object, struct assay_inbound *session,
				   const void *datagram, size_t len)
{
	const struct assay_pong *pong = datagram;
	struct ping *ping = object;
	enum assay_reason reason;

	if (memcmp(pong->opaque, ping->opaque, sizeof(ping->opaque)) != 0)
		return ASSAY_R_ROLE;
	reason = assay_inbound_general(session, datagram, len);
	if (reason == ASSAY_R_NONE)
		ping->back = true;
	return reason;
}

static bool ping_settled(void *object)
{
	return ((const struct ping *)object)->back;
}

static bool ping_wait(void *object, uint32_t *wait_ms)
{
	return false;
}

int assay_client_ping(struct assay_client *client, uint64_t *rtt_ns)
{
	static const struct flight_kind kind = {ping_counter, ping_feed, ping_settled, ping_wait};
	struct flight *f = &client->flight;
	struct ping ping = {.back = false};
	struct flight_request request = {.kind = &kind, .object = &ping};
	struct assay_ping *message = (struct assay_ping *)request.datagram;
	int error;

	random_fill(&f->link.random, ping.opaque, sizeof(ping.opaque));
	message->head.head.type = ASSAY_PING;
	memcpy(message->opaque, ping.opaque, sizeof(ping.opaque));
	request.len = sizeof(*message);
	request.deadline_ns = link_now(&f->link) + client->answer_ns;
	flight_start(f, &request);
	error = flight_finish(f, &request);
	if (error != 0)
		return client_fail_link(client, error);
	if (!ping.back)
		return client_fail(client, ASSAY_E_TIMEOUT, "%s did not answer PING",
				   f->link.peer_account);
	*rtt_ns = request.done_ns - request.started_ns;
	return 0;
}
