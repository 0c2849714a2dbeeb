/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own database, node.db: its copy of the ledger, its outbox, and what its parts remember
 * (node/local.h). One file, one process, synced at every commit.
 */
#ifndef NODE_NODE_DB_H
#define NODE_NODE_DB_H

#include <sqlite3.h>
#include <stddef.h>

/* 0; UNSUPPORTED (network file system, newer version), CORRUPT, IO; why in words. */
int node_db_open(sqlite3 **out, char *why, size_t why_room, const char *path);
void node_db_close(sqlite3 *db);
/* Another handle that only reads, for as long as a moment of the database is to be kept. */
int node_db_reader(sqlite3 **out, sqlite3 *db);

/* Prepares n statements; 0 or CORRUPT. */
int node_db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *const *sql, size_t n);
/* Runs a statement that gives no row, and makes it ready again: 0, NOSPC or IO. */
int node_db_run(sqlite3_stmt *s);
/* "begin immediate", "commit", "rollback": 0, NOSPC or IO. */
int node_db_exec(sqlite3 *db, const char *sql);

#endif
