/* SPDX-License-Identifier: Apache-2.0 */
/* One run of assayctl prove: who is asked for what, and what came out. */
#ifndef CTL_PROVE_H
#define CTL_PROVE_H

#include "client/challenge.h"
#include "control/registry.h"
#include "ctl/ctl.h"

struct asking {
	struct ctl *ctl;
	struct registry registry;
	struct assay_client_config client; /* peer is filled in for each */
	struct challenge_question question;
	uint8_t seed[CHALLENGE_SEED_MAX];
	uint8_t (*keys)[32];
	unsigned key_count, key_room;
	uint64_t count;
	/* What came out. */
	struct table *table;
	json_t *proofs;
	uint64_t asked, good;
};

/* What is asked and by whom, from options, files and the registry. CTL_OK, or a code after a
 * message. */
int asking_read(struct asking *a);

#endif
