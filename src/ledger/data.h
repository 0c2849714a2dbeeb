/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of the entries' data (docs/ledger.md, "Types"): what members there must be, of what
 * kind. What they mean is checked by the rules.
 */
#ifndef LEDGER_DATA_H
#define LEDGER_DATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum data_kind {
	DATA_NUMBER, /* integer, not negative */
	DATA_BOOL,
	DATA_TEXT,    /* of at most len bytes, 0: any */
	DATA_KEY,     /* of at most len bytes 21..7e: it becomes a record's key */
	DATA_ACCOUNT, /* 1..64 of [a-z0-9.-], not the reserved name */
	DATA_HEX,     /* 2 * len lower-case digits */
	DATA_OBJECT,  /* with any members */
	DATA_SHAPE,   /* an object of the shape `of` */
};

struct data_shape;
struct data_member {
	const char *name;
	enum data_kind kind;
	uint16_t len;
	bool list; /* an array of such values */
	bool optional;
	const char *with; /* only together with that member */
	const struct data_shape *of;
};
struct data_shape {
	const struct data_member *members; /* name NULL ends them */
};

extern const struct data_shape data_tick, data_node_add, data_node_update, data_node_state,
	data_authority, data_params, data_committee, data_committee_genesis, data_committee_ack,
	data_boot, data_attest, data_seal, data_ticket, data_ticket_id, data_report, data_recheck,
	data_heal_claim, data_heal_vote, data_heal_published;

bool data_valid(const struct data_shape *shape, const json_t *data);

#endif
