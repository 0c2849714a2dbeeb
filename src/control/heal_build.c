/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ticket's file and all its artifacts into the staging folder: enough symbols are collected,
 * and one solve gives the file and every other symbol. Layout and index files are packed again
 * meanwhile, since their one long input, the layout, is known from the start. What comes out must
 * be the ticket's, octet by octet, or nothing stays but what was claimed before.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/codec_thread.h"
#include "control/heal_building.h"
#include "control/heal_stage.h"

/* In per cent of the symbols: the first attempt, and what each further one adds. */
enum { FIRST = 20, MORE = 5 };

static uint32_t share_of(uint32_t symbols, uint32_t per_cent)
{
	uint32_t share = (uint32_t)(((uint64_t)symbols * per_cent + 99) / 100);

	return share > 0 ? share : 1;
}

static int open_in(const struct heal_task *t, const char *name, int flags)
{
	char path[400];

	stage_path(path, sizeof(path), t->root, t->order.op, name);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool is_claimed(const struct heal_task *t)
{
	return t->order.hash[0] != '\0';
}

static bool no_folder(struct heal_task *t, const char *why)
{
	heal_finish(t, HEAL_END_OURS, "%.60s/%" PRIu64 ": the staging folder cannot be made: %s%s",
		    t->root, t->order.op, why, is_claimed(t) ? "; remove it if it is damaged" : "");
	return false;
}

/*
 * What an earlier attempt has left for an op without a claim is swept at every start, so nothing
 * is built upon it. What was claimed may be the last there is of some symbols.
 */
static int begin_folder(const struct heal_task *t)
{
	int error;

	if (is_claimed(t))
		return stage_again(t->root, t->order.op);
	error = stage_remove(t->root, t->order.op, NULL, NULL);
	return error == 0 ? stage_make(t->root, t->order.op) : error;
}

static bool make_folder(struct building *b)
{
	struct heal_task *t = b->t;
	int error = begin_folder(t);

	if (error != 0)
		return no_folder(t, assay_error_text(error));
	failpoint(&t->failpoints, FAIL_HEAL_MKDIR);
	b->symbols = open_in(t, STAGE_SYMBOLS, O_RDONLY | O_DIRECTORY);
	b->ids = open_in(t, STAGE_IDS, O_RDONLY | O_DIRECTORY);
	b->file = open_in(t, STAGE_FILE, O_RDWR | O_CREAT | O_EXCL);
	if (b->symbols < 0 || b->ids < 0 || b->file < 0)
		return no_folder(t, strerror(errno));
	return true;
}

/* Whose trouble an error of collecting is: what came from others, or this node's disk and memory.
 */
static enum heal_end end_of(int error)
{
	return error == ASSAY_E_IO || error == ASSAY_E_NOSPC || error == ASSAY_E_NOMEM ||
			       error == ASSAY_E_PERM
		       ? HEAL_END_OURS
		       : HEAL_END_REMOTE;
}

static bool open_ticket(struct building *b)
{
	struct heal_task *t = b->t;
	struct collect_config config = {.client = &t->client,
					.facts = &t->facts,
					.deal = &t->deal,
					.own = t->own,
					.own_first = true,
					.p = &b->p,
					.folder = b->symbols};
	char faults[100] = "";
	int error;

	if (is_claimed(t))
		config.own = left_artifacts(b);
	error = collect_open(&b->c, &config);
	if (error != 0) {
		heal_finish(t, HEAL_END_OURS, "%s", collect_message(b->c));
		return false;
	}
	error = collect_layout(b->c);
	if (error == 0)
		return true;
	collect_faults(b->c, faults, sizeof(faults));
	heal_finish(t, end_of(error), "no layout: %s%s%s", faults,
		    faults[0] != '\0' ? "; the last one: " : "", collect_message(b->c));
	return false;
}

static void too_few(struct building *b)
{
	const struct layout *l = collect_the_layout(b->c);
	char faults[100];

	collect_faults(b->c, faults, sizeof(faults));
	heal_finish(b->t, HEAL_END_REMOTE, "%u of %u symbols collected, %u are needed%s%s",
		    collect_have(b->c), l->symbols, l->block.symbols, faults[0] != '\0' ? "; " : "",
		    faults);
}

/* With what is there. NOTFOUND: it takes more. */
static int solve(struct building *b)
{
	int error = codec_pool_hold(&b->p);

	if (error != 0)
		return error;
	error = ftruncate(b->file, 0) == 0 ? pipeline_heal(&b->p, b->symbols, b->file) : ASSAY_E_IO;
	codec_pool_release();
	return error;
}

static bool rebuild(struct building *b)
{
	const struct layout *l = collect_the_layout(b->c);
	uint32_t enough = share_of(l->symbols, FIRST);
	int error;

	/* Fewer than the source symbols cannot do. */
	while (enough < l->block.symbols)
		enough += share_of(l->symbols, MORE);
	for (;;) {
		error = collect_symbols(b->c, enough < l->symbols ? enough : l->symbols);
		if (error == ASSAY_E_NOTFOUND) {
			too_few(b);
			return false;
		}
		if (error != 0) {
			heal_finish(b->t, end_of(error), "%s", collect_message(b->c));
			return false;
		}
		/* Before the solve, which syncs all that is there at its end. */
		if (!packing_end(b))
			return false;
		error = solve(b);
		if (error == 0)
			return true;
		if (error != ASSAY_E_NOTFOUND || collect_have(b->c) < enough)
			break;
		enough = collect_have(b->c) + share_of(l->symbols, MORE);
	}
	if (error == ASSAY_E_NOTFOUND)
		too_few(b);
	else
		heal_finish(b->t, error == ASSAY_E_CORRUPT ? HEAL_END_WRONG : HEAL_END_OURS, "%s",
			    b->p.message);
	return false;
}

/* All of it is on the disk: the manifest says so. */
static bool stage(struct building *b)
{
	struct heal_task *t = b->t;
	struct manifest m = {.id_files = 2 * t->facts.max, .layout = *collect_the_layout(b->c)};
	int error = unlinkat(b->symbols, PIPELINE_LAYOUT, 0) == 0 ? 0 : ASSAY_E_IO;

	snprintf(m.ticket, sizeof(m.ticket), "%s", t->order.ticket);
	snprintf(m.hash, sizeof(m.hash), "%s", t->facts.data_hash);
	b->p.message[0] = '\0';
	if (error == 0 && !heal_stopped(t))
		error = manifest_write(&b->p, &m, t->root, t->order.op);
	else if (error == 0)
		error = ASSAY_E_CLOSED;
	if (error != 0) {
		heal_finish(t, HEAL_END_OURS, "%s",
			    b->p.message[0] != '\0' ? b->p.message : assay_error_text(error));
		return false;
	}
	snprintf(t->hash, sizeof(t->hash), "%s", m.hash);
	failpoint(&t->failpoints, FAIL_HEAL_STAGED);
	return true;
}

static void close_all(struct building *b)
{
	const int fds[] = {b->symbols, b->ids, b->file};

	for (unsigned i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	collect_close(b->c);
	buffer_free(&b->memory);
}

void heal_build_failed(const struct heal_task *t)
{
	if (is_claimed(t))
		stage_again(t->root, t->order.op);
	else
		stage_remove(t->root, t->order.op, NULL, NULL);
}

void heal_build(struct heal_task *t)
{
	struct building b = {.t = t,
			     .p = {.pool = t->pool,
				   .memory_max = HEAL_SYMBOLS_MEMORY,
				   .mode = 0600,
				   .progress = heal_progress,
				   .ctx = t},
			     .symbols = -1,
			     .ids = -1,
			     .file = -1};
	bool good;

	b.p.memory = &b.memory;
	good = make_folder(&b) && open_ticket(&b) && packing_begin(&b) && rebuild(&b) && stage(&b);

	packing_stop(&b);
	close_all(&b);
	if (good)
		heal_finish(t, HEAL_END_DONE, "%s", "");
	else
		heal_build_failed(t);
}
