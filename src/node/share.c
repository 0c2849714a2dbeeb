/* SPDX-License-Identifier: Apache-2.0 */
#include "node/share.h"

#include "assay/status.h"
#include "assay/wire.h"
#include "base/must.h"
#include "ledger/rules.h"

/* The ledger records totals always; a ticket of elsewhere may have only its ids. */
static uint64_t total_of(const struct ticket *t, unsigned class)
{
	uint64_t count = ticket_count(t, class);

	return count != 0 ? count : t->rq_ids_ids.n;
}

int share_total(uint32_t *count, const struct ticket *t, unsigned class)
{
	*count = 0;
	if (class != ASSAY_CLASS_INDEX && class != ASSAY_CLASS_SYMBOL)
		return ASSAY_E_INVAL;
	if (total_of(t, ASSAY_CLASS_INDEX) == 0 || total_of(t, ASSAY_CLASS_SYMBOL) == 0)
		return ASSAY_E_INVAL;
	*count = (uint32_t)total_of(t, class);
	return 0;
}

static bool placed(const struct ticket *t, unsigned class, uint32_t ordinal, unsigned position)
{
	uint64_t copies = class == ASSAY_CLASS_INDEX ? t->index_copies : t->symbol_copies;

	return placement_on(ordinal, copies, t->holders.n, position);
}

uint32_t share_size(const struct ticket *t, unsigned class, unsigned position)
{
	uint32_t total, size = 0;

	if (share_total(&total, t, class) != 0)
		return 0;
	for (uint32_t i = 0; i < total; i++)
		size += placed(t, class, i, position);
	return size;
}

uint32_t share_ordinal(const struct ticket *t, unsigned class, unsigned position, uint32_t n)
{
	uint32_t total, i = 0;

	must(share_total(&total, t, class) == 0);
	for (;; i++) {
		must(i < total);
		if (placed(t, class, i, position) && n-- == 0)
			return i;
	}
}
