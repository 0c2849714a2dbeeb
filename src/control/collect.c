/* SPDX-License-Identifier: Apache-2.0 */
#include "control/collect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "ledger/text.h"

#define LAYOUT_MAX ((size_t)64 << 20)

enum have { HAVE_NOT, HAVE_ASKED, HAVE_IT, HAVE_NO_MORE };
enum fault { FAULT_NONE, FAULT_SILENT, FAULT_WRONG };

struct collect {
	struct collect_config config;
	struct assay_fleet *fleet;
	unsigned number[HOLDERS_MAX];  /* of the nodes in the fleet */
	enum fault fault[HOLDERS_MAX]; /* a node with one is not asked again */
	uint32_t missing[HOLDERS_MAX]; /* symbols that it should have and has not */
	struct ticket ticket;
	struct ticket_index index;
	struct layout layout;
	bool have_layout;
	bool over; /* what still ends now is not wanted any more */
	/* By ordinal of the symbols. */
	uint8_t *state;	 /* enum have */
	uint8_t *copy;	 /* holders asked so far */
	uint32_t wanted; /* symbols under way */
	uint32_t have, next, enough;
	int error; /* of this node: nothing more can be kept */
	char message[256];
};

struct pull {
	struct collect *c;
	uint32_t ordinal, node;
	uint8_t *data;
	size_t len, room;
	int error;
	bool done;
};

__attribute__((format(printf, 3, 4))) static int fail(struct collect *c, int error,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->message, sizeof(c->message), format, args);
	va_end(args);
	return error;
}

static bool stopped(struct collect *c)
{
	struct pipeline *p = c->config.p;
	uint64_t size = c->have_layout ? layout_symbol_file(&c->layout) : 0;

	return p->progress != NULL &&
	       p->progress(p->ctx, "collecting", c->have * size, c->enough * size);
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

static void blame(struct collect *c, uint32_t node, int error)
{
	if (c->over || c->fault[node] != FAULT_NONE)
		return;
	if (error == ASSAY_E_TIMEOUT || error == ASSAY_E_CLOSED)
		c->fault[node] = FAULT_SILENT;
	else if (error == ASSAY_E_CORRUPT)
		c->fault[node] = FAULT_WRONG;
}

/* --- the layout --- */

static int take_layout(struct collect *c, const uint8_t *data, size_t len)
{
	const char *why = "";
	char *text;
	size_t text_len;
	int error = ticket_layout_read(&c->layout, &why, &c->ticket, &c->index,
				       c->config.facts->creator, data, len);

	if (error != 0)
		return fail(c, error, "layout: %s", why);
	c->have_layout = true;
	error = layout_write(&text, &text_len, &c->layout);
	if (error == 0) {
		error = coded_write(c->config.p, c->config.folder, PIPELINE_LAYOUT, text, text_len);
		free(text);
	}
	c->error = error;
	return error == 0 ? 0 : fail(c, error, "%s", c->config.p->message);
}

static void on_layout(void *arg, int error, const char *why)
{
	struct pull *p = arg;

	p->error = error;
	p->done = true;
	if (error != 0)
		fail(p->c, error, "layout: %.200s", why);
	blame(p->c, p->node, error);
}

static int pull_layout(struct collect *c, const uint8_t key[32], uint32_t node)
{
	struct pull p = {.c = c, .node = node};
	struct assay_pull pull = {.size = ASSAY_SIZE_UNKNOWN, .sink = sink, .arg = &p};
	int error;

	memcpy(pull.key, key, 32);
	error = assay_fleet_pull(c->fleet, c->number[node], &pull, on_layout, &p);
	while (error == 0 && !p.done) {
		assay_fleet_wait(c->fleet, 100);
		if (!p.done && stopped(c)) {
			c->over = true;
			assay_fleet_cancel(c->fleet, c->number[node]);
		}
	}
	if (error == 0)
		error = p.error;
	if (error == 0)
		error = take_layout(c, p.data, p.len);
	free(p.data);
	return error;
}

/* From this node's own store. */
static int own_layout(struct collect *c, const uint8_t key[32])
{
	uint8_t *data;
	size_t len;
	int error = c->config.own.read(c->config.own.ctx, &data, &len, key, LAYOUT_MAX);

	if (error != 0)
		return error;
	error = take_layout(c, data, len);
	free(data);
	return error;
}

static int any_layout(struct collect *c)
{
	const struct ticket_deal *d = c->config.deal;
	int error = ASSAY_E_NOTFOUND;

	fail(c, 0, "nobody has a layout file of this ticket");
	for (uint32_t i = 0; i < c->ticket.max && c->config.own_first; i++)
		if (own_layout(c, c->index.layout_ids[i]) == 0 || c->error != 0)
			return c->error;
	for (uint32_t i = 0; i < c->ticket.max; i++)
		for (uint32_t copy = 0; copy < d->copies[1]; copy++) {
			uint32_t node = deal_holder(d, 1, i, copy);

			if (stopped(c))
				return ASSAY_E_CLOSED;
			if (node == SELF)
				error = own_layout(c, c->index.layout_ids[i]);
			else if (c->fault[node] == FAULT_NONE)
				error = pull_layout(c, c->index.layout_ids[i], node);
			if (c->have_layout)
				return c->error;
		}
	return error;
}

int collect_layout(struct collect *c)
{
	int error = any_layout(c);

	if (error != 0)
		return error;
	c->state = calloc(c->layout.symbols, 1);
	c->copy = calloc(c->layout.symbols, 1);
	return c->state != NULL && c->copy != NULL ? 0 : fail(c, ASSAY_E_NOMEM, "out of memory");
}

/* --- symbols --- */

static void have_symbol(struct collect *c, uint32_t ordinal)
{
	c->state[ordinal] = HAVE_IT;
	c->have++;
}

static void keep_symbol(struct collect *c, uint32_t ordinal, const void *data, size_t len)
{
	int error = coded_take(&(struct coded_sink){c->config.p, c->config.folder}, ARTIFACT_SYMBOL,
			       ordinal, c->layout.ids[ordinal], data, len);

	if (error != 0) {
		c->error = fail(c, error, "%s", c->config.p->message);
		return;
	}
	have_symbol(c, ordinal);
}

static void want_symbol(struct collect *c, uint32_t ordinal);

static void on_symbol(void *arg, int error, const char *why)
{
	struct pull *p = arg;
	struct collect *c = p->c;

	c->wanted--;
	blame(c, p->node, error);
	if (error == 0) {
		keep_symbol(c, p->ordinal, p->data, p->len);
	} else if (!c->over) {
		fail(c, error, "%s: %.160s", c->config.deal->other[p->node].account, why);
		if (error == ASSAY_E_REFUSED)
			c->missing[p->node]++;
		c->state[p->ordinal] = HAVE_NOT;
		/* The next holder of it, or another symbol. */
		want_symbol(c, p->ordinal);
	}
	free(p->data);
	free(p);
}

static void pull_symbol(struct collect *c, uint32_t ordinal, uint32_t node)
{
	struct pull *p = calloc(1, sizeof(*p));
	struct assay_pull pull = {.size = layout_symbol_file(&c->layout), .sink = sink, .arg = p};

	if (p == NULL)
		return;
	*p = (struct pull){.c = c, .ordinal = ordinal, .node = node};
	memcpy(pull.key, c->layout.ids[ordinal], 32);
	if (assay_fleet_pull(c->fleet, c->number[node], &pull, on_symbol, p) != 0) {
		free(p);
		return;
	}
	c->state[ordinal] = HAVE_ASKED;
	c->wanted++;
}

/* A new file for each would be most of the time of taking them. */
static int link_symbol(struct collect *c, const uint8_t key[32])
{
	const struct own_artifacts *own = &c->config.own;
	char name[BASE58_KEY_MAX];

	base58_encode(name, sizeof(name), key, 32);
	return own->link(own->ctx, c->config.folder, name, key);
}

static void own_symbol(struct collect *c, uint32_t ordinal)
{
	const struct own_artifacts *own = &c->config.own;
	const uint8_t *key = c->layout.ids[ordinal];
	uint8_t *data;
	size_t len;
	int error = own->read(own->ctx, &data, &len, key, layout_symbol_file(&c->layout));

	if (error == ASSAY_E_EXISTS)
		have_symbol(c, ordinal);
	if (error != 0)
		return;
	if (link_symbol(c, key) == 0)
		have_symbol(c, ordinal);
	else
		keep_symbol(c, ordinal, data, len);
	free(data);
}

/* It is there or on its way afterwards, or nobody has it. */
static void want_symbol(struct collect *c, uint32_t ordinal)
{
	const struct ticket_deal *d = c->config.deal;

	while (c->state[ordinal] == HAVE_NOT && c->copy[ordinal] < d->copies[2]) {
		uint32_t node = deal_holder(d, 2, ordinal, c->copy[ordinal]++);

		if (node == SELF)
			own_symbol(c, ordinal);
		else if (c->fault[node] == FAULT_NONE)
			pull_symbol(c, ordinal, node);
	}
	if (c->state[ordinal] == HAVE_NOT)
		c->state[ordinal] = HAVE_NO_MORE;
}

/* All that is needed of what this node has, wherever the ticket places it. */
static int take_own(struct collect *c)
{
	for (uint32_t i = 0; i < c->layout.symbols && c->have < c->enough && c->error == 0; i++) {
		if (c->state[i] == HAVE_NOT)
			own_symbol(c, i);
		if (i % 64 == 0 && stopped(c))
			return ASSAY_E_CLOSED;
	}
	return c->error;
}

int collect_symbols(struct collect *c, uint32_t enough)
{
	int error = 0;

	c->enough = enough;
	if (c->config.own_first)
		error = take_own(c);
	while (error == 0 && c->have < enough) {
		while (c->next < c->layout.symbols && c->have + c->wanted < enough)
			if (c->state[c->next++] == HAVE_NOT)
				want_symbol(c, c->next - 1);
		if (c->wanted == 0 && c->next == c->layout.symbols)
			break;
		assay_fleet_wait(c->fleet, 100);
		error = stopped(c) ? ASSAY_E_CLOSED : c->error;
	}
	if (error != 0)
		return error;
	return c->have >= c->layout.block.symbols ? 0 : ASSAY_E_NOTFOUND;
}

/* --- the whole --- */

int facts_ticket(struct ticket *out, const struct ticket_facts *facts)
{
	*out = (struct ticket){.size = facts->size,
			       .ic = facts->ic,
			       .max = facts->max,
			       .ratio = facts->ratio,
			       .signatures = strdup(facts->signatures)};
	out->index_ids = calloc(out->max, 32);
	if (out->signatures == NULL || out->index_ids == NULL)
		return ASSAY_E_NOMEM;
	for (uint32_t i = 0; i < out->max; i++)
		if (base58_decode(out->index_ids[i], 32, facts->index_ids[i]) != 0)
			return ASSAY_E_CORRUPT;
	return base64_read(out->data_hash, 32, facts->data_hash, strlen(facts->data_hash))
		       ? 0
		       : ASSAY_E_CORRUPT;
}

static int open_ticket(struct collect *c)
{
	int error = facts_ticket(&c->ticket, c->config.facts);

	if (error != 0)
		return fail(c, error, "the ledger's record of the ticket cannot be read");
	c->ticket.symbols = c->config.deal->counts[2];
	error = ticket_index_read(&c->index, &c->ticket, c->config.facts->creator);
	return error == 0 ? 0 : fail(c, error, "the ticket's index is not the creator's");
}

static int open_fleet(struct collect *c)
{
	const struct ticket_deal *d = c->config.deal;
	int error = assay_fleet_open(&c->fleet, c->config.client);

	for (uint32_t i = 0; i < d->others && error == 0; i++) {
		struct assay_peer peer;
		int number;

		deal_peer(&peer, &d->other[i]);
		number = assay_fleet_add(c->fleet, &peer);
		c->number[i] = number < 0 ? 0 : (unsigned)number;
		if (number < 0)
			c->fault[i] = FAULT_SILENT;
	}
	return error == 0 ? 0 : fail(c, error, "no sessions: %s", assay_error_text(error));
}

int collect_open(struct collect **out, const struct collect_config *config)
{
	struct collect *c = calloc(1, sizeof(*c));
	int error;

	*out = c;
	if (c == NULL)
		return ASSAY_E_NOMEM;
	c->config = *config;
	error = open_ticket(c);
	return error == 0 ? open_fleet(c) : error;
}

void collect_close(struct collect *c)
{
	if (c == NULL)
		return;
	c->over = true;
	assay_fleet_close(c->fleet);
	if (c->have_layout)
		layout_free(&c->layout);
	ticket_index_free(&c->index);
	ticket_free(&c->ticket);
	free(c->state);
	free(c->copy);
	free(c);
}

const char *collect_message(const struct collect *c)
{
	return c != NULL ? c->message : "out of memory";
}

/* "; n4, n5 do not answer": appends the names of those that have it. */
static size_t say(const struct collect *c, char *out, size_t room, size_t len,
		  bool (*has)(const struct collect *c, uint32_t node), const char *what)
{
	const char *before = len > 0 ? "; " : "";
	bool any = false;

	for (uint32_t i = 0; i < c->config.deal->others; i++) {
		if (!has(c, i) || len >= room)
			continue;
		len += (size_t)snprintf(out + len, room - len, "%s%s", before,
					c->config.deal->other[i].account);
		before = ", ";
		any = true;
	}
	if (any && len < room)
		len += (size_t)snprintf(out + len, room - len, " %s", what);
	return len;
}

static bool is_silent(const struct collect *c, uint32_t node)
{
	return c->fault[node] == FAULT_SILENT;
}

static bool is_wrong(const struct collect *c, uint32_t node)
{
	return c->fault[node] == FAULT_WRONG;
}

static bool has_lost(const struct collect *c, uint32_t node)
{
	return c->fault[node] == FAULT_NONE && c->missing[node] > 0;
}

void collect_faults(const struct collect *c, char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	len = say(c, out, room, len, is_silent, "do not answer");
	len = say(c, out, room, len, is_wrong, "sent wrong bytes");
	say(c, out, room, len, has_lost, "lack or refuse symbols");
}

uint32_t collect_have(const struct collect *c)
{
	return c->have;
}

const struct ticket *collect_ticket(const struct collect *c)
{
	return &c->ticket;
}

const struct ticket_index *collect_index(const struct collect *c)
{
	return &c->index;
}

const struct layout *collect_the_layout(const struct collect *c)
{
	return &c->layout;
}
