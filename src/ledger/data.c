/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "ledger/data.h"
#include "ledger/entry.h"
#include "ledger/text.h"

/* Without blanks and line ends, which the lines of the dump need for themselves. */
static bool visible(const char *text)
{
	while (*text > 0x20 && *text < 0x7f)
		text++;
	return *text == '\0';
}

static bool value_valid(const struct data_member *m, const json_t *v)
{
	const char *text = json_string_value(v);

	switch (m->kind) {
	case DATA_NUMBER:
		return json_is_integer(v) && json_integer_value(v) >= 0;
	case DATA_BOOL:
		return json_is_boolean(v);
	case DATA_TEXT:
		return text != NULL && (m->len == 0 || json_string_length(v) <= m->len);
	case DATA_KEY:
		return text != NULL && json_string_length(v) <= m->len && visible(text);
	case DATA_ACCOUNT:
		return text != NULL && account_valid(text) && strcmp(text, ENTRY_AUTHORITY) != 0;
	case DATA_HEX:
		return hex_valid(text, m->len);
	case DATA_OBJECT:
		return json_is_object(v);
	case DATA_SHAPE:
		return data_valid(m->of, v);
	}
	return false;
}

static bool member_valid(const struct data_member *m, const json_t *v)
{
	if (!m->list)
		return value_valid(m, v);
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!value_valid(m, json_array_get(v, i)))
			return false;
	return json_is_array(v);
}

bool data_valid(const struct data_shape *shape, const json_t *data)
{
	size_t present = 0;

	for (const struct data_member *m = shape->members; m->name != NULL; m++) {
		const json_t *v = json_object_get(data, m->name);

		if (v == NULL && !m->optional)
			return false;
		if (v == NULL)
			continue;
		if (!member_valid(m, v) ||
		    (m->with != NULL && json_object_get(data, m->with) == NULL))
			return false;
		present++;
	}
	return json_is_object(data) && json_object_size(data) == present;
}

#define SHAPE(id, ...)                                                       \
	static const struct data_member id##_members[] = {__VA_ARGS__, {0}}; \
	const struct data_shape id = {id##_members}
#define NUMBER(name)              \
	{                         \
		name, DATA_NUMBER \
	}
#define NUMBERS(name)                           \
	{                                       \
		name, DATA_NUMBER, .list = true \
	}
#define TEXT(name, max)              \
	{                            \
		name, DATA_TEXT, max \
	}
#define TEXTS(name)                           \
	{                                     \
		name, DATA_TEXT, .list = true \
	}
#define TICKET(name)                \
	{                           \
		name, DATA_TEXT, 64 \
	}
#define HASH(name)                  \
	{                           \
		name, DATA_KEY, 128 \
	}
#define ACCOUNT(name)              \
	{                          \
		name, DATA_ACCOUNT \
	}
#define ACCOUNTS(name)                           \
	{                                        \
		name, DATA_ACCOUNT, .list = true \
	}
#define HEX(name, len)              \
	{                           \
		name, DATA_HEX, len \
	}
#define FLAG(name)              \
	{                       \
		name, DATA_BOOL \
	}
#define LIST(name, of_)                                      \
	{                                                    \
		name, DATA_SHAPE, .list = true, .of = &(of_) \
	}

SHAPE(data_tick, NUMBER("height"), NUMBER("time"), HEX("reveal", 32),
      {"new_tip", DATA_HEX, 32, .optional = true}, NUMBER("at_seq"), HEX("at_log", 32));
SHAPE(data_node_add, ACCOUNT("account"), HEX("key", 32), HEX("session_key", 33),
      HEX("session_pop", 64), HEX("enc_key", 33), TEXT("address", 255), TEXT("operator", 255));
SHAPE(data_node_update, ACCOUNT("account"), {"address", DATA_TEXT, 255, .optional = true},
      {"session_key", DATA_HEX, 33, .optional = true, .with = "session_pop"},
      {"session_pop", DATA_HEX, 64, .optional = true, .with = "session_key"},
      {"enc_key", DATA_HEX, 33, .optional = true}, {"operator", DATA_TEXT, 255, .optional = true});
SHAPE(data_node_state, ACCOUNT("account"), NUMBER("state"));
SHAPE(data_authority, HEX("key", 32));
SHAPE(data_params, {"set", DATA_OBJECT});

SHAPE(data_member_shape, ACCOUNT("account"), NUMBER("id"), HEX("tip", 32));
SHAPE(data_committee, HEX("key_group_id", 32), HEX("output_key", 32), NUMBER("t"),
      LIST("members", data_member_shape), {"proof", DATA_HEX, 64, .optional = true});
SHAPE(data_committee_genesis, HEX("key_group_id", 32), HEX("output_key", 32), NUMBER("t"),
      LIST("members", data_member_shape));
SHAPE(data_committee_ack, HEX("key_group_id", 32));
SHAPE(data_boot, HEX("boot", 16));
SHAPE(data_attest, NUMBER("epoch"), HEX("root", 32));
SHAPE(data_seal, NUMBER("epoch"), HEX("trailer", 256));

SHAPE(data_receipt, ACCOUNT("account"), HEX("digest", 32), HEX("sig", 64));
SHAPE(data_ticket, TICKET("ticket"), TEXT("data_hash", 0), NUMBER("size"), NUMBER("ic"),
      NUMBER("max"), NUMBER("ratio"), TEXTS("rq_ids_ids"), TEXT("signatures", 0), FLAG("public"),
      NUMBER("index_artifact_count"), NUMBER("symbol_artifact_count"), NUMBER("placement_epoch"),
      ACCOUNTS("skip"), LIST("receipts", data_receipt));
SHAPE(data_ticket_id, TICKET("ticket"));

SHAPE(data_host, NUMBER("cpu"), NUMBER("mem"), NUMBER("disk"), NUMBERS("ports"),
      NUMBER("failed_actions"), NUMBER("stored_bytes"));
SHAPE(data_observation, TEXT("target", 0), NUMBERS("ports"));
SHAPE(data_row, TEXT("target", 0), TEXT("challenger", 0), TICKET("ticket"), NUMBER("bucket"),
      NUMBER("class"), NUMBER("ordinal"), NUMBER("count"), TEXT("key", 0), NUMBER("result"),
      TEXT("derivation", 0), HASH("transcript"), TEXT("sig", 0), TEXT("details", DETAILS_MAX));
SHAPE(data_report, NUMBER("epoch"), {"host", DATA_SHAPE, .of = &data_host},
      LIST("observations", data_observation), LIST("rows", data_row));
SHAPE(data_recheck, NUMBER("epoch"), TEXT("challenged", 0), TICKET("ticket"),
      HASH("challenged_transcript"), HASH("recheck_transcript"), NUMBER("class"),
      TEXT("details", 0));
SHAPE(data_heal_claim, NUMBER("heal_op_id"), TICKET("ticket"), TEXT("heal_manifest_hash", 0),
      TEXT("details", 0));
SHAPE(data_heal_vote, NUMBER("heal_op_id"), FLAG("verified"), TEXT("verification_hash", 0),
      TEXT("details", 0));
SHAPE(data_heal_published, NUMBER("heal_op_id"), NUMBER("placement_epoch"), ACCOUNTS("skip"),
      LIST("receipts", data_receipt));
