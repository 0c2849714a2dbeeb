/* SPDX-License-Identifier: Apache-2.0 */
/* One script of heal.json. */
#ifndef TESTS_LEDGER_HEAL_SCRIPT_H
#define TESTS_LEDGER_HEAL_SCRIPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* True when every step and the end came out as told; otherwise why says what did not. */
bool heal_script_run(char *why, size_t why_room, const json_t *script);

#endif
