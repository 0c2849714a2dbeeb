/* SPDX-License-Identifier: Apache-2.0 */
#include "node/share.h"

#include "assay/status.h"
#include "assay/wire.h"
#include "ledger/placement.h"
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

static uint64_t copies(const struct ticket *t, unsigned class)
{
	return class == ASSAY_CLASS_INDEX ? t->index_copies : t->symbol_copies;
}

uint32_t share_size(const struct ticket *t, unsigned class, unsigned position)
{
	uint32_t total;

	if (share_total(&total, t, class) != 0)
		return 0;
	return (uint32_t)placement_share(total, copies(t, class), t->holders.n, position);
}

uint32_t share_ordinal(const struct ticket *t, unsigned class, unsigned position, uint32_t n)
{
	return (uint32_t)placement_ordinal(n, copies(t, class), t->holders.n, position);
}
