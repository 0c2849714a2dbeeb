/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of node/local.h and their migration. */
#ifndef NODE_LOCAL_SCHEMA_H
#define NODE_LOCAL_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

/* 0, or a code with a sentence in why; then nothing was changed. */
int local_migrate(sqlite3 *db, char *why, size_t why_room);
/* What the database says went wrong: fills why, returns the code. */
int local_fault(sqlite3 *db, char *why, size_t why_room);

#endif
