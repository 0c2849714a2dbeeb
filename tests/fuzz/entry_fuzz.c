/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries into the state of a small network: bytes as they are, or, when they read "type author"
 * LF data, an entry of that type with that data, whose signatures all count as good. "tick" alone
 * is a member's tick. What is refused must leave the state as it was but for its verdict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/jcs.h"
#include "ledger/net.h"
#include "ledger/state_impl.h"

#define STATE_LIFE 2000 /* entries until a new network is founded */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ledger_net net;
static unsigned age;

static bool always(void *ctx, const uint8_t sig[64], const uint8_t message[32],
		   const uint8_t key[32])
{
	return true;
}

static void found_network(void)
{
	static const char params[] = "{\"rq_ids_max\":3,\"placement_width\":3}";
	const struct state_config config = {.verifier = {always, NULL}};
	char why[200];

	if (age == 0) {
		net_new(&net, &(struct net_config){.nodes = 5,
						   .members = 4,
						   .epoch_length = 2,
						   .keyed = true,
						   .params = params});
	}
	state_free(net.state);
	net.state = state_new(&config);
	must(state_genesis(net.state, why, sizeof(why), net.document.at, net.document.len) == 0);
	for (unsigned i = 0; i < net.config.members; i++)
		net.reveals_left[i] = NET_CHAIN;
	net.next_n = 0;
}

/* The entry of a type and data, without a real signature. */
static bool compose(struct buf *out, const char *text, size_t len)
{
	const char *line = memchr(text, '\n', len), *blank;
	char author[65], type[24], net_hex[65];
	enum jcs_error error;
	json_t *entry, *data;

	if (line == NULL || (blank = memchr(text, ' ', (size_t)(line - text))) == NULL ||
	    line - blank > 64 || blank - text > 23)
		return false;
	data = jcs_parse(&error, line + 1, len - (size_t)(line + 1 - text), ENTRY_MAX);
	if (data == NULL)
		return false;
	snprintf(type, sizeof(type), "%.*s", (int)(blank - text), text);
	snprintf(author, sizeof(author), "%.*s", (int)(line - blank - 1), blank + 1);
	hex_encode(net_hex, net.net, 32);
	entry = json_pack("{s{s:s#,s:O,s:I,s:I,s:s,s:s#,s:i},s:s}", "body", "author", author,
			  (int)strnlen(author, 64), "data", data, "epoch",
			  (json_int_t)state_epoch(net.state), "n", (json_int_t)net.next_n++, "net",
			  net_hex, "type", type, (int)strlen(type), "v", 1, "sig",
			  "00000000000000000000000000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000000000000");
	json_decref(data);
	if (entry == NULL) /* no UTF-8 */
		return false;
	jcs_write(out, entry);
	json_decref(entry);
	return true;
}

static size_t records(void)
{
	size_t n = 0;

	for (int table = 0; table < TABLES; table++)
		n += table_count(net.state->tables, table);
	return n;
}

static void changed_line(void *arg, enum table_id table, const char *key, const char *line,
			 size_t len)
{
	++*(size_t *)arg;
}

static void apply(const uint8_t *entry, size_t len)
{
	struct entry_result r;
	size_t before = records(), changes = 0;
	uint64_t seq = state_seq(net.state);
	bool recorded;

	tables_changes(net.state->tables, NULL, NULL);
	state_apply(net.state, &r, entry, len);
	must(state_seq(net.state) == seq + 1);
	tables_changes(net.state->tables, changed_line, &changes);
	recorded =
		r.kind == ENTRY_VERDICT && strcmp(r.type, "tick") != 0 && r.code != VERDICT_EPOCH;
	if (r.kind != ENTRY_VERDICT || r.code != 0)
		must(records() == before + recorded && changes == recorded);
}

/* Refused when entries have put other tips or members in place. */
static void tick(void)
{
	unsigned member;
	json_t *data = net_tick_data(&net, &member);

	if (net_apply(&net, net.nodes[member].account, "tick", data).code == 0)
		net.reveals_left[member]--;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf entry = {0};

	if (age % STATE_LIFE == 0)
		found_network();
	age++;
	if (size >= 4 && memcmp(data, "tick", 4) == 0 && (size == 4 || data[4] == '\n')) {
		tick();
	} else if (compose(&entry, (const char *)data, size)) {
		apply((const uint8_t *)entry.at, entry.len);
	} else {
		apply(data, size);
	}
	buf_free(&entry);
	return 0;
}
