/* SPDX-License-Identifier: Apache-2.0 */
/* Section "scripts" of ledger.json: a genesis document and the entries of its log. */
#ifndef TESTS_LEDGER_VECTORS_SCRIPT_H
#define TESTS_LEDGER_VECTORS_SCRIPT_H

#include "vectors/runner.h"

bool run_script(struct vector_case *c);

#endif
