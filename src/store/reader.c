/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cold reads: for each job the chunks and the values of its hash list, as few reads as that takes,
 * all of a group in flight together; then everything is checked up to the key.
 */
#include "store/reader.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

#define GROUP	  16 /* jobs in flight together */
#define FILES	  64
#define GAP_MAX	  96	/* bytes read for nothing rather than starting another read */
#define WHOLE_MAX 16384 /* an outboard up to that length is one read */
#define NODE_ROOM ((size_t)FETCH_HASHES_MAX * (32 + GAP_MAX))
#define SPANS_JOB (FETCH_CHUNKS_MAX + FETCH_HASHES_MAX)

/* Working space of one job of a group. */
struct slot {
	struct fetch_job *job;
	unsigned first, count;	       /* of spans */
	uint8_t *nodes;		       /* NODE_ROOM */
	uint32_t at[FETCH_HASHES_MAX]; /* where in nodes each hash of the list lies */
};

struct store_reader {
	struct store *store;
	struct io_uring *ring; /* NULL: plain reads */
	bool ring_tried;       /* made when the first file could use it */
	pthread_mutex_t lock;  /* of files: the owner closes those of what it removes */
	struct reader_files files[FILES];
	uint64_t uses;
	struct span *spans;
	unsigned span_count;
	struct slot slot[GROUP];
	uint8_t *nodes; /* of all slots */
	struct store_reader *next;
};

static void close_file(const struct disk *d, int *file)
{
	if (*file >= 0)
		d->close(d->ctx, *file);
	*file = -1;
}

static void files_drop(struct store_reader *r, struct reader_files *f)
{
	close_file(&r->store->disk, &f->bytes_file);
	close_file(&r->store->disk, &f->tree_file);
	f->serial = UINT64_MAX;
	f->used = 0;
}

int store_reader_new(struct store_reader **out, struct store *s)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	bool good = r != NULL;

	if (!good)
		return ASSAY_E_NOMEM;
	r->store = s;
	pthread_mutex_init(&r->lock, NULL);
	for (unsigned i = 0; i < FILES; i++)
		r->files[i] = (struct reader_files){UINT64_MAX, 0, -1, -1};
	r->spans = malloc((size_t)GROUP * SPANS_JOB * sizeof(*r->spans));
	good = r->spans != NULL;
	r->nodes = malloc(GROUP * NODE_ROOM); /* touched only as far as it is used */
	good = good && r->nodes != NULL;
	for (unsigned i = 0; good && i < GROUP; i++)
		r->slot[i].nodes = r->nodes + i * NODE_ROOM;
	pthread_mutex_lock(&s->readers_lock);
	r->next = s->readers;
	s->readers = r;
	pthread_mutex_unlock(&s->readers_lock);
	if (!good) {
		store_reader_free(r);
		return ASSAY_E_NOMEM;
	}
	*out = r;
	return 0;
}

void store_reader_free(struct store_reader *r)
{
	struct store_reader **at;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->store->readers_lock);
	for (at = &r->store->readers; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	pthread_mutex_unlock(&r->store->readers_lock);
	for (unsigned i = 0; i < FILES; i++)
		files_drop(r, &r->files[i]);
	free(r->nodes);
	reader_ring_free(r->ring);
	pthread_mutex_destroy(&r->lock);
	free(r->spans);
	free(r);
}

void readers_forget(struct store *s, const struct record *record)
{
	pthread_mutex_lock(&s->readers_lock);
	for (struct store_reader *r = s->readers; r != NULL; r = r->next) {
		pthread_mutex_lock(&r->lock);
		for (unsigned i = 0; i < FILES; i++)
			if (r->files[i].serial == record->serial)
				files_drop(r, &r->files[i]);
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&s->readers_lock);
}

/* The open files of a record; the least recently used make way. What opening them returned. */
static int files_of(struct store_reader *r, const struct record *record, struct reader_files **out)
{
	const struct disk *d = &r->store->disk;
	struct reader_files *f = &r->files[0];
	char path[PATH_LEN];

	for (unsigned i = 0; i < FILES && f->serial != record->serial; i++)
		if (r->files[i].serial == record->serial || r->files[i].used < f->used)
			f = &r->files[i];
	if (f->serial != record->serial)
		files_drop(r, f);
	f->serial = record->serial;
	f->used = ++r->uses;
	*out = f;
	if (f->bytes_file < 0) {
		path_bytes(path, record->artifact.key);
		f->bytes_file = d->open(d->ctx, path, DISK_READ);
	}
	if (f->bytes_file < 0)
		return f->bytes_file;
	if (f->tree_file < 0 && record->artifact.chunks > 1) {
		path_tree(path, record->artifact.key);
		f->tree_file = d->open(d->ctx, path, DISK_READ);
		if (f->tree_file < 0)
			return f->tree_file;
	}
	return 0;
}

/* Extends the job's last span when the gap is small enough; the span that holds the bytes. */
static const struct span *add_span(struct store_reader *r, const struct slot *slot,
				   const struct span *wanted, uint32_t gap)
{
	if (r->span_count > slot->first) {
		struct span *last = &r->spans[r->span_count - 1];
		uint64_t end = last->offset + last->len;

		if (last->file == wanted->file && wanted->offset - end <= gap) {
			last->len = (uint32_t)(wanted->offset + wanted->len - last->offset);
			return last;
		}
	}
	r->spans[r->span_count] = *wanted;
	return &r->spans[r->span_count++];
}

static void add_chunks(struct store_reader *r, const struct slot *slot, int file)
{
	const struct fetch_job *job = slot->job;
	const struct artifact *a = job->artifact;

	for (uint32_t i = 0; i < job->chunk_count; i++) {
		uint32_t chunk = job->chunk[i];

		must(chunk < a->chunks);
		struct span wanted = {
			.file = file,
			.len = tree_chunk_len(a->size, chunk),
			.offset = (uint64_t)chunk * TREE_CHUNK,
			.out = job->data + (size_t)i * TREE_CHUNK,
		};

		add_span(r, slot, &wanted, 0);
	}
}

/* Level by level is the order in which the values lie in the file. */
static void add_nodes(struct store_reader *r, struct slot *slot, int file)
{
	const struct fetch_job *job = slot->job;
	uint32_t chunks = job->artifact->chunks, room = 0;
	uint32_t gap = tree_outboard_len(chunks) <= WHOLE_MAX ? WHOLE_MAX : GAP_MAX;
	unsigned height = tree_height(chunks), done = 0;

	for (unsigned level = 0; level <= height && done < job->node_count; level++) {
		for (uint32_t i = 0; i < job->node_count; i++) {
			if (job->node[i].level != level)
				continue;
			struct span wanted = {
				.file = file,
				.len = 32,
				.offset = tree_offset(chunks, job->node[i]),
				.out = slot->nodes + room,
			};
			const struct span *span = add_span(r, slot, &wanted, gap);

			slot->at[i] =
				(uint32_t)(span->out - slot->nodes + wanted.offset - span->offset);
			room = slot->at[i] + 32;
			done++;
		}
	}
	must(done == job->node_count);
}

/* Plans the reads of a job; its reason when that is already clear. */
static enum assay_reason plan(struct store_reader *r, struct slot *slot)
{
	struct fetch_job *job = slot->job;
	struct record *record = (struct record *)job->artifact;
	struct reader_files *files;

	must(job->chunk_count >= 1 && job->chunk_count <= FETCH_CHUNKS_MAX);
	must(job->node_count <= FETCH_HASHES_MAX);
	slot->first = r->span_count;
	slot->count = 0;
	if (atomic_load(&record->removed))
		return ASSAY_R_ARTIFACT_UNKNOWN;
	if (atomic_load(&record->artifact.state) == ARTIFACT_ROT)
		return ASSAY_R_ARTIFACT_ROT;
	if (atomic_load(&record->outboard_missing) || files_of(r, record, &files) != 0)
		return ASSAY_R_BUSY;
	add_chunks(r, slot, files->bytes_file);
	if (job->node_count > 0)
		add_nodes(r, slot, files->tree_file);
	slot->count = r->span_count - slot->first;
	return ASSAY_R_NONE;
}

/* Neighbours go through the lanes together. */
static void chunk_values(const struct fetch_job *job)
{
	const struct artifact *a = job->artifact;

	for (uint32_t i = 0, run; i < job->chunk_count; i += run) {
		const uint8_t *data = job->data + (size_t)i * TREE_CHUNK;
		uint32_t first = job->chunk[i], len = tree_chunk_len(a->size, first);

		run = 1;
		if (len < TREE_CHUNK || a->chunks == 1) {
			tree_chunk_value(job->values + 32 * i, data, len, first, a->chunks == 1);
			continue;
		}
		while (i + run < job->chunk_count && job->chunk[i + run] == first + run &&
		       tree_chunk_len(a->size, first + run) == TREE_CHUNK)
			run++;
		tree_chunk_values(job->values + 32 * i, data, run, first);
	}
}

static bool job_verifies(const struct slot *slot)
{
	struct fetch_job *job = slot->job;
	const struct artifact *a = job->artifact;

	chunk_values(job);
	for (uint32_t i = 0; i < job->node_count; i++)
		memcpy(job->hashes + 32 * (size_t)i, slot->nodes + slot->at[i], 32);
	return tree_verify(a->key, a->chunks, job->chunk, job->chunk_count, job->values,
			   job->hashes, job->node_count);
}

/* A read that ends early is a file that was cut, and as wrong as wrong bytes. */
static enum assay_reason judge(struct store_reader *r, const struct slot *slot)
{
	struct record *record = (struct record *)slot->job->artifact;
	bool whole = true;

	for (unsigned i = slot->first; i < slot->first + slot->count; i++) {
		if (r->spans[i].got < 0)
			return ASSAY_R_BUSY;
		whole = whole && r->spans[i].got == r->spans[i].len;
	}
	if (whole && job_verifies(slot))
		return ASSAY_R_NONE;
	if (atomic_load(&record->removed))
		return ASSAY_R_ARTIFACT_UNKNOWN;
	record_rot(r->store, record, "a cold read does not match the key");
	return ASSAY_R_ARTIFACT_ROT;
}

static void try_ring(struct store_reader *r)
{
	const struct disk *d = &r->store->disk;

	if (r->ring_tried || r->span_count == 0 || d->raw_fd(d->ctx, r->spans[0].file) < 0)
		return;
	r->ring_tried = true;
	r->ring = reader_ring_new();
	if (r->ring == NULL)
		log_info(&r->store->log, "store",
			 "no io_uring here: cold artifacts are read one by one", NULL);
}

static void read_group(struct store_reader *r, struct fetch_job **jobs, unsigned n)
{
	r->span_count = 0;
	for (unsigned i = 0; i < n; i++) {
		r->slot[i].job = jobs[i];
		jobs[i]->reason = (uint16_t)plan(r, &r->slot[i]);
	}
	try_ring(r);
	reader_read(&r->store->disk, r->ring, r->spans, r->span_count);
	for (unsigned i = 0; i < n; i++)
		if (jobs[i]->reason == ASSAY_R_NONE)
			jobs[i]->reason = (uint16_t)judge(r, &r->slot[i]);
}

void store_read_cold(struct store_reader *r, struct fetch_job **jobs, unsigned n)
{
	pthread_mutex_lock(&r->lock);
	for (unsigned done = 0, count; done < n; done += count) {
		count = n - done < GROUP ? n - done : GROUP;
		read_group(r, jobs + done, count);
	}
	pthread_mutex_unlock(&r->lock);
}
