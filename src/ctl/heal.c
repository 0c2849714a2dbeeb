/* SPDX-License-Identifier: Apache-2.0 */
/* Heal operations, for people. */
#include <string.h>

#include "ctl/ctl.h"

static const char *text(json_t *object, const char *member)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value != NULL ? value : "";
}

static json_int_t number(json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static const char *state_of(json_t *heal)
{
	return json_is_true(json_object_get(heal, "published")) ? "published" : text(heal, "state");
}

/* "2/3": votes for it, of those that there can be; "2-1/3" when some are against. */
static void votes_text(char *out, size_t room, json_t *heal)
{
	json_t *votes = json_object_get(heal, "votes"), *vote;
	unsigned yes = 0, no = 0;
	size_t i;

	json_array_foreach(votes, i, vote)
	{
		yes += strcmp(text(vote, "vote"), "for") == 0;
		no += strcmp(text(vote, "vote"), "against") == 0;
	}
	if (no > 0)
		snprintf(out, room, "%u-%u/%zu", yes, no, json_array_size(votes));
	else
		snprintf(out, room, "%u/%zu", yes, json_array_size(votes));
}

/* "healer: rebuilding 40%"; all parts of this node, one after the other. */
static void part_text(char *out, size_t room, json_t *heal)
{
	json_t *part;
	size_t i, n = 0;

	out[0] = '\0';
	json_array_foreach(json_object_get(heal, "part"), i, part)
	{
		json_int_t total = number(part, "total");

		n += (size_t)snprintf(out + n, room - n, "%s%s: %s", n > 0 ? "; " : "",
				      text(part, "role"), text(part, "phase"));
		if (n < room && total > 0)
			n += (size_t)snprintf(out + n, room - n, " %lld%%",
					      100 * number(part, "done") / total);
		if (n >= room)
			return;
	}
}

static void show_heals(json_t *list)
{
	struct table *t = table_new(">OP TICKET STATE HEALER VOTES >DEADLINE HERE NEXT");
	json_t *heal;
	size_t i;

	json_array_foreach(list, i, heal)
	{
		char votes[32], part[200];

		votes_text(votes, sizeof(votes), heal);
		part_text(part, sizeof(part), heal);
		table_cell(t, "%lld", number(heal, "op"));
		table_cell(t, "%s", text(heal, "ticket"));
		table_cell(t, "%s", state_of(heal));
		table_cell(t, "%s", text(heal, "healer"));
		table_cell(t, "%s", votes);
		table_cell(t, "%lld", number(heal, "deadline_epoch"));
		table_cell(t, "%s", part);
		table_cell(t, "%s", text(heal, "next"));
	}
	table_print(t);
}

static void show_part(json_t *part)
{
	json_int_t total = number(part, "total");

	printf("this node, as %s: %s", text(part, "role"), text(part, "phase"));
	if (total > 0)
		printf(", %s of %s", human_bytes((uint64_t)number(part, "done")),
		       human_bytes((uint64_t)total));
	if (text(part, "waiting_for")[0] != '\0')
		printf("; waits for %s", text(part, "waiting_for"));
	putchar('\n');
	if (number(part, "failed_attempts") > 0)
		printf("  attempts that failed: %lld, the last: %s\n",
		       number(part, "failed_attempts"), text(part, "why"));
	else if (text(part, "why")[0] != '\0')
		printf("  why: %s\n", text(part, "why"));
}

/* What other nodes said is not for the terminal to obey. */
static void put_line(const char *title, const char *said)
{
	fputs(title, stdout);
	for (; *said != '\0'; said++) {
		uint8_t c = (uint8_t)said[0], next = (uint8_t)said[1];
		bool high = c == 0xc2 && next >= 0x80 && next < 0xa0; /* U+0080 to U+009f */

		putchar(c < 0x20 || c == 0x7f || high ? '?' : c);
		said += high;
	}
	putchar('\n');
}

/* What is shown may be old, and the node does nothing about it. */
static void show_copy(json_t *told)
{
	if (strcmp(text(told, "copy"), "current") != 0)
		printf("this node does nothing now: its copy of the ledger is %s\n",
		       text(told, "copy"));
}

void show_heal(json_t *heal)
{
	json_t *item;
	size_t i;

	printf("heal operation %lld of ticket %s (%s): %s\n", number(heal, "op"),
	       text(heal, "ticket"), human_bytes((uint64_t)number(heal, "size")), state_of(heal));
	printf("healer %s, scheduled in epoch %lld, deadline epoch %lld; it is epoch %lld\n",
	       text(heal, "healer"), number(heal, "scheduled_epoch"),
	       number(heal, "deadline_epoch"), number(heal, "epoch"));
	put_line("hash of the file   ", text(heal, "data_hash"));
	put_line("hash of the result ", text(heal, "result_hash"));
	json_array_foreach(json_object_get(heal, "votes"), i, item) printf(
		"verifier %s: %s\n", text(item, "verifier"),
		strcmp(text(item, "vote"), "none") == 0 ? "no vote yet" : text(item, "vote"));
	if (text(heal, "notes")[0] != '\0')
		put_line("notes: ", text(heal, "notes"));
	if (text(heal, "next")[0] != '\0')
		printf("next: %s\n", text(heal, "next"));
	json_array_foreach(json_object_get(heal, "part"), i, item) show_part(item);
	show_copy(heal);
}

static json_t *heals_now(struct ctl *ctl, struct ctl_link *link)
{
	json_t *params = json_pack("{s:b}", "open", (int)(ctl->option[OPT_OPEN] != NULL));
	json_t *heals = ctl_call_pages(link, "heal.list", params, "heals", "op"), *now = NULL;
	json_t *ledger = heals != NULL ? ctl_call(link, "ledger.status", NULL, -1) : NULL;

	if (ledger != NULL)
		now = json_pack("{s:O,s:O}", "heals", heals, "copy",
				json_object_get(ledger, "condition"));
	json_decref(ledger);
	json_decref(heals);
	return now;
}

static void show(json_t *now, json_t *before)
{
	show_heals(json_object_get(now, "heals"));
	show_copy(now);
}

int command_heals(struct ctl *ctl, char **arguments, unsigned count)
{
	return ctl_watch(ctl, &(struct ctl_watch){heals_now, show, false});
}
