/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger says, for people. */
#include <string.h>

#include "ctl/ctl.h"

/* Columns of a list of objects: titles as for table_new, and the members in that order. */
static void show_rows(json_t *list, const char *titles, const char *const *members)
{
	struct table *t = table_new(titles);
	json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		for (const char *const *m = members; *m != NULL; m++) {
			json_t *value = json_object_get(row, *m);

			if (json_is_integer(value))
				table_cell(t, "%lld", json_integer_value(value));
			else
				table_cell(t, "%s",
					   json_is_string(value) ? json_string_value(value) : "");
		}
	}
	table_print(t);
}

static void show_tail(json_t *result)
{
	static const char *const members[] = {"seq",  "author", "type", "epoch",
					      "code", "reason", "id",	NULL};

	show_rows(json_object_get(result, "entries"), ">SEQ AUTHOR TYPE >EPOCH >CODE REASON ID",
		  members);
}

static void show_nodes(json_t *result)
{
	static const char *const members[] = {"account",     "state", "suspicion", "band",
					      "reliability", "trust", "why",	   NULL};

	show_rows(json_object_get(result, "nodes"),
		  "ACCOUNT STATE >SUSPICION BAND >RELIABILITY TRUST WHY", members);
}

static void show_challenges(json_t *result)
{
	static const char *const members[] = {"epoch",	 "challenger", "target",  "bucket",
					      "ticket",	 "class",      "ordinal", "result",
					      "recheck", "details",    NULL};

	show_rows(json_object_get(result, "rows"),
		  ">EPOCH CHALLENGER TARGET BUCKET TICKET CLASS >ORDINAL RESULT RECHECK DETAILS",
		  members);
}

void show_tickets(json_t *list)
{
	static const char *const members[] = {"ticket", "state",	 "creator",
					      "size",	"holders",	 "ready_epoch",
					      "height", "deterioration", NULL};

	show_rows(list, "TICKET STATE CREATOR >SIZE >HOLDERS >READY >HEIGHT >DETERIORATION",
		  members);
}

static void show_ticket(json_t *ticket)
{
	static const char *const members[] = {"account", "index", "symbols", NULL};

	printf("ticket %s, %s, of %s: %s\n", json_string_value(json_object_get(ticket, "ticket")),
	       json_string_value(json_object_get(ticket, "state")),
	       json_string_value(json_object_get(ticket, "creator")),
	       human_bytes((uint64_t)json_integer_value(json_object_get(ticket, "size"))));
	printf("data hash %s, deterioration %lld, open heal op %lld\n",
	       json_string_value(json_object_get(ticket, "data_hash")),
	       json_integer_value(json_object_get(ticket, "deterioration")),
	       json_integer_value(json_object_get(ticket, "heal_op")));
	show_rows(json_object_get(ticket, "held_by"), "HOLDER >INDEX >SYMBOLS", members);
}

bool show_ledger(enum rpc_id id, json_t *result)
{
	switch (id) {
	case RPC_LEDGER_TAIL:
		show_tail(result);
		return true;
	case RPC_TICKET_SHOW:
		show_ticket(result);
		return true;
	case RPC_HEAL_SHOW:
		show_heal(result);
		return true;
	case RPC_NODES:
		show_nodes(result);
		return true;
	case RPC_CHALLENGES:
	case RPC_MISSES:
		show_challenges(result);
		return true;
	default:
		return false;
	}
}
