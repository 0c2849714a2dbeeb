/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is staged, brought to the ticket's other holders. The keys come from the ledger and from
 * files that fit it; the manifest only says that everything is there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "assay/status.h"
#include "control/collect.h"
#include "control/heal_stage.h"
#include "control/heal_work.h"

#define PAUSE_STEP_NS 100000000

struct reading {
	struct heal_task *t;
	struct ticket ticket;
	struct ticket_index index;
	struct layout layout;
};

static bool lost(struct heal_task *t, const char *why)
{
	heal_finish(t, HEAL_END_LOST, "%s", why);
	return false;
}

static bool read_manifest(struct heal_task *t, struct manifest *m)
{
	const char *why;
	int error = manifest_read(m, &why, t->root, t->order.op);

	if (error == ASSAY_E_NOTFOUND)
		return lost(t, why);
	if (error != 0)
		heal_finish(t, HEAL_END_OURS, "the manifest cannot be read: %s",
			    assay_error_text(error));
	return error == 0;
}

void heal_look(struct heal_task *t)
{
	struct manifest m;

	if (!read_manifest(t, &m))
		return;
	snprintf(t->hash, sizeof(t->hash), "%s", m.hash);
	manifest_free(&m);
	heal_finish(t, HEAL_END_DONE, "%s", "");
}

static bool manifest_fits(struct heal_task *t)
{
	struct manifest m;
	bool fits;

	if (!read_manifest(t, &m))
		return false;
	fits = strcmp(m.ticket, t->order.ticket) == 0 && strcmp(m.hash, t->order.hash) == 0 &&
	       m.id_files == 2 * t->facts.max;
	manifest_free(&m);
	return fits || lost(t, "what is staged is of another ticket or file");
}

/* The layout out of a staged layout file, which the creator's signed index vouches for. */
static bool read_layout(struct reading *r)
{
	struct heal_task *t = r->t;
	char path[DELIVERY_PATH_ROOM];
	const char *why = "a staged layout file is missing";
	char *data;
	size_t len;
	int error = ASSAY_E_NOTFOUND;

	if (facts_ticket(&r->ticket, &t->facts) != 0) {
		heal_finish(t, HEAL_END_OURS, "the ledger's record of the ticket cannot be read");
		return false;
	}
	r->ticket.symbols = t->deal.counts[2];
	if (ticket_index_read(&r->index, &r->ticket, t->facts.creator) != 0) {
		heal_finish(t, HEAL_END_OURS, "the ticket's index is not the creator's");
		return false;
	}
	heal_path(t, path, 1, 0);
	errno = 0;
	data = stage_read(&len, path, LAYOUT_TEXT_MAX);
	if (data == NULL && !delivery_lost(errno))
		error = ASSAY_E_NOMEM;
	if (data != NULL)
		error = ticket_layout_read(&r->layout, &why, &r->ticket, &r->index,
					   t->facts.creator, (const uint8_t *)data, len);
	free(data);
	if (error == ASSAY_E_NOMEM)
		heal_finish(t, HEAL_END_OURS, "a staged layout file cannot be read now");
	else if (error != 0)
		lost(t, why);
	return error == 0;
}

static bool keep_keys(struct reading *r)
{
	struct heal_task *t = r->t;
	uint32_t max = r->ticket.max, symbols = r->layout.symbols;

	for (unsigned c = 1; c <= 2; c++)
		free(t->keys[c]);
	t->keys[1] = malloc(2 * (size_t)max * 32);
	t->keys[2] = malloc((size_t)symbols * 32);
	if (t->keys[1] == NULL || t->keys[2] == NULL || t->deal.counts[1] != 2 * max ||
	    t->deal.counts[2] != symbols) {
		heal_finish(t, HEAL_END_OURS, "no memory, or the record's counts are wrong");
		return false;
	}
	memcpy(t->keys[1], r->index.layout_ids, (size_t)max * 32);
	memcpy(t->keys[1] + max, r->ticket.index_ids, (size_t)max * 32);
	memcpy(t->keys[2], r->layout.ids, (size_t)symbols * 32);
	return true;
}

/* Every file is there and has its length; what is in it is checked when it is needed. */
static bool files_there(struct reading *r)
{
	struct heal_task *t = r->t;
	off_t symbol = (off_t)layout_symbol_file(&r->layout);

	for (unsigned c = 1; c <= 2; c++)
		for (uint32_t i = 0; i < t->deal.counts[c]; i++) {
			char path[DELIVERY_PATH_ROOM];
			struct stat st;

			heal_path(t, path, c, i);
			if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
			    (c == 2 && st.st_size != symbol))
				return lost(t, c == 2 ? "a staged symbol file is missing or cut"
						      : "a staged layout or index file is missing");
			if (i % 1024 == 0 && heal_stopped(t)) {
				heal_finish(t, HEAL_END_LATE,
					    "the deadline came while looking at "
					    "what is staged");
				return false;
			}
		}
	return true;
}

void heal_read(struct heal_task *t)
{
	struct reading r = {.t = t};

	if (manifest_fits(t) && read_layout(&r) && keep_keys(&r) && files_there(&r))
		heal_finish(t, HEAL_END_DONE, "%s", "");
	layout_free(&r.layout);
	ticket_index_free(&r.index);
	ticket_free(&r.ticket);
}

/* --- to the holders --- */

static bool progress(void *ctx, uint64_t done, uint64_t total, uint64_t stored)
{
	struct heal_task *t = ctx;

	if (stored > 0)
		heal_stored_one(t);
	return heal_progress(t, "", done, total);
}

/* Before it is tried again. */
static void pause_before(struct heal_task *t)
{
	const struct timespec step = {0, PAUSE_STEP_NS};
	uint64_t until = clock_mono(&t->clock) + t->pause_ns;

	while (t->pause_ns > 0 && clock_mono(&t->clock) < until && !heal_stopped(t))
		nanosleep(&step, NULL);
}

void heal_push(struct heal_task *t)
{
	struct delivery d = {
		.client = &t->client,
		.deal = &t->deal,
		.keys = {NULL, (const uint8_t(*)[32])t->keys[1], (const uint8_t(*)[32])t->keys[2]},
		.path = heal_path,
		.progress = progress,
		.ctx = t,
		.sign = t->sign,
		.description = t->description,
		.description_len = t->description_len,
		.delivered = t->delivered,
	};
	int error;

	memcpy(d.description_key, t->description_key, 32);
	pause_before(t);
	error = deliver(&d);
	if (d.lost)
		heal_finish(t, HEAL_END_LOST, "a staged file is missing or damaged");
	else if (error != 0)
		heal_finish(t, HEAL_END_OURS, "pushing: %s", assay_error_text(error));
	else
		heal_finish(t, HEAL_END_DONE, "%s", "");
}
