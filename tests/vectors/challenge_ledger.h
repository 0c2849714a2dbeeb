/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of challenge.json that the ledger's rules answer. */
#ifndef VECTORS_CHALLENGE_LEDGER_H
#define VECTORS_CHALLENGE_LEDGER_H

#include "vectors/runner.h"

bool run_chain_targets(struct vector_case *c);
bool run_chain_validate_proofs(struct vector_case *c);

#endif
