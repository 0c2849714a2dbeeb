/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/epoch_end.h"

#include "ledger/scores.h"

void score_epoch_end(struct state *s, uint64_t epoch)
{
	enforce(s, epoch);
	reporters_diverge(s, epoch);
	reporters_recover(s, epoch);
	heal_expire(s, epoch);
	heal_schedule(s, epoch);
}
