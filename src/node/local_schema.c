/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables are looked at before they are touched: what is as it should be stays, a missing column is
 * added, and a table whose key is another one is copied into one with the present key. All of it
 * is one transaction, and every error stops the start.
 */
#include "node/local_schema.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"

struct column {
	const char *name, *rest; /* type, and default where rows may be without it */
};
struct schema {
	const char *table, *key; /* columns of the primary key */
	struct column column[9]; /* those of the key first; ends with a NULL name */
	/* Which row of those that fall on one new key is kept: columns to sort by. */
	const char *keep;
};

static const struct schema schemas[] = {
	{"storage_challenge_state",
	 "state_key",
	 {{"state_key", "text not null"},
	  {"epoch_id", "integer not null default 0"},
	  {"updated_at", "integer not null default 0"}},
	 "epoch_id desc"},
	{"storage_recheck_submissions",
	 "epoch_id,ticket_id,target_account",
	 {{"epoch_id", "integer not null default 0"},
	  {"ticket_id", "text not null default ''"},
	  {"target_account", "text not null default ''"},
	  {"challenged_transcript_hash", "text not null default ''"},
	  {"recheck_transcript_hash", "text not null default ''"},
	  {"result_class", "integer not null default 0"},
	  {"status", "text not null default 'submitted'"},
	  {"submitted_at", "integer not null default 0"}},
	 "status desc"}, /* submitted before pending before closed */
	{"recheck_attempt_failures",
	 "epoch_id,ticket_id,target_account",
	 {{"epoch_id", "integer not null default 0"},
	  {"ticket_id", "text not null default ''"},
	  {"target_account", "text not null default ''"},
	  {"attempts", "integer not null default 0"},
	  {"last_error", "text not null default ''"},
	  {"expires_at", "integer not null default 0"}},
	 "attempts desc, expires_at desc"},
	{"heal_claims_submitted",
	 "heal_op_id",
	 {{"heal_op_id", "integer not null default 0"},
	  {"ticket_id", "text not null default ''"},
	  {"manifest_hash", "text not null default ''"},
	  {"staging_dir", "text not null default ''"},
	  {"status", "text not null default 'submitted'"},
	  {"submitted_at", "integer not null default 0"}},
	 "status desc"},
	{"heal_verifications_submitted",
	 "heal_op_id,verifier_account",
	 {{"heal_op_id", "integer not null default 0"},
	  {"verifier_account", "text not null default ''"},
	  {"verified", "integer not null default 0"},
	  {"verification_hash", "text not null default ''"},
	  {"status", "text not null default 'submitted'"},
	  {"submitted_at", "integer not null default 0"}},
	 "status desc"},
};

static const char indexes[] =
	"create index if not exists recheck_submissions_by_status on "
	"storage_recheck_submissions (status);"
	"create index if not exists heal_claims_by_status on heal_claims_submitted (status);"
	"create index if not exists heal_verifications_by_status on "
	"heal_verifications_submitted (status)";

int local_fault(sqlite3 *db, char *why, size_t why_room)
{
	int code = sqlite3_errcode(db);

	snprintf(why, why_room, "the node's database: %s", sqlite3_errmsg(db));
	switch (code & 0xff) {
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return ASSAY_E_PERM;
	case SQLITE_FULL:
		return ASSAY_E_NOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ASSAY_E_CORRUPT;
	default:
		return ASSAY_E_IO;
	}
}

__attribute__((format(printf, 2, 3))) static int execute(sqlite3 *db, const char *format, ...)
{
	char sql[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* What there is of a table. */
struct found {
	bool there, column[9];
	char key[128]; /* columns of its primary key, in the key's order */
};

static int inspect(sqlite3 *db, struct found *f, const struct schema *schema)
{
	char part[4][48] = {""};
	sqlite3_stmt *s;
	int result;

	*f = (struct found){0};
	if (sqlite3_prepare_v2(db, "select name, pk from pragma_table_info(?1)", -1, &s, NULL) !=
	    SQLITE_OK)
		return SQLITE_ERROR;
	sqlite3_bind_text(s, 1, schema->table, -1, SQLITE_STATIC);
	while ((result = sqlite3_step(s)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0);
		int pk = sqlite3_column_int(s, 1);

		f->there = true;
		for (unsigned i = 0; schema->column[i].name != NULL; i++)
			f->column[i] |= strcmp(schema->column[i].name, name) == 0;
		if (pk >= 1 && pk <= 4)
			snprintf(part[pk - 1], sizeof(part[0]), "%s", name);
	}
	sqlite3_finalize(s);
	for (unsigned i = 0, at = 0; i < 4 && part[i][0] != '\0'; i++)
		at += (unsigned)snprintf(f->key + at, sizeof(f->key) - at, "%s%s", i > 0 ? "," : "",
					 part[i]);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int create(sqlite3 *db, const struct schema *schema)
{
	char columns[1024];
	unsigned at = 0;

	for (unsigned i = 0; schema->column[i].name != NULL; i++)
		at += (unsigned)snprintf(columns + at, sizeof(columns) - at, "%s %s, ",
					 schema->column[i].name, schema->column[i].rest);
	return execute(db, "create table %s (%sprimary key (%s))", schema->table, columns,
		       schema->key);
}

static int add_columns(sqlite3 *db, const struct found *f, const struct schema *schema)
{
	int result = SQLITE_OK;

	for (unsigned i = 0; result == SQLITE_OK && schema->column[i].name != NULL; i++)
		if (!f->column[i])
			result = execute(db, "alter table %s add column %s %s", schema->table,
					 schema->column[i].name, schema->column[i].rest);
	return result;
}

/* The same rows under the present key. */
static int rebuild(sqlite3 *db, const struct schema *schema)
{
	char columns[512];
	unsigned at = 0;
	int result;

	for (unsigned i = 0; schema->column[i].name != NULL; i++)
		at += (unsigned)snprintf(columns + at, sizeof(columns) - at, "%s%s",
					 i > 0 ? ", " : "", schema->column[i].name);
	result = execute(db, "alter table %s rename to old_%s", schema->table, schema->table);
	if (result == SQLITE_OK)
		result = create(db, schema);
	if (result == SQLITE_OK)
		result = execute(db,
				 "insert into %s (%s) select %s from old_%s where true order by %s "
				 "on conflict do nothing",
				 schema->table, columns, columns, schema->table, schema->keep);
	return result == SQLITE_OK ? execute(db, "drop table old_%s", schema->table) : result;
}

static int migrate_table(sqlite3 *db, const struct schema *schema)
{
	struct found f;
	int result = inspect(db, &f, schema);

	if (result != SQLITE_OK)
		return result;
	if (!f.there)
		return create(db, schema);
	result = add_columns(db, &f, schema);
	if (result == SQLITE_OK && strcmp(f.key, schema->key) != 0)
		result = rebuild(db, schema);
	return result;
}

int local_migrate(sqlite3 *db, char *why, size_t why_room)
{
	int result = execute(db, "savepoint local_tables"), error;

	for (unsigned i = 0; result == SQLITE_OK && i < sizeof(schemas) / sizeof(schemas[0]); i++)
		result = migrate_table(db, &schemas[i]);
	if (result == SQLITE_OK)
		result = execute(db, "%s", indexes);
	if (result == SQLITE_OK)
		result = execute(db, "release local_tables");
	if (result == SQLITE_OK)
		return 0;
	error = local_fault(db, why, why_room);
	execute(db, "rollback to local_tables");
	execute(db, "release local_tables");
	return error;
}
