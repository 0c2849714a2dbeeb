/* SPDX-License-Identifier: Apache-2.0 */
#include "node/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/heal.h"
#include "ledger/params.h"
#include "ledger/rules.h"
#include "node/node_db.h"

#define WORDS_MAX    64
#define RETRY_MS     500 /* times the number of tries */
#define TRIES_WORSE  10	 /* no longer waits than after this many */
#define REMIND_AFTER (10000 * NS_PER_MS)

enum statement { INSERT, DELETE, ALL, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[INSERT] = "insert into outbox(class, id, bytes) values (?1, ?2, ?3)",
	[DELETE] = "delete from outbox where n = ?1",
	[ALL] = "select n, class, bytes from outbox order by n",
};

struct item {
	TAILQ_ENTRY(item) next;
	int64_t n; /* its row */
	enum entry_class class;
	uint64_t cookie, epoch;
	uint64_t heal_op; /* that it claims or votes on; 0: it does neither */
	uint8_t id[32], hash[32];
	uint8_t *bytes;
	size_t len;
	bool ordered; /* it has a place in the log; applying it will tell */
	bool reminded;
	unsigned tries, races; /* lost ones in a row */
	uint64_t put_ns, retry_ns;
	struct entry_outcome outcome; /* of a gone one */
};
TAILQ_HEAD(items, item);

struct outbox {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	struct items waiting; /* in the order they were put */
	struct items gone;    /* to be told after the commit */
	size_t count;
	unsigned races_max;
	bool awaiting;		/* the feed's answer */
	struct item *in_flight; /* to which entry; NULL when it has left meanwhile */
	outbox_tell tell;
	void *tell_ctx;
	char *words[WORDS_MAX]; /* reasons that were read from records */
};

static void item_free(struct item *i)
{
	free(i->bytes);
	free(i);
}

static uint64_t heal_op_of(const struct entry *e)
{
	bool timely = strcmp(e->type, "heal_claim") == 0 || strcmp(e->type, "heal_vote") == 0;

	return timely ? data_number(e->data, "heal_op_id") : 0;
}

/* NULL when the bytes are no entry. */
static struct item *item_new(const uint8_t *bytes, size_t len)
{
	struct item *i = calloc(1, sizeof(*i));
	struct entry e;
	bool good;

	must(i != NULL);
	good = entry_parse(&e, bytes, len);
	if (good) {
		memcpy(i->id, e.id, sizeof(i->id));
		i->epoch = e.epoch;
		i->heal_op = heal_op_of(&e);
	}
	entry_free(&e);
	if (!good) {
		free(i);
		return NULL;
	}
	i->bytes = malloc(len);
	must(i->bytes != NULL);
	memcpy(i->bytes, bytes, len);
	i->len = len;
	entry_hash(i->hash, bytes, len);
	return i;
}

static int load(struct outbox *o)
{
	sqlite3_stmt *s = o->statement[ALL];
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct item *i =
			item_new(sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2));

		if (i == NULL)
			break;
		i->n = sqlite3_column_int64(s, 0);
		i->class = (enum entry_class)sqlite3_column_int(s, 1);
		i->reminded = true; /* nobody waits for it */
		TAILQ_INSERT_TAIL(&o->waiting, i, next);
		o->count++;
	}
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? 0 : rc == SQLITE_ROW ? ASSAY_E_CORRUPT : ASSAY_E_IO;
}

int outbox_open(struct outbox **out, sqlite3 *db, outbox_tell tell, void *tell_ctx)
{
	struct outbox *o = calloc(1, sizeof(*o));
	int err;

	must(o != NULL);
	o->db = db;
	o->tell = tell;
	o->tell_ctx = tell_ctx;
	o->races_max = OUTBOX_RACES;
	TAILQ_INIT(&o->waiting);
	TAILQ_INIT(&o->gone);
	err = node_db_prepare(db, o->statement, sql, STATEMENTS);
	if (err == 0)
		err = load(o);
	if (err != 0) {
		outbox_close(o);
		o = NULL;
	}
	*out = o;
	return err;
}

static void free_all(struct items *list)
{
	struct item *i;

	while ((i = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, i, next);
		item_free(i);
	}
}

void outbox_close(struct outbox *o)
{
	if (o == NULL)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(o->statement[i]);
	free_all(&o->waiting);
	free_all(&o->gone);
	for (unsigned i = 0; i < WORDS_MAX; i++)
		free(o->words[i]);
	free(o);
}

size_t outbox_count(const struct outbox *o)
{
	return o->count;
}

void outbox_races(struct outbox *o, unsigned max)
{
	o->races_max = max == 0 ? OUTBOX_RACES : max < OUTBOX_RACES_MAX ? max : OUTBOX_RACES_MAX;
}

static struct item *find(struct outbox *o, const uint8_t id[32])
{
	struct item *i;

	TAILQ_FOREACH(i, &o->waiting, next)
	if (memcmp(i->id, id, sizeof(i->id)) == 0)
		break;
	return i;
}

/* --- putting --- */

static int insert(struct outbox *o, struct item *i)
{
	sqlite3_stmt *s = o->statement[INSERT];
	int err;

	sqlite3_bind_int(s, 1, (int)i->class);
	sqlite3_bind_blob(s, 2, i->id, sizeof(i->id), SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, i->bytes, (int)i->len, SQLITE_STATIC);
	err = node_db_run(s);
	if (err == 0)
		i->n = sqlite3_last_insert_rowid(o->db);
	return err;
}

int outbox_put(struct outbox *o, uint64_t cookie, enum entry_class class, const uint8_t *bytes,
	       size_t len, struct moment now)
{
	struct item *i = item_new(bytes, len), *there;
	int err;

	if (i == NULL)
		return ASSAY_E_INVAL;
	there = find(o, i->id);
	if (there != NULL) {
		there->cookie = cookie;
		there->put_ns = now.mono_ns;
		there->reminded = false;
		item_free(i);
		return ASSAY_E_EXISTS;
	}
	i->class = class;
	i->cookie = cookie;
	i->put_ns = now.mono_ns;
	err = o->count >= (class >= ENTRY_TICKET ? OUTBOX_MAX : OUTBOX_MAX_HARD) ? ASSAY_E_FULL
										 : insert(o, i);
	if (err != 0) {
		item_free(i);
		return err;
	}
	TAILQ_INSERT_TAIL(&o->waiting, i, next);
	o->count++;
	return 0;
}

/* --- leaving --- */

/* Its row goes now, its outcome after the commit. reason is a fixed word. */
static int leave(struct outbox *o, struct item *i, enum entry_end end, unsigned code,
		 const char *reason)
{
	sqlite3_stmt *s = o->statement[DELETE];

	sqlite3_bind_int64(s, 1, i->n);
	TAILQ_REMOVE(&o->waiting, i, next);
	o->count--;
	i->outcome = (struct entry_outcome){end, code, reason};
	if (o->in_flight == i)
		o->in_flight = NULL;
	TAILQ_INSERT_TAIL(&o->gone, i, next);
	return node_db_run(s);
}

void outbox_committed(struct outbox *o)
{
	struct item *i;

	while ((i = TAILQ_FIRST(&o->gone)) != NULL) {
		TAILQ_REMOVE(&o->gone, i, next);
		o->tell(o->tell_ctx, i->cookie, i->id, &i->outcome);
		item_free(i);
	}
}

/* A reason that stays when its record goes. There are some thirty of them. */
static const char *word(struct outbox *o, const char *text)
{
	for (unsigned i = 0; i < WORDS_MAX; i++) {
		if (o->words[i] == NULL) {
			o->words[i] = strdup(text);
			must(o->words[i] != NULL);
		}
		if (strcmp(o->words[i], text) == 0)
			return o->words[i];
	}
	return "";
}

/* The verdict that stands for that message. */
static int leave_by_record(struct outbox *o, struct item *i, struct state *state)
{
	char id[65];
	struct verdict *v;

	hex_encode(id, i->id, sizeof(i->id));
	v = table_find(state_tables(state), T_VERDICTS, id);
	if (v == NULL)
		return leave(o, i, ENTRY_EXPIRED, 0, "");
	return leave(o, i, ENTRY_VERDICT_CAME, (unsigned)v->code, word(o, text_of(v->reason)));
}

int outbox_applied(struct outbox *o, struct state *state, const uint8_t *bytes, size_t len,
		   const struct entry_result *result)
{
	uint8_t hash[32];
	struct item *i;

	if (o->count == 0)
		return 0;
	if (result->kind != ENTRY_VOID) {
		i = find(o, result->id);
		if (i == NULL)
			return 0;
		if (result->kind == ENTRY_DUPLICATE)
			return leave_by_record(o, i, state);
		return leave(o, i, ENTRY_VERDICT_CAME, result->code, result->reason);
	}
	entry_hash(hash, bytes, len);
	TAILQ_FOREACH(i, &o->waiting, next)
	if (memcmp(i->hash, hash, sizeof(hash)) == 0)
		return leave(o, i, ENTRY_EXPIRED, 0, ""); /* void: never accepted */
	return 0;
}

int outbox_expire(struct outbox *o, struct state *state)
{
	uint64_t epoch = state_epoch(state);
	uint64_t keep = params_current(state_tables(state))->verdict_keep_epochs;
	struct item *i, *next;
	int err = 0;

	for (i = TAILQ_FIRST(&o->waiting); i != NULL && err == 0; i = next) {
		next = TAILQ_NEXT(i, next);
		if (i->epoch + keep <= epoch)
			err = leave(o, i, ENTRY_EXPIRED, 0, "");
	}
	return err;
}

/* --- sending --- */

/* By class, then in the order they were put. */
static struct item *choose(struct outbox *o, struct moment now)
{
	struct item *i, *best = NULL;

	TAILQ_FOREACH(i, &o->waiting, next)
	if (!i->ordered && i->retry_ns <= now.mono_ns && (best == NULL || i->class < best->class))
		best = i;
	return best;
}

static void try_again(struct item *i, struct moment now)
{
	if (i->tries < TRIES_WORSE)
		i->tries++;
	i->retry_ns = now.mono_ns + i->tries * RETRY_MS * NS_PER_MS;
}

/* Others were faster. Too often in a row, and the log is as good as out of reach. */
static void lost_race(struct outbox *o, struct item *i, struct moment now)
{
	i->races++;
	if (i->races < o->races_max) {
		i->retry_ns = now.mono_ns + i->races * RETRY_MS * NS_PER_MS;
		return;
	}
	i->races = 0;
	i->tries = TRIES_WORSE;
	i->put_ns = now.mono_ns - REMIND_AFTER; /* whoever waits hears it now */
	try_again(i, now);
}

/* Since it was put, the deadline epoch of what it is about has begun (docs/healing.md). */
static bool is_late(const struct item *i, struct state *state)
{
	const struct heal_op *op = i->heal_op != 0 ? heal_op_find(state, i->heal_op) : NULL;

	return op != NULL && op->deadline_epoch != 0 && state_epoch(state) >= op->deadline_epoch;
}

int outbox_send(struct outbox *o, struct feed *feed, struct state *state, struct moment now)
{
	struct item *i;
	int err = 0;

	must(sqlite3_get_autocommit(o->db)); /* what is sent has been written down */
	if (o->awaiting)
		return 0;
	while ((i = choose(o, now)) != NULL && is_late(i, state) && err == 0)
		err = leave(o, i, ENTRY_EXPIRED, 0, "");
	if (i == NULL || err != 0)
		return err;
	if (feed_append(feed, i->bytes, i->len) != 0) {
		try_again(i, now);
		return 0;
	}
	o->in_flight = i;
	o->awaiting = true;
	return 0;
}

int outbox_sent(struct outbox *o, const struct feed_event *event, struct state *state,
		struct moment now)
{
	struct item *i = o->in_flight;

	o->awaiting = false;
	o->in_flight = NULL;
	if (i == NULL)
		return 0;
	switch (event->result) {
	case LOG_APPENDED:
	case LOG_DUPLICATE:
		if (event->seq <= state_seq(state))
			return leave_by_record(o, i, state);
		i->ordered = true;
		return 0;
	case LOG_TOO_LARGE:
		return leave(o, i, ENTRY_EXPIRED, 0, "");
	case LOG_UNAVAILABLE:
	case LOG_UNKNOWN:
		i->races = 0;
		try_again(i, now);
		return 0;
	case LOG_SEQUENCE:
		lost_race(o, i, now);
		return 0;
	}
	return 0;
}

void outbox_remind(struct outbox *o, struct moment now)
{
	struct entry_outcome open = {.end = ENTRY_OPEN, .reason = ""};
	struct item *i;

	TAILQ_FOREACH(i, &o->waiting, next)
	if (!i->reminded && now.mono_ns - i->put_ns >= REMIND_AFTER) {
		i->reminded = true;
		o->tell(o->tell_ctx, i->cookie, i->id, &open);
	}
}

uint64_t outbox_due(const struct outbox *o, bool may_send)
{
	bool sends = may_send && !o->awaiting;
	uint64_t due = UINT64_MAX;
	const struct item *i;

	TAILQ_FOREACH(i, &o->waiting, next)
	{
		if (sends && !i->ordered && i->retry_ns < due)
			due = i->retry_ns;
		if (!i->reminded && i->put_ns + REMIND_AFTER < due)
			due = i->put_ns + REMIND_AFTER;
	}
	return due;
}
