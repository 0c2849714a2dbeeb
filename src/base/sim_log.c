/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/sim.h"

#define LINES (sizeof(((struct sim_log *)0)->line) / sizeof(((struct sim_log *)0)->line[0]))

static void sim_log_write(void *ctx, enum log_level level, const char *component,
			  const char *message, const char *fields)
{
	struct sim_log *state = ctx;
	uint64_t number = __atomic_fetch_add(&state->count, 1, __ATOMIC_RELAXED);
	char *line = state->line[number % LINES];

	snprintf(line, sizeof(state->line[0]), "<%d>%s: %s%s%s", (int)level, component, message,
		 fields != NULL ? " " : "", fields != NULL ? fields : "");
}

struct log log_sim(struct sim_log *state)
{
	return (struct log){sim_log_write, LOG_DEBUG_LEVEL, state};
}
