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
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/codec_thread.h"
#include "control/collect.h"
#include "control/heal_stage.h"
#include "control/heal_work.h"
#include "crypto/digest.h"

/* In per cent of the symbols: the first attempt, and what each further one adds. */
enum { FIRST = 20, MORE = 5 };
/* Octets of symbols to be made, taken before their turn has come (docs/healing.md). */
#define EARLY_MAX ((size_t)64 << 20)

struct building {
	struct heal_task *t;
	struct pipeline p;
	struct collect *c;
	int symbols, ids, file; /* folders, reconstructed.bin */
	struct buffer memory;	/* of the symbols being made */
	/* Layout and index files are made, and memory is taken, by a thread of their own. */
	struct {
		pthread_t thread;
		bool runs;
		_Atomic bool over; /* they are not wanted any more */
		struct pipeline p;
		int error;
	} packing;
};

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

/* Where the key's file is staged; true: it is a layout file. */
static bool path_left(char out[DELIVERY_PATH_ROOM], const struct building *b, const uint8_t key[32])
{
	const struct ticket_index *index = collect_index(b->c);

	for (uint32_t i = 0; i < b->t->facts.max; i++)
		if (memcmp(index->layout_ids[i], key, 32) == 0) {
			heal_path(b->t, out, 1, i);
			return true;
		}
	stage_symbol_path(out, DELIVERY_PATH_ROOM, b->t->root, b->t->order.op, key);
	return false;
}

/* A file that was staged before, if it is still what its key says. */
static bool take_left(uint8_t **data, size_t *len, const char *path, const uint8_t key[32],
		      size_t len_max)
{
	uint8_t digest[32];

	*data = (uint8_t *)stage_read(len, path, len_max);
	if (*data == NULL)
		return false;
	digest_one(digest, NULL, *data, *len);
	if (memcmp(digest, key, 32) == 0)
		return true;
	free(*data);
	return false;
}

/* What was claimed: from its folder, else from the store. */
static int take_own(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max)
{
	const struct building *b = ctx;
	char path[DELIVERY_PATH_ROOM];
	bool is_layout = path_left(path, b, key);

	if (!take_left(data, len, path, key, size_max))
		return b->t->own.read(b->t->own.ctx, data, len, key, size_max);
	if (is_layout)
		return 0;
	/* A symbol stays the file that it is, which a crash does not touch. */
	free(*data);
	return ASSAY_E_EXISTS;
}

static int link_own(void *ctx, int folder, const char *name, const uint8_t key[32])
{
	const struct own_artifacts *own = &((const struct building *)ctx)->t->own;

	return own->link(own->ctx, folder, name, key);
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
		config.own = (struct own_artifacts){.read = take_own, .link = link_own, .ctx = b};
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

static int take_id_file(void *ctx, enum artifact_class class, uint32_t ordinal,
			const uint8_t id[32], const void *data, size_t len)
{
	struct building *b = ctx;
	char name[32];

	if (heal_stopped(b->t) || atomic_load(&b->packing.over))
		return ASSAY_E_CLOSED;
	snprintf(name, sizeof(name), "idfile_%05u.bin", ordinal);
	return coded_write(&b->packing.p, b->ids, name, data, len);
}

static void *pack(void *arg)
{
	struct building *b = arg;
	const struct layout *l = collect_the_layout(b->c);
	struct artifact_sink sink = {take_id_file, b};

	/* Of a small file, where it would take as long as the rest; should there be none, the
	 * solve says so. */
	if (l->symbols * (size_t)layout_symbol_file(l) <= EARLY_MAX)
		(void)pipeline_reserve(&b->p, l);
	b->packing.error = ticket_remake(collect_ticket(b->c), collect_index(b->c),
					 b->t->facts.creator, l, &sink);
	return NULL;
}

static bool begin_packing(struct building *b)
{
	b->packing.p.mode = 0600;
	b->packing.runs = pthread_create(&b->packing.thread, NULL, pack, b) == 0;
	if (!b->packing.runs)
		heal_finish(b->t, HEAL_END_OURS, "no thread for the layout files");
	return b->packing.runs;
}

static void join_packing(struct building *b)
{
	if (b->packing.runs)
		pthread_join(b->packing.thread, NULL);
	b->packing.runs = false;
}

/* Their ids are those of the ticket and of its signed index. */
static bool end_packing(struct building *b)
{
	int error;

	join_packing(b);
	error = b->packing.error;
	if (error == ASSAY_E_CORRUPT || error == ASSAY_E_CRYPTO)
		heal_finish(b->t, HEAL_END_WRONG,
			    "the rebuilt layout and index files are not the ticket's");
	else if (error != 0)
		heal_finish(b->t, HEAL_END_OURS, "layout and index files: %s",
			    b->packing.p.message[0] != '\0' ? b->packing.p.message
							    : assay_error_text(error));
	return error == 0;
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
		if (!end_packing(b))
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
	good = make_folder(&b) && open_ticket(&b) && begin_packing(&b) && rebuild(&b) && stage(&b);

	atomic_store(&b.packing.over, true);
	join_packing(&b);
	close_all(&b);
	if (good)
		heal_finish(t, HEAL_END_DONE, "%s", "");
	else
		heal_build_failed(t);
}
