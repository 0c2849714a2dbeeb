/* SPDX-License-Identifier: Apache-2.0 */
#include "node/statewriter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/statefile.h"
#include "node/node_db.h"

#define TEMPORARY   STATES_DIR "/tmp"
#define SLICE_BYTES (256u << 10)
#define KEEP	    2 /* sealed ones, and as many that are not */

/* A file being written from a moment of the database. */
struct job {
	sqlite3 *reader; /* holds the moment; NULL: no job */
	sqlite3_stmt *rows;
	int file;
	bool begun; /* the tick has ended the epoch */
	uint8_t root[32];
	uint64_t offset; /* behind the lines written */
	struct buf lines;
	unsigned bucket; /* of the next row */
	struct digest_stream digest;
	struct statefile_header header;
};

struct statewriter {
	struct statewriter_config config;
	struct job job;
};

void state_path(char out[STATE_PATH_ROOM], uint64_t epoch)
{
	snprintf(out, STATE_PATH_ROOM, STATES_DIR "/%020" PRIu64 ".asnp", epoch);
}

int statewriter_new(struct statewriter **out, const struct statewriter_config *config)
{
	const struct disk *d = &config->disk;
	struct statewriter *w;
	int err = d->make_dir(d->ctx, STATES_DIR);

	*out = NULL;
	if (err == 0)
		err = d->sync_dir(d->ctx, ".");
	if (err == 0)
		err = d->remove(d->ctx, TEMPORARY);
	if (err != 0 && err != ASSAY_E_NOTFOUND)
		return err;
	w = calloc(1, sizeof(*w));
	must(w != NULL);
	w->config = *config;
	w->job.file = -1;
	*out = w;
	return 0;
}

static void end_job(struct statewriter *w)
{
	const struct disk *d = &w->config.disk;
	struct job *j = &w->job;

	sqlite3_finalize(j->rows);
	if (j->reader != NULL)
		node_db_close(j->reader);
	if (j->file >= 0)
		d->close(d->ctx, j->file);
	buf_free(&j->lines);
	memset(j, 0, sizeof(*j));
	j->file = -1;
}

void statewriter_free(struct statewriter *w)
{
	if (w == NULL)
		return;
	end_job(w);
	free(w);
}

static void give_up(struct statewriter *w, const char *why, int err)
{
	log_warning(&w->config.log, "ledger", "no state file of this epoch",
		    "epoch=%" PRIu64 " why=\"%s\" error=\"%s\"", w->job.header.epoch, why,
		    assay_error_text(err));
	end_job(w);
	w->config.disk.remove(w->config.disk.ctx, TEMPORARY);
}

/* --- the moment --- */

void statewriter_edge(struct statewriter *w, struct state *state, uint64_t epoch)
{
	static const char *const sql[] = {
		"select bucket, tab, key, line from state order by bucket, tab, key"};
	struct job *j = &w->job;
	int err;

	if (j->reader != NULL)
		give_up(w, "the next epoch ends already", ASSAY_E_BUSY);
	j->header.epoch = epoch;
	j->header.seq = state_seq(state);
	state_log(state, j->header.log);
	err = node_db_reader(&j->reader, w->config.db);
	if (err == 0)
		err = node_db_exec(j->reader, "begin");
	if (err == 0)
		err = node_db_prepare(j->reader, &j->rows, sql, 1);
	/* The first row pins the moment. */
	if (err == 0 && sqlite3_step(j->rows) != SQLITE_ROW)
		err = ASSAY_E_IO;
	if (err != 0)
		give_up(w, "the database cannot be read", err);
}

void statewriter_edge_over(struct statewriter *w, struct state *state, bool ended)
{
	const struct disk *d = &w->config.disk;
	struct job *j = &w->job;
	struct epoch_root *root;
	char key[KEY_ROOM];

	if (j->reader == NULL)
		return;
	if (!ended) {
		end_job(w);
		return;
	}
	root = table_find(state_tables(state), T_ROOTS, key_epoch(key, j->header.epoch));
	must(root != NULL && hex_decode(j->root, 32, text_of(root->root)) == 0);
	d->remove(d->ctx, TEMPORARY);
	j->file = d->open(d->ctx, TEMPORARY, DISK_CREATE);
	if (j->file < 0) {
		give_up(w, "no file", j->file);
		return;
	}
	j->begun = true;
	j->offset = STATEFILE_HEADER_LEN;
	digest_stream_init(&j->digest, NULL);
}

/* --- writing --- */

/* Lines gathered go to the file. */
static int flush(struct statewriter *w)
{
	const struct disk *d = &w->config.disk;
	struct job *j = &w->job;
	int err = 0;

	if (j->lines.len > 0)
		err = d->write(d->ctx, j->file, j->lines.at, j->lines.len, j->offset);
	j->offset += j->lines.len;
	buf_clear(&j->lines);
	return err;
}

/* Buckets before `next` are complete. */
static void close_buckets(struct job *j, unsigned next)
{
	for (; j->bucket < next; j->bucket++) {
		digest_stream_end(&j->digest, j->header.buckets[j->bucket].digest);
		digest_stream_init(&j->digest, NULL);
	}
}

static void add_row(struct job *j)
{
	size_t from = j->lines.len;
	unsigned bucket = (unsigned)sqlite3_column_int(j->rows, 0);

	must(bucket < BUCKETS && bucket >= j->bucket);
	close_buckets(j, bucket);
	buf_text(&j->lines, table_name((enum table_id)sqlite3_column_int(j->rows, 1)));
	buf_char(&j->lines, ' ');
	buf_text(&j->lines, (const char *)sqlite3_column_text(j->rows, 2));
	buf_char(&j->lines, '\t');
	buf_add(&j->lines, sqlite3_column_text(j->rows, 3),
		(size_t)sqlite3_column_bytes(j->rows, 3));
	buf_char(&j->lines, '\n');
	digest_stream_add(&j->digest, j->lines.at + from, j->lines.len - from);
	j->header.buckets[bucket].len += (uint32_t)(j->lines.len - from);
}

/* The header in front, and it has to be the root that the ledger has. */
static int write_header(struct statewriter *w)
{
	const struct disk *d = &w->config.disk;
	struct job *j = &w->job;
	uint8_t root[32], *bytes = malloc(STATEFILE_HEADER_LEN);
	uint8_t(*nodes)[32] = malloc(2 * BUCKETS * sizeof(*nodes));
	int err = ASSAY_E_CORRUPT;

	must(bytes != NULL && nodes != NULL);
	close_buckets(j, BUCKETS);
	for (unsigned b = 0; b < BUCKETS; b++)
		memcpy(nodes[BUCKETS + b], j->header.buckets[b].digest, 32);
	buckets_root(j->header.state, nodes);
	statefile_root(root, &j->header);
	if (memcmp(root, j->root, sizeof(root)) == 0) {
		statefile_header_write(bytes, &j->header);
		err = d->write(d->ctx, j->file, bytes, STATEFILE_HEADER_LEN, 0);
	}
	free(nodes);
	free(bytes);
	return err;
}

static int publish(struct statewriter *w)
{
	const struct disk *d = &w->config.disk;
	struct job *j = &w->job;
	char path[STATE_PATH_ROOM];
	int err;

	must(d->sync(d->ctx, j->file) == 0); /* after a failed one nobody knows */
	state_path(path, j->header.epoch);
	err = d->rename(d->ctx, TEMPORARY, path);
	if (err == 0)
		err = d->sync_dir(d->ctx, STATES_DIR);
	return err;
}

static void finish(struct statewriter *w, struct state *state)
{
	int err = flush(w);

	if (err == 0)
		err = write_header(w);
	if (err == 0)
		err = publish(w);
	if (err != 0) {
		give_up(w,
			err == ASSAY_E_CORRUPT ? "the database does not have the ledger's root"
					       : "the file cannot be written",
			err);
		return;
	}
	log_info(&w->config.log, "ledger", "state file written", "epoch=%" PRIu64 " bytes=%" PRIu64,
		 w->job.header.epoch, w->job.offset);
	end_job(w);
	statewriter_prune(w, state);
}

bool statewriter_turn(struct statewriter *w, struct state *state)
{
	struct job *j = &w->job;
	int rc = SQLITE_ROW, err;

	if (!j->begun)
		return false;
	/* The row that stands is the next one to be written. */
	while (rc == SQLITE_ROW && j->lines.len < SLICE_BYTES) {
		add_row(j);
		rc = sqlite3_step(j->rows);
	}
	if (rc == SQLITE_ROW) {
		err = flush(w);
		if (err != 0)
			give_up(w, "the file cannot be written", err);
		return err == 0;
	}
	if (rc == SQLITE_DONE)
		finish(w, state);
	else
		give_up(w, "the database cannot be read", ASSAY_E_IO);
	return false;
}

/* --- which stay --- */

struct kept {
	struct state *state;
	uint64_t newest[2][KEEP]; /* + 1; not sealed, sealed; descending */
};

static bool is_sealed(struct state *s, uint64_t epoch)
{
	char key[KEY_ROOM];
	struct seal *seal = table_find(state_tables(s), T_SEALS, key_epoch(key, epoch));

	return seal != NULL && text_of(seal->sig)[0] != '\0';
}

static bool epoch_of(uint64_t *epoch, const char *name)
{
	char digits[21];

	if (strlen(name) != 25 || strcmp(name + 20, ".asnp") != 0)
		return false;
	memcpy(digits, name, 20);
	digits[20] = '\0';
	return u64_parse(epoch, digits) == 0;
}

static int note_newest(void *arg, const char *name)
{
	struct kept *k = arg;
	uint64_t epoch, *newest;

	if (!epoch_of(&epoch, name))
		return 0;
	newest = k->newest[is_sealed(k->state, epoch)];
	for (unsigned i = 0; i < KEEP; i++)
		if (epoch + 1 > newest[i]) {
			memmove(newest + i + 1, newest + i, (KEEP - 1 - i) * sizeof(*newest));
			newest[i] = epoch + 1;
			break;
		}
	return 0;
}

/* One that goes; names must not change while they are listed. */
struct going {
	const struct kept *kept;
	char name[32];
};

static int find_going(void *arg, const char *name)
{
	struct going *g = arg;
	uint64_t epoch;

	if (!epoch_of(&epoch, name))
		return 0;
	for (unsigned i = 0; i < KEEP; i++)
		if (epoch + 1 == g->kept->newest[0][i] || epoch + 1 == g->kept->newest[1][i])
			return 0;
	snprintf(g->name, sizeof(g->name), "%s", name);
	return 1;
}

void statewriter_prune(struct statewriter *w, struct state *state)
{
	const struct disk *d = &w->config.disk;
	struct kept kept = {.state = state};
	char path[STATE_PATH_ROOM];

	d->list(d->ctx, STATES_DIR, note_newest, &kept);
	for (;;) {
		struct going g = {&kept, ""};

		d->list(d->ctx, STATES_DIR, find_going, &g);
		if (g.name[0] == '\0')
			return;
		snprintf(path, sizeof(path), STATES_DIR "/%s", g.name);
		if (d->remove(d->ctx, path) != 0)
			return;
	}
}
