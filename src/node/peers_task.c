/* SPDX-License-Identifier: Apache-2.0 */
/* One challenge, read or probe: how it begins, goes on and ends. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/peers_impl.h"

void peer_task_append(struct peer_task **list, struct peer_task *t)
{
	while (*list != NULL)
		list = &(*list)->next;
	t->next = NULL;
	*list = t;
}

struct peer_task *peer_task_take(struct peer_task **list, struct peer_task *t)
{
	while (*list != t)
		list = &(*list)->next;
	*list = t->next;
	return t;
}

void peer_task_free(struct peers *p, struct peer_task *t)
{
	peer_task_stop(p, t);
	free(t->data);
	free(t);
}

void peer_task_stop(struct peers *p, struct peer_task *t)
{
	if (t->proving != NULL)
		proving_end(t->peer->client, t->proving);
	if (t->sizing != NULL)
		sizing_end(t->sizing);
	if (t->reading != NULL)
		reading_end(t->reading);
	if (t->probe >= 0)
		p->config.sockets.probe_close(p->config.sockets.ctx, t->probe);
	free(t->proving);
	t->proving = NULL;
	t->sizing = NULL;
	t->reading = NULL;
	t->probe = -1;
	t->peer = NULL;
}

void peer_task_end(struct peer_task *t, const char *why)
{
	if (t->kind == EVENT_ASKED)
		t->outcome.asked = (struct ask_result){.outcome = ASK_OURS, .why = why};
	else if (t->kind == EVENT_FETCHED)
		t->outcome.fetched.error = ASSAY_E_NOTFOUND;
	else if (t->kind == EVENT_SIZED)
		t->outcome.sized.error = ASSAY_E_NOTFOUND;
}

/* --- challenges */

/* Nothing left this machine: that is no silence of the target's. */
static bool never_sent(const struct peer_task *t)
{
	return t->peer->client->flight.link.stats.sent == t->sent_before;
}

static void judge(struct peer_task *t)
{
	struct assay_prove_result result;
	struct ask_result *out = &t->outcome.asked;

	proving_result(t->proving, &result);
	*out = (struct ask_result){.why = result.report.why};
	switch (result.report.verdict) {
	case ASSAY_PASS:
		out->outcome = ASK_PASS;
		memcpy(out->compound, result.report.compound, 32);
		break;
	case ASSAY_HASH_MISMATCH:
		out->outcome = ASK_HASH_MISMATCH;
		break;
	case ASSAY_REFUSED_VERDICT:
		out->outcome = ASK_REFUSED;
		out->refused = result.report.refused;
		out->why = assay_reason_name(result.report.refused);
		break;
	case ASSAY_INCOMPLETE:
		out->outcome = never_sent(t) ? ASK_OURS : ASK_TIMEOUT;
		out->why = result.answered > 0 ? "the answer is not complete" : "no response";
		break;
	case ASSAY_PLAIN:
	case ASSAY_INVALID_TRANSCRIPT:
		out->outcome = ASK_INVALID;
		break;
	}
}

static bool begin_ask(struct peer_task *t)
{
	struct assay_prove_request request = t->question.request;

	t->draw = (struct assay_draw){t->question.seed, t->question.seed_len, t->question.ticket};
	request.draw = &t->draw;
	t->proving = calloc(1, sizeof(*t->proving));
	must(t->proving != NULL);
	t->proving->wait_for_epoch = true;
	if (proving_start(t->peer->client, t->proving, &request) != 0) {
		free(t->proving);
		t->proving = NULL;
		peer_task_end(t, "the question is not a legal one");
		return false;
	}
	t->proving->request.deadline_ns = t->deadline_ns;
	return true;
}

static bool step_ask(struct peer_task *t)
{
	if (!t->proving->request.done)
		return true;
	judge(t);
	return false;
}

/* --- reads */

static int keep(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct peer_task *t = arg;

	must(offset + len <= t->len);
	memcpy(t->data + offset, data, len);
	return 0;
}

static void end_fetch(struct peer_task *t, int error)
{
	t->outcome.fetched.error = error;
	t->outcome.fetched.data = error == 0 ? t->data : NULL;
	t->outcome.fetched.len = error == 0 ? t->len : 0;
}

static bool begin_reading(struct peer_task *t, uint64_t size)
{
	int error = size > t->size_max ? ASSAY_E_RANGE : 0;

	t->len = size;
	if (error == 0)
		t->data = malloc(size > 0 ? size : 1);
	if (error == 0 && t->data == NULL)
		error = ASSAY_E_NOMEM;
	if (error == 0)
		error = reading_start(&t->reading, t->peer->client, t->key, size, keep, t);
	if (error != 0)
		end_fetch(t, error);
	return error == 0;
}

static bool step_fetch(struct peer_task *t)
{
	uint64_t size;
	int error;

	if (t->reading == NULL) {
		error = sizing_result(t->sizing, &size);
		if (error == ASSAY_E_AGAIN)
			return true;
		sizing_end(t->sizing);
		t->sizing = NULL;
		if (error != 0) {
			end_fetch(t, error);
			return false;
		}
		if (!begin_reading(t, size))
			return false;
	}
	error = reading_step(t->reading);
	if (error == ASSAY_E_AGAIN)
		return true;
	end_fetch(t, error);
	return false;
}

static bool step_size(struct peer_task *t)
{
	t->outcome.sized.error = sizing_result(t->sizing, &t->outcome.sized.size);
	return t->outcome.sized.error == ASSAY_E_AGAIN;
}

bool peer_task_own(struct peers *p, struct peer_task *t)
{
	const struct own_artifacts *own = &p->config.own;

	if (t->kind == EVENT_FETCHED) {
		int error = own->read != NULL
				    ? own->read(own->ctx, &t->data, &t->len, t->key, t->size_max)
				    : ASSAY_E_NOTFOUND;

		end_fetch(t, error);
	} else if (t->kind == EVENT_SIZED) {
		t->outcome.sized.error =
			own->size != NULL ? own->size(own->ctx, &t->outcome.sized.size, t->key)
					  : ASSAY_E_NOTFOUND;
	} else {
		peer_task_end(t, "nobody challenges itself");
	}
	return false;
}

/* --- probes */

bool peer_task_probe(struct peers *p, struct peer_task *t)
{
	const struct peer_sockets *s = &p->config.sockets;
	struct peer_facts facts = {""};
	struct net_addr to;

	t->outcome.probed = PORT_UNKNOWN;
	if (s->probe == NULL || t->port == 0 ||
	    !p->config.book.find(p->config.book.ctx, &facts, t->account) ||
	    !peer_address(&to, facts.address))
		return false;
	to.port = t->port;
	return s->probe(s->ctx, &t->probe, &t->outcome.probed, &to) == ASSAY_E_AGAIN;
}

static bool step_probe(struct peers *p, struct peer_task *t)
{
	const struct peer_sockets *s = &p->config.sockets;

	return s->probed(s->ctx, &t->outcome.probed, t->probe) == ASSAY_E_AGAIN;
}

/* --- all of them */

bool peer_task_begin(struct peers *p, struct peer_task *t)
{
	if (t->kind == EVENT_ASKED)
		return begin_ask(t);
	t->sizing = sizing_start(t->peer->client, t->key);
	if (t->sizing == NULL)
		peer_task_end(t, NULL);
	return t->sizing != NULL;
}

bool peer_task_step(struct peers *p, struct peer_task *t, uint64_t now)
{
	switch (t->kind) {
	case EVENT_ASKED:
		return step_ask(t);
	case EVENT_FETCHED:
		if (!step_fetch(t))
			return false;
		if (now >= t->deadline_ns)
			end_fetch(t, ASSAY_E_TIMEOUT);
		break;
	case EVENT_SIZED:
		if (!step_size(t))
			return false;
		t->outcome.sized.error = ASSAY_E_TIMEOUT;
		break;
	case EVENT_PROBED:
		if (!step_probe(p, t))
			return false;
		break;
	default:
		must(false);
	}
	return now < t->deadline_ns;
}
