/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/receipts.h"
#include "crypto/digest.h"

#define BLOCK 65536

struct delivering {
	struct delivery *d;
	struct assay_fleet *fleet;
	struct holder {
		struct delivering *delivering;
		struct delivered *out;
		unsigned number; /* of the fleet */
		bool signs;
		uint32_t left; /* pushes */
		struct assay_reply reply;
	} holder[HOLDERS_MAX];
	uint64_t sent, total;
	uint64_t stored; /* artifacts that a holder has */
};

/* One artifact on its way; of class 0 the description. */
struct parcel {
	struct holder *holder;
	unsigned class;
	uint32_t ordinal;
	uint64_t size;
	int fd; /* -1: not open */
};

/* The first thing that went wrong with a holder ends all that is under way with it. */
static void give_up(struct holder *h, int error, const char *why)
{
	if (h->out->error != ASSAY_E_AGAIN)
		return;
	h->out->error = error;
	snprintf(h->out->why, sizeof(h->out->why), "%s", why);
	assay_fleet_cancel(h->delivering->fleet, h->number);
}

bool delivery_lost(int error)
{
	return error != EMFILE && error != ENFILE && error != ENOMEM && error != EINTR;
}

/* errno says why. */
static void unreadable(struct delivery *d)
{
	if (delivery_lost(errno))
		d->lost = true;
	else
		d->ours = ASSAY_E_IO;
}

static int open_parcel(const struct parcel *p)
{
	const struct delivery *d = p->holder->delivering->d;
	char path[DELIVERY_PATH_ROOM];

	d->path(d->ctx, path, p->class, p->ordinal);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int read_parcel(void *arg, uint64_t offset, void *out, size_t len)
{
	struct parcel *p = arg;
	struct delivery *d = p->holder->delivering->d;

	if (p->class == 0) {
		memcpy(out, d->description + offset, len);
		return 0;
	}
	if (p->fd < 0)
		p->fd = open_parcel(p);
	errno = p->fd < 0 ? errno : 0;
	if (p->fd >= 0 && pread(p->fd, out, len, (off_t)offset) == (ssize_t)len)
		return 0;
	unreadable(d);
	return ASSAY_E_IO;
}

/* A holder found other bytes than the key says: whether they are those of the file. */
static void look_again(const struct parcel *p)
{
	struct delivery *d = p->holder->delivering->d;
	struct digest_stream stream;
	uint8_t block[BLOCK], digest[32];
	int fd = p->class != 0 ? open_parcel(p) : -1;
	ssize_t n;

	if (fd < 0) {
		if (p->class != 0)
			unreadable(d);
		return;
	}
	digest_stream_init(&stream, NULL);
	while ((n = read(fd, block, sizeof(block))) > 0)
		digest_stream_add(&stream, block, (size_t)n);
	digest_stream_end(&stream, digest);
	if (n < 0)
		unreadable(d);
	else if (memcmp(digest, d->keys[p->class][p->ordinal], 32) != 0)
		d->lost = true;
	close(fd);
}

/* Another node's words, for logs and JSON: nothing but ASCII is left of them. */
static void said(char *out, size_t room, const uint8_t *text, size_t len)
{
	size_t n = len < room - 1 ? len : room - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(text[i] < 0x20 || text[i] > 0x7e ? '?' : text[i]);
	out[n] = '\0';
}

static void on_receipt(void *arg, int error, const char *why)
{
	struct holder *h = arg;
	const struct assay_reply *r = &h->reply;

	if (error != 0) {
		give_up(h, error, why);
	} else if (r->status == 0 && r->len == RECEIPT_ANSWER) {
		memcpy(h->out->digest, r->body, 32);
		memcpy(h->out->signature, r->body + 32, 64);
		h->out->error = 0;
	} else if (r->len > 12) {
		char text[120];

		said(text, sizeof(text), r->body + 12, r->len - 12);
		give_up(h, ASSAY_E_REFUSED, text);
	} else {
		give_up(h, ASSAY_E_REFUSED, "the node gives no receipt");
	}
}

static void ask_receipt(struct holder *h)
{
	const struct delivery *d = h->delivering->d;
	struct assay_question q = {.method = CALL_RECEIPT, .body = d->description_key, .len = 32};
	int error = assay_fleet_call(h->delivering->fleet, h->number, &q, &h->reply, on_receipt, h);

	if (error != 0)
		give_up(h, error, assay_error_text(error));
}

static bool tell(struct delivering *all)
{
	struct delivery *d = all->d;

	return d->progress(d->ctx, all->sent, all->total, all->stored);
}

static void on_pushed(void *arg, int error, const char *why)
{
	struct parcel *p = arg;
	struct holder *h = p->holder;

	if (error == ASSAY_E_CORRUPT)
		look_again(p);
	if (p->fd >= 0)
		close(p->fd);
	h->delivering->sent += p->size;
	h->delivering->stored += error == 0 && p->class != 0;
	free(p);
	if (error != 0)
		give_up(h, error, why);
	else if (--h->left == 0 && h->signs)
		ask_receipt(h);
	else if (h->left == 0)
		h->out->error = 0;
}

static int push_one(struct holder *h, unsigned class, uint32_t ordinal, uint64_t size)
{
	struct delivering *all = h->delivering;
	struct parcel *p = calloc(1, sizeof(*p));
	struct assay_push push = {.size = size, .read = read_parcel, .arg = p};
	int error;

	if (p == NULL)
		return ASSAY_E_NOMEM;
	*p = (struct parcel){
		.holder = h, .class = class, .ordinal = ordinal, .size = size, .fd = -1};
	memcpy(push.key, class != 0 ? all->d->keys[class][ordinal] : all->d->description_key, 32);
	h->left++;
	all->total += size;
	error = assay_fleet_push(all->fleet, h->number, &push, on_pushed, p);
	if (error != 0)
		free(p);
	return error;
}

static int64_t artifact_size(struct delivery *d, unsigned class, uint32_t ordinal)
{
	char path[DELIVERY_PATH_ROOM];
	struct stat st;

	d->path(d->ctx, path, class, ordinal);
	errno = 0;
	if (stat(path, &st) == 0 && st.st_size > 0)
		return (int64_t)st.st_size;
	unreadable(d);
	return ASSAY_E_IO;
}

/* Everything that lies on that position of the list. */
static int push_share(struct holder *h, uint32_t position)
{
	struct delivery *d = h->delivering->d;
	const struct ticket_deal *deal = d->deal;
	int error = h->signs ? push_one(h, 0, 0, d->description_len) : 0;

	for (unsigned c = 1; c <= 2 && error == 0; c++)
		for (uint64_t i = 0; i < (uint64_t)deal->counts[c] * deal->copies[c] && error == 0;
		     i++) {
			uint32_t ordinal = (uint32_t)(i / deal->copies[c]);
			int64_t size;

			if (i % deal->holders != position)
				continue;
			size = artifact_size(d, c, ordinal);
			error = size > 0 ? push_one(h, c, ordinal, (uint64_t)size) : ASSAY_E_IO;
		}
	return error;
}

static int begin(struct delivering *all, uint32_t position)
{
	struct delivery *d = all->d;
	uint32_t node = d->deal->node[position];
	struct holder *h = &all->holder[node];
	struct assay_peer peer;
	int number;

	h->delivering = all;
	h->out = &d->delivered[node];
	h->signs = d->sign == NULL || d->sign[position];
	*h->out = (struct delivered){.error = ASSAY_E_AGAIN};
	deal_peer(&peer, &d->deal->other[node]);
	number = assay_fleet_add(all->fleet, &peer);
	if (number < 0) {
		h->out->error = number;
		snprintf(h->out->why, sizeof(h->out->why), "%s", assay_error_text(number));
		return 0;
	}
	h->number = (unsigned)number;
	return push_share(h, position);
}

int deliver(struct delivery *d)
{
	struct delivering *all = calloc(1, sizeof(*all));
	int error;

	if (all == NULL)
		return ASSAY_E_NOMEM;
	all->d = d;
	d->lost = false;
	d->ours = 0;
	error = assay_fleet_open(&all->fleet, d->client);
	for (uint32_t i = 0; i < d->deal->holders && error == 0; i++)
		if (d->deal->node[i] != SELF)
			error = begin(all, i);
	while (error == 0 && assay_fleet_left_all(all->fleet) > 0) {
		assay_fleet_wait(all->fleet, 100);
		if (tell(all))
			error = ASSAY_E_CLOSED;
	}
	tell(all);
	/* What is still under way ends now, and is nobody's fault. */
	for (uint32_t i = 0; i < d->deal->others; i++)
		if (d->delivered[i].error == ASSAY_E_AGAIN)
			d->delivered[i].error = ASSAY_E_CLOSED;
	assay_fleet_close(all->fleet);
	free(all);
	return error != 0 ? error : d->ours;
}
