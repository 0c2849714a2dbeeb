/* SPDX-License-Identifier: Apache-2.0 */
/* Heals that never end, on a thread of their own whose work a codec role does in slices. */
#ifndef BENCH_BESIDE_HEAL_H
#define BENCH_BESIDE_HEAL_H

#include "base/seam.h"
#include "dpdk/role.h"

struct heal_load;
/* role: for the worker's loop. NULL when out of memory. */
struct heal_load *heal_load_new(struct role *role, unsigned cpu, const struct clock *clock);
void heal_load_start(struct heal_load *h);
/* Ends the heal under way; MB of source a second that were coded. The role has nothing to do now.
 */
double heal_load_stop(struct heal_load *h);

#endif
