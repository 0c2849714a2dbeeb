/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket's artifacts to their holders, and their receipts. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "control/receipts.h"
#include "control/ticket_work.h"

struct pushing {
	struct ticket_work *w;
	struct assay_fleet *fleet;
	struct holder {
		struct pushing *pushing;
		struct ticket_node *node;
		unsigned number; /* of the fleet */
		uint32_t left;	 /* pushes */
		struct assay_reply reply;
	} holder[HOLDERS_MAX];
	uint64_t sent; /* octets that holders have */
};

/* One artifact on its way. */
struct parcel {
	struct holder *holder;
	uint8_t key[32];
	uint64_t size;
	int fd; /* -1: not open */
};

/* The first thing that went wrong with a holder ends all that is under way with it. */
static void give_up(struct holder *h, int error, const char *why)
{
	if (h->node->error != ASSAY_E_AGAIN)
		return;
	h->node->error = error;
	snprintf(h->node->why, sizeof(h->node->why), "%s", why);
	assay_fleet_cancel(h->pushing->fleet, h->number);
}

static int read_parcel(void *arg, uint64_t offset, void *out, size_t len)
{
	struct parcel *p = arg;
	const struct ticket_work *w = p->holder->pushing->w;
	char path[400], name[64];

	if (memcmp(p->key, w->description_key, 32) == 0) {
		memcpy(out, w->description + offset, len);
		return 0;
	}
	if (p->fd < 0) {
		base58_encode(name, sizeof(name), p->key, 32);
		snprintf(path, sizeof(path), "%s/%s", w->folder, name);
		p->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return p->fd >= 0 && pread(p->fd, out, len, (off_t)offset) == (ssize_t)len ? 0 : ASSAY_E_IO;
}

static void on_receipt(void *arg, int error, const char *why)
{
	struct holder *h = arg;
	const struct assay_reply *r = &h->reply;

	if (error != 0) {
		give_up(h, error, why);
	} else if (r->status == 0 && r->len == RECEIPT_ANSWER) {
		memcpy(h->node->digest, r->body, 32);
		memcpy(h->node->signature, r->body + 32, 64);
		h->node->error = 0;
	} else if (r->len > 12) {
		char text[120];

		snprintf(text, sizeof(text), "%.*s", r->len - 12, (const char *)r->body + 12);
		give_up(h, ASSAY_E_REFUSED, text);
	} else {
		give_up(h, ASSAY_E_REFUSED, "the node gives no receipt");
	}
}

static void ask_receipt(struct holder *h)
{
	const struct ticket_work *w = h->pushing->w;
	struct assay_question q = {.method = CALL_RECEIPT, .body = w->description_key, .len = 32};
	int error = assay_fleet_call(h->pushing->fleet, h->number, &q, &h->reply, on_receipt, h);

	if (error != 0)
		give_up(h, error, assay_error_text(error));
}

static void on_pushed(void *arg, int error, const char *why)
{
	struct parcel *p = arg;
	struct holder *h = p->holder;
	struct ticket_work *w = h->pushing->w;

	if (p->fd >= 0)
		close(p->fd);
	h->pushing->sent += p->size;
	atomic_store_explicit(&w->done, h->pushing->sent, memory_order_relaxed);
	free(p);
	if (error != 0)
		give_up(h, error, why);
	else if (--h->left == 0)
		ask_receipt(h);
}

static int push_one(struct holder *h, const uint8_t key[32], uint64_t size)
{
	struct parcel *p = calloc(1, sizeof(*p));
	struct assay_push push = {.size = size, .read = read_parcel, .arg = p};
	int error;

	if (p == NULL)
		return ASSAY_E_NOMEM;
	*p = (struct parcel){.holder = h, .size = size, .fd = -1};
	memcpy(p->key, key, 32);
	memcpy(push.key, key, 32);
	h->left++;
	error = assay_fleet_push(h->pushing->fleet, h->number, &push, on_pushed, p);
	if (error != 0)
		free(p);
	return error;
}

static int64_t artifact_size(const struct ticket_work *w, const uint8_t key[32])
{
	char path[400], name[64];
	struct stat st;

	base58_encode(name, sizeof(name), key, 32);
	snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	return stat(path, &st) == 0 ? (int64_t)st.st_size : ASSAY_E_IO;
}

/* Everything that lies on that position of the list. */
static int push_share(struct holder *h, uint32_t position)
{
	struct ticket_work *w = h->pushing->w;
	const struct ticket_deal *d = &w->deal;
	int error = push_one(h, w->description_key, w->description_len);

	for (unsigned c = 1; c <= 2 && error == 0; c++)
		for (uint64_t i = 0; i < (uint64_t)d->counts[c] * d->copies[c] && error == 0; i++) {
			uint32_t ordinal = (uint32_t)(i / d->copies[c]);
			int64_t size;

			if (i % d->holders != position)
				continue;
			size = artifact_size(w, w->keys[c][ordinal]);
			error = size > 0 ? push_one(h, w->keys[c][ordinal], (uint64_t)size)
					 : ASSAY_E_IO;
			atomic_fetch_add(&w->total, size > 0 ? (uint64_t)size : 0);
		}
	return error;
}

static int begin(struct pushing *p, uint32_t position)
{
	struct ticket_work *w = p->w;
	struct holder *h = &p->holder[w->deal.node[position]];
	struct assay_peer peer;
	int number;

	h->pushing = p;
	h->node = &w->node[w->deal.node[position]];
	peer = (struct assay_peer){.account = h->node->account, .address = h->node->address};
	memcpy(peer.session_key, h->node->session_key, 33);
	memcpy(peer.identity, h->node->identity, 32);
	h->node->error = ASSAY_E_AGAIN;
	number = assay_fleet_add(p->fleet, &peer);
	if (number < 0) {
		h->node->error = number;
		snprintf(h->node->why, sizeof(h->node->why), "%s", assay_error_text(number));
		return 0;
	}
	h->number = (unsigned)number;
	return push_share(h, position);
}

int ticket_push(struct ticket_work *w)
{
	struct pushing *p = calloc(1, sizeof(*p));
	int error;

	if (p == NULL)
		return ticket_fail(w, ASSAY_E_NOMEM, "out of memory");
	p->w = w;
	atomic_store(&w->done, 0);
	atomic_store(&w->total, 0);
	w->client.account = w->account;
	error = assay_fleet_open(&p->fleet, &w->client);
	for (uint32_t i = 0; i < w->deal.holders && error == 0; i++)
		if (w->deal.node[i] != SELF)
			error = begin(p, i);
	while (error == 0 && assay_fleet_left_all(p->fleet) > 0) {
		assay_fleet_wait(p->fleet, 100);
		if (atomic_load(&w->cancel))
			error = ASSAY_E_CLOSED;
	}
	/* What is still under way ends now, and is nobody's fault. */
	for (uint32_t i = 0; i < w->nodes; i++)
		if (w->node[i].error == ASSAY_E_AGAIN)
			w->node[i].error = ASSAY_E_CLOSED;
	assay_fleet_close(p->fleet);
	free(p);
	return error == 0 ? 0 : ticket_fail(w, error, "pushing: %s", assay_error_text(error));
}
