/* SPDX-License-Identifier: Apache-2.0 */
/* An ordered map from texts to pointers, for the indexes of the state. Starts as {0}. */
#ifndef LEDGER_NAMES_H
#define LEDGER_NAMES_H

#include <bsd/sys/tree.h>

struct name;
RB_HEAD(names, name);

/* The place of the value, NULL in a new entry. */
void **names_put(struct names *names, const char *text);
/* The value, NULL when there is no such entry. */
void *names_find(struct names *names, const char *text);
void names_remove(struct names *names, const char *text);
/* Calls each (may be NULL) with every value. */
void names_clear(struct names *names, void (*each)(void *value));

#endif
