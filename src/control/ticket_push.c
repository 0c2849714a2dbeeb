/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket's artifacts to their holders, and their receipts. */
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/own_share.h"
#include "control/ticket_work.h"

static void path_of(void *ctx, char out[DELIVERY_PATH_ROOM], unsigned class, uint32_t ordinal)
{
	const struct ticket_work *w = ctx;
	char name[BASE58_KEY_MAX];

	base58_encode(name, sizeof(name), w->keys[class][ordinal], 32);
	snprintf(out, DELIVERY_PATH_ROOM, "%s/%s", w->folder, name);
}

void ticket_share(struct own_share *out, struct ticket_work *w)
{
	*out = (struct own_share){
		.deal = &w->deal,
		.keys = {NULL, (const uint8_t(*)[32])w->keys[1], (const uint8_t(*)[32])w->keys[2]},
		.path = path_of,
		.ctx = w,
	};
}

static bool progress(void *ctx, uint64_t done, uint64_t total, uint64_t stored)
{
	struct ticket_work *w = ctx;

	if (done == total && w->phase == PHASE_PUSH)
		ticket_phase(w, PHASE_RECEIPTS);
	return ticket_progress(w, "", done, total);
}

int ticket_push(struct ticket_work *w)
{
	struct delivery d = {
		.client = &w->client,
		.deal = &w->deal,
		.keys = {NULL, (const uint8_t(*)[32])w->keys[1], (const uint8_t(*)[32])w->keys[2]},
		.path = path_of,
		.progress = progress,
		.ctx = w,
		.description = w->description,
		.description_len = w->description_len,
		.delivered = w->delivered,
	};
	int error;

	memcpy(d.description_key, w->description_key, 32);
	w->client.account = w->account;
	error = deliver(&d);
	return error == 0 ? 0 : ticket_fail(w, error, "pushing: %s", assay_error_text(error));
}
