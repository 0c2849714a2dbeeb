/* SPDX-License-Identifier: Apache-2.0 */
/* CALL: one question, repeated under the same nonce until there is a RESULT. */
#include <stdlib.h>
#include <string.h>

#include "client/steps.h"

#define REPEAT_NS_MIN (250 * LINK_NS_PER_MS) /* control takes its time */

struct calling {
	struct assay_client *client;
	struct flight_request request;
	bool there;
	enum assay_reason refused;
	uint32_t wait_ms;
	struct assay_reply reply;
	size_t len;
	struct {
		struct assay_call head;
		uint8_t body[ASSAY_CALL_MAX];
	} message;
};

static int call_counter(void *object, uint64_t counter)
{
	return 0;
}

static uint64_t call_send(void *object, struct link *l)
{
	struct calling *c = object;

	return link_send(l, &c->message, c->len);
}

static enum assay_reason call_feed(void *object, struct assay_inbound *session,
				   const void *datagram, size_t len)
{
	const struct assay_head *head = datagram;
	const struct assay_result *result = datagram;
	const struct assay_refused *refused = datagram;
	struct calling *c = object;
	enum assay_reason reason;

	if (head->type != ASSAY_RESULT && head->type != ASSAY_REFUSED)
		return ASSAY_R_ROLE;
	reason = assay_inbound_general(session, datagram, len);
	if (reason != ASSAY_R_NONE)
		return reason;
	if (head->type == ASSAY_REFUSED) {
		c->refused = refused->answer.status;
		c->wait_ms = refused->wait_ms;
		return ASSAY_R_NONE;
	}
	c->there = true;
	c->reply.status = result->answer.status;
	c->reply.len = (uint16_t)(len - sizeof(*result));
	memcpy(c->reply.body, result + 1, c->reply.len);
	return ASSAY_R_NONE;
}

static bool call_settled(void *object)
{
	const struct calling *c = object;

	return c->there || (c->refused != ASSAY_R_NONE && !client_may_wait(c->refused));
}

static bool call_wait(void *object, uint32_t *wait_ms)
{
	const struct calling *c = object;

	*wait_ms = c->wait_ms;
	return c->refused != ASSAY_R_NONE;
}

static const struct flight_kind call_kind = {call_counter, call_feed, call_settled, call_wait,
					     call_send};

int calling_start(struct calling **out, struct assay_client *client,
		  const struct assay_question *question)
{
	static const uint8_t none[16];
	struct calling *c;

	*out = NULL;
	if (question->len > ASSAY_CALL_MAX)
		return client_fail(client, ASSAY_E_RANGE, "a question has at most %d bytes",
				   ASSAY_CALL_MAX);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return client_fail(client, ASSAY_E_NOMEM, "out of memory");
	c->client = client;
	c->len = sizeof(c->message.head) + question->len;
	c->message.head.head.head.type = ASSAY_CALL;
	c->message.head.method = question->method;
	memcpy(c->message.head.nonce, question->nonce, 16);
	if (memcmp(question->nonce, none, 16) == 0)
		random_fill(&client->flight.link.random, c->message.head.nonce, 16);
	if (question->len > 0)
		memcpy(c->message.body, question->body, question->len);
	c->request = (struct flight_request){
		.kind = &call_kind,
		.object = c,
		.deadline_ns = link_now(&client->flight.link) + client->answer_ns,
		.repeat_ns_min = REPEAT_NS_MIN,
	};
	flight_start(&client->flight, &c->request);
	*out = c;
	return 0;
}

int calling_result(struct calling *c, struct assay_reply *reply)
{
	const char *node = c->client->flight.link.peer_account;

	if (!c->request.done)
		return ASSAY_E_AGAIN;
	flight_remove(&c->client->flight, &c->request);
	if (c->there) {
		*reply = c->reply;
		return 0;
	}
	if (c->refused != ASSAY_R_NONE)
		return client_fail(c->client, ASSAY_E_REFUSED, "%s refused: %s (%s)", node,
				   assay_reason_name(c->refused), assay_reason_text(c->refused));
	return client_fail(c->client, ASSAY_E_TIMEOUT, "%s did not answer CALL in time", node);
}

void calling_end(struct calling *c)
{
	flight_remove(&c->client->flight, &c->request);
	free(c);
}

int assay_client_call(struct assay_client *client, struct assay_reply *reply,
		      const struct assay_question *question)
{
	struct calling *c;
	int error = calling_start(&c, client, question);

	if (error != 0)
		return error;
	error = flight_finish(&client->flight, &c->request);
	if (error != 0)
		client_fail_link(client, error);
	else
		error = calling_result(c, reply);
	calling_end(c);
	return error;
}
