/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of one machine: an SQLite file that many processes append to and follow. Nothing tells
 * one process of another's commit, so followers look at `PRAGMA data_version`. No transaction stays
 * open between calls: checkpoints must not starve.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "crypto/digest.h"
#include "log/local_fs.h"
#include "log/sqlite_impl.h"

#define POLL_MS	      20
#define POLL_HURRY_MS 5
#define TRIM_STEP     1000

static enum log_result give_up(struct sqlite_engine *e, const char *what, enum log_result result)
{
	if (what != NULL)
		sqlite_trouble(e, what);
	if (!sqlite3_get_autocommit(e->db))
		sqlite_run(e, ROLLBACK, NULL);
	return result;
}

static enum log_result insert(struct sqlite_engine *e, uint64_t *seq, const uint8_t hash[32],
			      const uint8_t *entry, size_t len)
{
	sqlite3_stmt *s = e->statement[INSERT];
	int rc;

	*seq = e->head + 1;
	sqlite3_bind_int64(s, 1, (int64_t)*seq);
	sqlite3_bind_blob(s, 2, hash, 32, SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, entry, (int)len, SQLITE_STATIC);
	rc = sqlite_run(e, INSERT, NULL);
	sqlite3_clear_bindings(s);
	if (rc != SQLITE_DONE)
		return give_up(e, "cannot write", LOG_UNAVAILABLE);
	/* From here on nobody knows, until the log is read. */
	if (sqlite_run(e, COMMIT, NULL) != SQLITE_DONE)
		return give_up(e, "cannot commit", LOG_UNKNOWN);
	e->head = *seq;
	sqlite_reached(e);
	return LOG_APPENDED;
}

static enum log_result sqlite_append(void *ctx, uint64_t *seq, const uint8_t *entry, size_t len)
{
	struct sqlite_engine *e = ctx;
	uint8_t hash[32];
	int64_t found, head;
	int rc;

	if (len > LOG_ENTRY_MAX)
		return LOG_TOO_LARGE;
	if (!sqlite_file_same(e) || atomic_load(&e->stop))
		return LOG_UNAVAILABLE;
	digest_one(hash, NULL, entry, len);
	if (sqlite_run(e, BEGIN, NULL) != SQLITE_DONE)
		return give_up(e, "cannot begin", LOG_UNAVAILABLE);
	sqlite3_bind_blob(e->statement[FIND], 1, hash, sizeof(hash), SQLITE_STATIC);
	rc = sqlite_run(e, FIND, &found);
	if (rc == SQLITE_ROW) {
		*seq = (uint64_t)found;
		return give_up(e, NULL, LOG_DUPLICATE);
	}
	if (rc != SQLITE_DONE || sqlite_run(e, HEAD, &head) != SQLITE_ROW)
		return give_up(e, "cannot look up", LOG_UNAVAILABLE);
	if ((uint64_t)head < e->head)
		return give_up(e, NULL, LOG_SEQUENCE);
	e->head = (uint64_t)head;
	return insert(e, seq, hash, entry, len);
}

/* Why there is nothing at `from` though something later is there. */
static int missing(struct sqlite_engine *e, uint64_t from, uint64_t first)
{
	int64_t floor;

	if (sqlite_run(e, FLOOR, &floor) != SQLITE_ROW)
		return ASSAY_E_IO;
	return from < (uint64_t)floor ? ASSAY_E_RANGE : ASSAY_E_CORRUPT;
}

static int sqlite_read(void *ctx, uint64_t from, unsigned max, log_each each, void *arg)
{
	struct sqlite_engine *e = ctx;
	sqlite3_stmt *s;
	uint64_t first = 0;
	int n = 0, rc;

	must(from > 0 && max <= LOG_PAGE_MAX);
	if (!sqlite_file_same(e))
		return ASSAY_E_CHANGED;
	if (sqlite_run(e, VERSION, &e->version) != SQLITE_ROW) {
		sqlite_trouble(e, "cannot read");
		return ASSAY_E_IO;
	}
	s = e->statement[READ];
	sqlite3_bind_int64(s, 1, (int64_t)from);
	sqlite3_bind_int64(s, 2, max);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		first = (uint64_t)sqlite3_column_int64(s, 0);
		if (first != from + (unsigned)n)
			break;
		each(arg, first, sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1));
		n++;
	}
	sqlite3_reset(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		sqlite_trouble(e, "cannot read");
		return ASSAY_E_IO;
	}
	sqlite_reached(e);
	if (rc == SQLITE_ROW && n == 0)
		return missing(e, from, first);
	if (from + (unsigned)n > e->head + 1)
		e->head = from + (unsigned)n - 1;
	return n;
}

static int sqlite_wait(void *ctx, unsigned timeout_ms, bool hurry)
{
	struct sqlite_engine *e = ctx;
	unsigned interval = hurry ? POLL_HURRY_MS : POLL_MS;
	struct pollfd wake = {.fd = e->wake_fd, .events = POLLIN};
	uint64_t count;
	int64_t version;

	for (unsigned waited = 0; waited < timeout_ms; waited += interval) {
		if (!sqlite_file_same(e))
			return ASSAY_E_CHANGED;
		if (sqlite_run(e, VERSION, &version) != SQLITE_ROW) {
			sqlite_trouble(e, "cannot read");
			return ASSAY_E_IO;
		}
		if (version != e->version)
			break;
		if (poll(&wake, 1, (int)interval) > 0) {
			if (read(e->wake_fd, &count, sizeof(count)) < 0)
				return 0; /* somebody else's turn; there is none */
			break;
		}
	}
	return 0;
}

static int sqlite_head(void *ctx, uint64_t *floor, uint64_t *head)
{
	struct sqlite_engine *e = ctx;
	int64_t lowest, highest;

	if (!sqlite_file_same(e)) {
		sqlite_file_close(e);
		if (sqlite_file_open(e) != 0)
			return ASSAY_E_IO;
	}
	if (sqlite_run(e, FLOOR, &lowest) != SQLITE_ROW ||
	    sqlite_run(e, HEAD, &highest) != SQLITE_ROW) {
		sqlite_trouble(e, "cannot read");
		return ASSAY_E_IO;
	}
	*floor = (uint64_t)lowest;
	*head = e->head = (uint64_t)highest;
	sqlite_reached(e);
	return 0;
}

static int sqlite_trim(void *ctx, uint64_t upto)
{
	struct sqlite_engine *e = ctx;
	uint64_t floor, head;
	int err = sqlite_head(e, &floor, &head);

	if (err != 0)
		return err;
	if (upto >= head)
		upto = head > 0 ? head - 1 : 0;
	/* In steps, from below: others get their turn, and there never is a hole. */
	while (floor <= upto && !atomic_load(&e->stop)) {
		floor = floor + TRIM_STEP <= upto ? floor + TRIM_STEP : upto + 1;
		sqlite3_bind_int64(e->statement[DROP], 1, (int64_t)floor);
		if (sqlite_run(e, DROP, NULL) != SQLITE_DONE) {
			sqlite_trouble(e, "cannot trim");
			return ASSAY_E_IO;
		}
	}
	return 0;
}

static void sqlite_health(void *ctx, struct log_health *out)
{
	*out = ((struct sqlite_engine *)ctx)->health;
}

static void sqlite_wake(void *ctx, bool stop)
{
	struct sqlite_engine *e = ctx;

	if (stop)
		atomic_store(&e->stop, true);
	eventfd_write(e->wake_fd, 1);
}

static void sqlite_close_engine(void *ctx)
{
	struct sqlite_engine *e = ctx;

	sqlite_file_close(e);
	close(e->wake_fd);
	free(e);
}

static void say_why(const struct sqlite_engine *e, int err, char *why, size_t room)
{
	if (err == ASSAY_E_PERM)
		snprintf(why, room, "%s is the log of another network; give another log file",
			 e->path);
	else if (err == ASSAY_E_CORRUPT)
		snprintf(why, room, "%s is not a log; give another log file", e->path);
	else
		snprintf(why, room, "%s: %s", e->path, e->health.trouble);
}

int engine_sqlite_open(struct log_engine *out, char *why, size_t why_room, const char *path,
		       const uint8_t net[32])
{
	const char *network_fs = network_fs_of(path);
	struct sqlite_engine *e;
	int err;

	if (network_fs != NULL) {
		snprintf(why, why_room,
			 "%s lies on %s; SQLite's log must be on a local disk, or use etcd", path,
			 network_fs);
		return ASSAY_E_UNSUPPORTED;
	}
	e = calloc(1, sizeof(*e));
	must(e != NULL);
	e->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(e->wake_fd >= 0);
	snprintf(e->path, sizeof(e->path), "%s", path);
	snprintf(e->health.where, sizeof(e->health.where), "%s", path);
	memcpy(e->net, net, sizeof(e->net));
	err = sqlite_file_open(e);
	if (err != 0) {
		say_why(e, err, why, why_room);
		sqlite_close_engine(e);
		return err;
	}
	*out = (struct log_engine){sqlite_append, sqlite_read,	       sqlite_wait,
				   sqlite_head,	  sqlite_trim,	       sqlite_health,
				   sqlite_wake,	  sqlite_close_engine, e};
	return 0;
}
