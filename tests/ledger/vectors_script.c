/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/vectors_script.h"

#include <string.h>

#include "base/text.h"
#include "ledger/buf.h"
#include "ledger/jcs.h"
#include "ledger/state.h"

static void add_line(void *arg, const char *text, size_t len)
{
	buf_add(arg, text, len);
}

/* The first line that differs, for the message. */
static bool same_dump(struct vector_case *c, struct state *s, const json_t *step, const char *name)
{
	const char *want = vector_text(step, name);
	struct buf dump = {0};
	size_t at = 0, line = 0;
	bool same;

	buf_add(&dump, "", 0);
	state_dump(s, add_line, &dump);
	same = strcmp(want, dump.at) == 0;
	for (; !same && want[at] == dump.at[at]; at++)
		if (want[at] == '\n')
			line = at + 1;
	if (!same)
		vector_fail(c, "%s: got %.*s want %.*s", name, (int)strcspn(dump.at + line, "\n"),
			    dump.at + line, (int)strcspn(want + line, "\n"), want + line);
	buf_free(&dump);
	return same;
}

static bool same_hash(struct vector_case *c, const json_t *step, const char *name,
		      const uint8_t hash[32])
{
	const char *want = vector_text(step, name);
	char hex[65];

	hex_encode(hex, hash, 32);
	return strcmp(want, hex) == 0 || vector_fail(c, "%s is %s, want %s", name, hex, want);
}

static bool same_number(struct vector_case *c, const json_t *step, const char *name, uint64_t got)
{
	uint64_t want = vector_u64(step, name);

	return want == got || vector_fail(c, "%s is %" PRIu64 ", want %" PRIu64, name, got, want);
}

static bool same_place(struct vector_case *c, struct state *s, const json_t *step)
{
	uint8_t log[32], hash[32], root[32];

	state_log(s, log);
	state_hash(s, hash);
	state_root(s, root);
	return same_number(c, step, "seq", state_seq(s)) &&
	       same_number(c, step, "height", state_height(s)) &&
	       same_number(c, step, "epoch", state_epoch(s)) && same_hash(c, step, "log", log) &&
	       same_hash(c, step, "state", hash) && same_hash(c, step, "root", root);
}

static bool same_result(struct vector_case *c, const json_t *told, const struct entry_result *got)
{
	static const char *const kinds[] = {"", "void", "duplicate", "verdict"};

	if (strcmp(vector_text(told, "kind"), kinds[got->kind]) != 0)
		return vector_fail(c, "%s (code %u), want %s", kinds[got->kind], got->code,
				   vector_text(told, "kind"));
	if (got->kind == ENTRY_VOID)
		return true;
	if (!same_hash(c, told, "id", got->id))
		return false;
	if (got->kind == ENTRY_DUPLICATE)
		return true;
	if (vector_u64(told, "code") != got->code ||
	    strcmp(vector_text(told, "reason"), got->reason) != 0)
		return vector_fail(c, "code %u %s, want %d %s", got->code, got->reason,
				   (int)vector_u64(told, "code"), vector_text(told, "reason"));
	return true;
}

static bool same_genesis(struct vector_case *c, struct state *s)
{
	const json_t *after = json_object_get(c->in, "after_genesis");
	struct state_origin origin;
	uint8_t told[sizeof(origin.trailer_0)] = {0}; /* without a key there is none */
	size_t len;
	const uint8_t *trailer = vector_hex(after, "trailer_0", &len);

	state_origin(s, &origin);
	memcpy(told, trailer, len < sizeof(told) ? len : sizeof(told));
	if ((len != 0 && len != sizeof(told)) || memcmp(told, origin.trailer_0, sizeof(told)) != 0)
		return vector_fail(c, "trailer 0 differs");
	return same_dump(c, s, after, "dump") && same_place(c, s, after);
}

static bool run_steps(struct vector_case *c, struct state *s)
{
	const json_t *steps = json_object_get(c->in, "steps");

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		const char *entry = vector_text(step, "entry");
		struct entry_result result;
		char why[sizeof(c->why) / 2];

		state_apply(s, &result, (const uint8_t *)entry, strlen(entry));
		if (same_result(c, json_object_get(step, "result"), &result) &&
		    same_place(c, s, step))
			continue;
		memcpy(why, c->why, sizeof(why));
		why[sizeof(why) - 1] = '\0';
		return vector_fail(c, "step %zu (%s by %s): %s", i, result.type, result.author,
				   why);
	}
	return same_dump(c, s, c->in, "final_dump");
}

bool run_script(struct vector_case *c)
{
	struct state *s = state_new(&(struct state_config){0});
	struct buf document = {0};
	char why[300];
	bool ok;

	jcs_write(&document, json_object_get(c->in, "genesis"));
	ok = (state_genesis(s, why, sizeof(why), document.at, document.len) == 0 ||
	      vector_fail(c, "genesis: %s", why)) &&
	     same_genesis(c, s) && run_steps(c, s);
	buf_free(&document);
	state_free(s);
	return ok;
}
