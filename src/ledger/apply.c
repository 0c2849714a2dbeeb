/* SPDX-License-Identifier: Apache-2.0 */
/* One entry: the checks (a) to (e), the rule of its type, its verdict. */
#include <stdio.h>

#include "base/text.h"
#include "ledger/data.h"
#include "ledger/state_impl.h"

enum author_kind { NODE = 1, AUTHORITY = 2, MEMBER = 4 };

static const struct rule {
	const char *type;
	unsigned authors;
	const struct data_shape *shape;
	rule_fn *apply;
} rules[] = {
	{"tick", MEMBER, &data_tick, apply_tick},
	{"node_add", AUTHORITY, &data_node_add, apply_node_add},
	{"node_update", NODE | AUTHORITY, &data_node_update, apply_node_update},
	{"node_state", NODE | AUTHORITY, &data_node_state, apply_node_state},
	{"authority", AUTHORITY, &data_authority, apply_authority},
	{"params", AUTHORITY, &data_params, apply_params},
	{"committee", AUTHORITY, &data_committee, apply_committee},
	{"committee_ack", NODE, &data_committee_ack, apply_committee_ack},
	{"start", NODE, &data_boot, apply_start},
	{"stop", NODE, &data_boot, apply_stop},
	{"attest", NODE, &data_attest, apply_attest},
	{"seal", NODE, &data_seal, apply_seal},
	{"ticket", NODE, &data_ticket, apply_ticket},
	{"ticket_close", NODE | AUTHORITY, &data_ticket_id, apply_ticket_close},
	{"rehome", NODE | AUTHORITY, &data_ticket_id, apply_rehome},
	{"report", NODE, &data_report, apply_report},
	{"recheck", NODE, &data_recheck, apply_recheck},
	{"heal_claim", NODE, &data_heal_claim, apply_heal_claim},
	{"heal_vote", NODE, &data_heal_vote, apply_heal_vote},
	{"heal_published", NODE, &data_heal_published, apply_heal_published},
};

static const struct rule *rule_of(const char *type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].type, type) == 0)
			return &rules[i];
	return NULL;
}

static bool may_author(struct state *s, const struct rule *rule, const char *author)
{
	if (strcmp(author, ENTRY_AUTHORITY) == 0)
		return rule->authors & AUTHORITY;
	if (rule->authors & MEMBER)
		return committee_member(s->committee, author) != NULL;
	return rule->authors & NODE;
}

/* (c) to (e), then the type's own rules. */
static unsigned judge(struct state *s, const struct rule *rule, const struct entry *e,
		      const char **reason)
{
	const struct entry_ctx ctx = {e->author, e->n};
	uint64_t epoch = state_epoch(s);

	if (e->epoch > epoch || e->epoch + s->params->verdict_keep_epochs <= epoch)
		return VERDICT_EPOCH;
	if (!may_author(s, rule, e->author))
		return VERDICT_UNAUTHORIZED;
	if (!data_valid(rule->shape, e->data))
		return VERDICT_MALFORMED;
	return rule->apply(s, &ctx, e->data, reason);
}

/* (a): what strangers and garbage could be; nothing of it is recorded. */
static const struct rule *admit(struct state *s, const struct entry *e)
{
	const struct rule *rule = rule_of(e->type);
	const char *key;

	if (rule == NULL || strcmp(e->net, s->net_hex) != 0)
		return NULL;
	key = state_author_key(s, e->author);
	return key != NULL && state_verify(s, e->sig, e->id, key) ? rule : NULL;
}

static void apply_parsed(struct state *s, struct entry_result *out, const struct entry *e)
{
	const struct rule *rule = admit(s, e);
	char id[65];

	snprintf(out->author, sizeof(out->author), "%s", e->author);
	snprintf(out->type, sizeof(out->type), "%s", e->type);
	if (rule == NULL)
		return;
	memcpy(out->id, e->id, 32);
	hex_encode(id, e->id, 32);
	if (table_find(s->tables, T_VERDICTS, id) != NULL) {
		out->kind = ENTRY_DUPLICATE;
		return;
	}
	out->kind = ENTRY_VERDICT;
	out->code = judge(s, rule, e, &out->reason);
	if (rule->apply != apply_tick && out->code != VERDICT_EPOCH)
		verdict_record(s, id, e->epoch, out->code, out->reason);
}

void state_apply(struct state *s, struct entry_result *out, const uint8_t *entry, size_t len)
{
	struct entry e;
	uint8_t hash[32];

	*out = (struct entry_result){.kind = ENTRY_VOID, .reason = ""};
	if (entry_parse(&e, entry, len))
		apply_parsed(s, out, &e);
	entry_free(&e);
	entry_hash(hash, entry, len);
	log_hash(s->origin.log, s->origin.log, ++s->origin.seq, hash);
}
