/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file back from its ticket: a layout file from anybody who has one, then symbols, source symbols
 * first, from any holder, until there are enough. Everything is checked against its key when it
 * arrives.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/files.h"
#include "control/codec_thread.h"
#include "control/ticket_work.h"
#include "ledger/text.h"

#define SPARE	   2 /* symbols over the number of source symbols, at first */
#define LAYOUT_MAX ((size_t)64 << 20)

struct fetching {
	struct ticket_work *w;
	const struct task_pool *pool;
	struct assay_fleet *fleet;
	unsigned number[HOLDERS_MAX]; /* of the nodes in the fleet */
	bool dead[HOLDERS_MAX];	      /* a node that does not answer is not asked again */
	struct pipeline p;
	int folder;
	struct ticket ticket;
	struct ticket_index index;
	struct layout layout;
	bool have_layout;
	bool over; /* what still ends now is not wanted any more */
	/* By ordinal of the symbols. */
	uint8_t *state;	 /* enum have */
	uint8_t *copy;	 /* holders asked so far */
	uint32_t wanted; /* symbols under way */
	uint32_t have, failed;
};
enum have { HAVE_NOT, HAVE_ASKED, HAVE_IT, HAVE_NO_MORE };

struct pull {
	struct fetching *f;
	unsigned class;
	uint32_t ordinal, node;
	uint8_t *data;
	size_t len, room;
	int error;
	bool done;
};

/* The copy-th holder of an artifact. */
static uint32_t holder_of(const struct ticket_deal *d, unsigned class, uint32_t ordinal,
			  uint32_t copy)
{
	return d->node[((uint64_t)ordinal * d->copies[class] + copy) % d->holders];
}

static int sink(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct pull *p = arg;

	if (offset + len > LAYOUT_MAX)
		return ASSAY_E_RANGE;
	if (offset + len > p->room) {
		size_t room = 2 * (offset + len);
		uint8_t *more = realloc(p->data, room);

		if (more == NULL)
			return ASSAY_E_NOMEM;
		p->data = more;
		p->room = room;
	}
	memcpy(p->data + offset, data, len);
	if (offset + len > p->len)
		p->len = offset + len;
	return 0;
}

/* --- the layout --- */

static int take_layout(struct fetching *f, const uint8_t *data, size_t len)
{
	const char *why = "";
	char *text;
	size_t text_len;
	int error = ticket_layout_read(&f->layout, &why, &f->ticket, &f->index, f->w->creator_key,
				       data, len);

	if (error != 0)
		return ticket_fail(f->w, error, "layout: %s", why);
	f->have_layout = true;
	error = layout_write(&text, &text_len, &f->layout);
	if (error == 0) {
		error = coded_write(&f->p, f->folder, PIPELINE_LAYOUT, text, text_len);
		free(text);
	}
	return error;
}

static void on_layout(void *arg, int error, const char *why)
{
	struct pull *p = arg;

	p->error = error;
	p->done = true;
	if (error != 0)
		ticket_fail(p->f->w, error, "layout: %.200s", why);
	if (error == ASSAY_E_TIMEOUT)
		p->f->dead[p->node] = true;
}

static int pull_layout(struct fetching *f, const uint8_t key[32], uint32_t node)
{
	struct pull p = {.f = f, .class = 1, .node = node};
	struct assay_pull pull = {.size = ASSAY_SIZE_UNKNOWN, .sink = sink, .arg = &p};
	int error;

	memcpy(pull.key, key, 32);
	error = assay_fleet_pull(f->fleet, f->number[node], &pull, on_layout, &p);
	while (error == 0 && !p.done) {
		assay_fleet_wait(f->fleet, 100);
		if (atomic_load(&f->w->cancel))
			assay_fleet_cancel(f->fleet, f->number[node]);
	}
	if (error == 0)
		error = p.error;
	if (error == 0)
		error = take_layout(f, p.data, p.len);
	free(p.data);
	return error;
}

/* From this node's own store. */
static int own_layout(struct fetching *f, const uint8_t key[32])
{
	uint8_t *data;
	size_t len;
	int error = f->w->own(f->w->own_ctx, &data, &len, key, LAYOUT_MAX);

	if (error != 0)
		return error;
	error = take_layout(f, data, len);
	free(data);
	return error;
}

static int get_layout(struct fetching *f)
{
	struct ticket_work *w = f->w;
	int error = ASSAY_E_NOTFOUND;

	ticket_fail(w, 0, "nobody has a layout file of this ticket");
	for (uint32_t i = 0; i < w->max && !f->have_layout; i++)
		for (uint32_t c = 0; c < w->deal.copies[1] && !f->have_layout; c++) {
			uint32_t node = holder_of(&w->deal, 1, i, c);

			if (atomic_load(&w->cancel))
				return ASSAY_E_CLOSED;
			if (node == SELF)
				error = own_layout(f, f->index.layout_ids[i]);
			else if (!f->dead[node])
				error = pull_layout(f, f->index.layout_ids[i], node);
		}
	return f->have_layout ? 0 : error;
}

/* --- symbols --- */

static int keep_symbol(struct fetching *f, uint32_t ordinal, const void *data, size_t len)
{
	int error = coded_take(&(struct coded_sink){&f->p, f->folder}, ARTIFACT_SYMBOL, ordinal,
			       f->layout.ids[ordinal], data, len);

	if (error == 0) {
		f->state[ordinal] = HAVE_IT;
		f->have++;
		ticket_progress(f->w, "", (uint64_t)f->have * len,
				(uint64_t)f->layout.block.symbols * len);
	}
	return error;
}

static int want_symbol(struct fetching *f, uint32_t ordinal);

static void on_symbol(void *arg, int error, const char *why)
{
	struct pull *p = arg;
	struct fetching *f = p->f;

	f->wanted--;
	if (error == ASSAY_E_TIMEOUT)
		f->dead[p->node] = true;
	if (error == 0 && keep_symbol(f, p->ordinal, p->data, p->len) == 0)
		goto out;
	if (f->over)
		goto out;
	ticket_fail(f->w, error, "%s: %.160s", f->w->node[p->node].account, why);
	f->state[p->ordinal] = HAVE_NOT;
	/* The next holder of it, or another symbol. */
	want_symbol(f, p->ordinal);
out:
	free(p->data);
	free(p);
}

static int pull_symbol(struct fetching *f, uint32_t ordinal, uint32_t node)
{
	struct pull *p = calloc(1, sizeof(*p));
	struct assay_pull pull = {.size = layout_symbol_file(&f->layout), .sink = sink, .arg = p};
	int error;

	if (p == NULL)
		return ASSAY_E_NOMEM;
	*p = (struct pull){.f = f, .class = 2, .ordinal = ordinal, .node = node};
	memcpy(pull.key, f->layout.ids[ordinal], 32);
	error = assay_fleet_pull(f->fleet, f->number[node], &pull, on_symbol, p);
	if (error != 0) {
		free(p);
		return error;
	}
	f->state[ordinal] = HAVE_ASKED;
	f->wanted++;
	return 0;
}

static int own_symbol(struct fetching *f, uint32_t ordinal)
{
	uint8_t *data;
	size_t len;
	int error = f->w->own(f->w->own_ctx, &data, &len, f->layout.ids[ordinal],
			      layout_symbol_file(&f->layout));

	if (error != 0)
		return error;
	error = keep_symbol(f, ordinal, data, len);
	free(data);
	return error;
}

/* 0 when it is there or on its way. */
static int want_symbol(struct fetching *f, uint32_t ordinal)
{
	const struct ticket_deal *d = &f->w->deal;

	while (f->state[ordinal] == HAVE_NOT && f->copy[ordinal] < d->copies[2]) {
		uint32_t node = holder_of(d, 2, ordinal, f->copy[ordinal]++);

		if (node == SELF)
			own_symbol(f, ordinal);
		else if (!f->dead[node])
			pull_symbol(f, ordinal, node);
	}
	if (f->state[ordinal] == HAVE_NOT)
		f->state[ordinal] = HAVE_NO_MORE;
	return f->state[ordinal] == HAVE_NO_MORE ? ASSAY_E_NOTFOUND : 0;
}

/* Until so many are there, or nobody has more. */
static int get_symbols(struct fetching *f, uint32_t enough)
{
	uint32_t next = 0;

	while (f->have < enough) {
		while (next < f->layout.symbols && f->have + f->wanted < enough)
			want_symbol(f, next++);
		if (f->wanted == 0 && next == f->layout.symbols)
			break;
		assay_fleet_wait(f->fleet, 100);
		if (atomic_load(&f->w->cancel))
			return ASSAY_E_CLOSED;
	}
	return f->have >= f->layout.block.symbols ? 0 : ASSAY_E_NOTFOUND;
}

static int decode(struct fetching *f)
{
	uint32_t k = f->layout.block.symbols, enough = k;
	int error = get_symbols(f, enough);

	/* Without all source symbols a few more make a solution all but certain. */
	while (error == 0) {
		if (ftruncate(f->w->file, 0) != 0)
			return ASSAY_E_IO;
		codec_pool_hold();
		error = pipeline_decode(&f->p, f->folder, f->w->file);
		codec_pool_release();
		if (error != ASSAY_E_NOTFOUND || enough > f->have)
			return error;
		enough = f->have + SPARE;
		error = get_symbols(f, enough);
	}
	if (error == ASSAY_E_NOTFOUND)
		ticket_fail(f->w, error,
			    "%u of %u symbols could be collected, %u are needed; some holders do "
			    "not answer or have lost theirs",
			    f->have, f->layout.symbols, k);
	return error;
}

/* --- the whole --- */

static int open_ticket(struct fetching *f)
{
	struct ticket_work *w = f->w;
	int error;

	f->ticket = (struct ticket){.size = w->size,
				    .ic = w->ic,
				    .max = w->max,
				    .ratio = w->ratio,
				    .symbols = w->deal.counts[2],
				    .signatures = w->signatures};
	f->ticket.index_ids = calloc(w->max, 32);
	if (f->ticket.index_ids == NULL)
		return ASSAY_E_NOMEM;
	for (uint32_t i = 0; i < w->max; i++)
		if (base58_decode(f->ticket.index_ids[i], 32, w->index_ids[i]) != 0)
			return ASSAY_E_CORRUPT;
	if (!base64_read(f->ticket.data_hash, 32, w->data_hash, strlen(w->data_hash)))
		return ASSAY_E_CORRUPT;
	error = ticket_index_read(&f->index, &f->ticket, w->creator_key);
	return error == 0 ? 0 : ticket_fail(w, error, "the ticket's index is not the creator's");
}

static int open_fleet(struct fetching *f)
{
	struct ticket_work *w = f->w;
	int error;

	w->client.account = w->account;
	error = assay_fleet_open(&f->fleet, &w->client);
	for (uint32_t i = 0; i < w->nodes && error == 0; i++) {
		struct assay_peer peer = {.account = w->node[i].account,
					  .address = w->node[i].address};
		int number;

		memcpy(peer.session_key, w->node[i].session_key, 33);
		memcpy(peer.identity, w->node[i].identity, 32);
		number = assay_fleet_add(f->fleet, &peer);
		f->dead[i] = number < 0;
		f->number[i] = number < 0 ? 0 : (unsigned)number;
	}
	return error;
}

static int collect(struct fetching *f)
{
	int error = open_ticket(f);

	if (error == 0)
		error = open_fleet(f);
	if (error == 0)
		error = get_layout(f);
	if (error != 0)
		return error;
	f->state = calloc(f->layout.symbols, 1);
	f->copy = calloc(f->layout.symbols, 1);
	return f->state != NULL && f->copy != NULL ? decode(f) : ASSAY_E_NOMEM;
}

int ticket_fetch(struct ticket_work *w, const struct task_pool *pool)
{
	struct fetching *f = calloc(1, sizeof(*f));
	int error;

	if (f == NULL)
		return ASSAY_E_NOMEM;
	f->w = w;
	f->p = (struct pipeline){.pool = pool, .progress = ticket_progress, .ctx = w};
	if (mkdir(w->folder, 0700) != 0 ||
	    (f->folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		free(f);
		return ticket_fail(w, ASSAY_E_IO, "%s: the staging folder cannot be made",
				   w->folder);
	}
	error = collect(f);
	if (error != 0 && f->p.message[0] != '\0')
		ticket_fail(w, error, "%s", f->p.message);
	f->over = true;
	assay_fleet_close(f->fleet);
	if (f->have_layout)
		layout_free(&f->layout);
	ticket_index_free(&f->index);
	free(f->ticket.index_ids);
	free(f->state);
	free(f->copy);
	close(f->folder);
	free(f);
	return error;
}
