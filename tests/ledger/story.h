/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random lives of a small network at the entry layer: from one seed, entries of every type in
 * random order, good ones and ones that must be refused. The same seed gives the same log.
 */
#ifndef TESTS_LEDGER_STORY_H
#define TESTS_LEDGER_STORY_H

#include "ledger/net.h"

struct story {
	struct ledger_net net;
	unsigned strangers; /* nodes added beyond the first ones */
	unsigned files;
	unsigned verdicts[32], kinds[4]; /* how often each came */
	json_t *accepted;		 /* type -> how often */
};

void story_new(struct story *y, uint64_t seed);
void story_free(struct story *y);
/* Makes the next entry (in y->net.entry) and applies it. */
struct entry_result story_step(struct story *y);
unsigned story_accepted(const struct story *y, const char *type);

#endif
