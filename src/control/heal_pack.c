/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout and index files are packed again while symbols are collected, by a thread of their own:
 * their one long input, the layout, is known from the start.
 */
#include <stdio.h>

#include "assay/status.h"
#include "control/heal_building.h"

/* Octets of symbols to be made, taken before their turn has come (docs/healing.md). */
#define EARLY_MAX ((size_t)64 << 20)

static int take_id_file(void *ctx, enum artifact_class class, uint32_t ordinal,
			const uint8_t id[32], const void *data, size_t len)
{
	struct building *b = ctx;
	char name[32];

	if (heal_stopped(b->t) || atomic_load(&b->packing.over))
		return ASSAY_E_CLOSED;
	snprintf(name, sizeof(name), "idfile_%05u.bin", ordinal);
	return coded_write(&b->packing.p, b->ids, name, data, len);
}

static void *pack(void *arg)
{
	struct building *b = arg;
	const struct layout *l = collect_the_layout(b->c);
	struct artifact_sink sink = {take_id_file, b};

	/* Of a small file, where it would take as long as the rest; should there be none, the
	 * solve says so. */
	if (l->symbols * (size_t)layout_symbol_file(l) <= EARLY_MAX)
		(void)pipeline_reserve(&b->p, l);
	b->packing.error = ticket_remake(collect_ticket(b->c), collect_index(b->c),
					 b->t->facts.creator, l, &sink);
	return NULL;
}

bool packing_begin(struct building *b)
{
	b->packing.p.mode = 0600;
	b->packing.runs = pthread_create(&b->packing.thread, NULL, pack, b) == 0;
	if (!b->packing.runs)
		heal_finish(b->t, HEAL_END_OURS, "no thread for the layout files");
	return b->packing.runs;
}

static void join_packing(struct building *b)
{
	if (b->packing.runs)
		pthread_join(b->packing.thread, NULL);
	b->packing.runs = false;
}

bool packing_end(struct building *b)
{
	int error;

	join_packing(b);
	error = b->packing.error;
	if (error == ASSAY_E_CORRUPT || error == ASSAY_E_CRYPTO)
		heal_finish(b->t, HEAL_END_WRONG,
			    "the rebuilt layout and index files are not the ticket's");
	else if (error != 0)
		heal_finish(b->t, HEAL_END_OURS, "layout and index files: %s",
			    b->packing.p.message[0] != '\0' ? b->packing.p.message
							    : assay_error_text(error));
	return error == 0;
}

void packing_stop(struct building *b)
{
	atomic_store(&b->packing.over, true);
	join_packing(b);
}
