/* SPDX-License-Identifier: Apache-2.0 */
/* Heal operations, for people. */
#include <string.h>
#include <unistd.h>

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

void show_heals(json_t *list)
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
	printf("hash of the file   %s\nhash of the result %s\n", text(heal, "data_hash"),
	       text(heal, "result_hash"));
	json_array_foreach(json_object_get(heal, "votes"), i, item) printf(
		"verifier %s: %s\n", text(item, "verifier"),
		strcmp(text(item, "vote"), "none") == 0 ? "no vote yet" : text(item, "vote"));
	if (text(heal, "notes")[0] != '\0')
		printf("notes: %s\n", text(heal, "notes"));
	if (text(heal, "next")[0] != '\0')
		printf("next: %s\n", text(heal, "next"));
	json_array_foreach(json_object_get(heal, "part"), i, item) show_part(item);
}

static json_t *list(struct ctl *ctl, struct ctl_link *link)
{
	json_t *params = json_pack("{s:b}", "open", (int)(ctl->option[OPT_OPEN] != NULL));

	return ctl_call_pages(link, "heal.list", params, "heals", "op");
}

static void show(struct ctl *ctl, json_t *heals, bool again)
{
	if (ctl->json) {
		json_dumpf(heals, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	if (again && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	show_heals(heals);
}

int command_heals(struct ctl *ctl, char **arguments, unsigned count)
{
	struct ctl_link link;
	json_t *heals;
	uint64_t seconds;
	int code = ctl_number(ctl, OPT_WATCH, &seconds, 0, 1, 3600);

	if (code == CTL_OK)
		code = ctl_connect(ctl, &link, false);
	if (code != CTL_OK)
		return code;
	heals = list(ctl, &link);
	while (seconds > 0 && heals != NULL) {
		show(ctl, heals, true);
		json_decref(heals);
		heals = NULL;
		if (fflush(stdout) != 0)
			break;
		sleep((unsigned)seconds);
		heals = list(ctl, &link);
	}
	ctl_disconnect(&link);
	if (heals == NULL)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(json_pack("{s:o}", "heals", heals), CTL_OK);
	show_heals(heals);
	json_decref(heals);
	return CTL_OK;
}
