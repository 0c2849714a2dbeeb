/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine's open file. */
#ifndef LOG_SQLITE_IMPL_H
#define LOG_SQLITE_IMPL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "log/log.h"

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	VERSION,
	FIND,
	HEAD,
	FLOOR,
	INSERT,
	READ,
	DROP,
	STATEMENTS
};

struct sqlite_engine {
	sqlite3 *db; /* NULL after a failed reopening */
	sqlite3_stmt *statement[STATEMENTS];
	char path[4096];
	uint8_t net[32];
	dev_t device; /* the file that is open */
	ino_t inode;
	int64_t version; /* data_version before the last read */
	uint64_t head;	 /* highest ever seen: a log that lost entries refuses appends */
	int wake_fd;
	atomic_bool stop;
	struct log_health health;
};

/* 0; IO, CORRUPT (no log), PERM (another network's). */
int sqlite_file_open(struct sqlite_engine *e);
void sqlite_file_close(struct sqlite_engine *e);
/* The path still names the file that is open. */
bool sqlite_file_same(const struct sqlite_engine *e);
/* A step of a statement with at most one row: SQLITE_ROW with *value, SQLITE_DONE, or an error. */
int sqlite_run(struct sqlite_engine *e, enum statement which, int64_t *value);
/* For health: trouble with the library's words, or none. */
void sqlite_trouble(struct sqlite_engine *e, const char *what);
void sqlite_reached(struct sqlite_engine *e);

#endif
