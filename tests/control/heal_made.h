/* SPDX-License-Identifier: Apache-2.0 */
/* A coded file in memory: what a ticket is about. */
#ifndef TESTS_CONTROL_HEAL_MADE_H
#define TESTS_CONTROL_HEAL_MADE_H

#include "control/holders.h"
#include "crypto/sign.h"

struct made_artifact {
	uint8_t id[32];
	uint8_t *data;
	size_t len;
};
struct made_file {
	uint8_t *data;
	struct ticket_facts facts;
	uint32_t counts[3];
	struct made_artifact *artifact[3]; /* by class and ordinal */
	uint32_t source;		   /* symbols that are needed at least */
};
void made_make(struct made_file *m, uint64_t size, uint64_t seed, const struct sign_key *creator,
	       uint32_t max);
void made_free(struct made_file *m);

#endif
