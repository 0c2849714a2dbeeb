/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that peers ask control (docs/protocol.md, "CALL"): a table of methods by number, the
 * calls that wait for their answers, and the answers of the last minutes, so that a call that is
 * repeated is not done twice. All of it belongs to the control thread.
 */
#ifndef CONTROL_CALLS_H
#define CONTROL_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proof/handed.h"

#define CALLS_PENDING_MAX 64  /* of the node */
#define CALLS_KEPT_MAX	  256 /* answers */
#define CALLS_METHODS_MAX 16

struct control;
struct calls;
/* One call. It is valid until it is answered. */
struct call;

/*
 * Begins with a call. It must be answered once, by call_answer, now or later; the caller is told to
 * come again when that takes longer than half a minute, and then gets the answer that is kept.
 */
typedef void (*call_method)(void *ctx, struct call *call);

struct calls *calls_new(struct control *c);
/* Calls that wait are dropped: whoever works on one must have let go of it. */
void calls_free(struct calls *calls);
/* 0, EXISTS or FULL. */
int calls_add(struct calls *calls, uint16_t number, call_method method, void *ctx);
/* Once a second: those who have waited too long are told so. */
void calls_sweep(struct calls *calls);
/* None waits. */
bool calls_idle(const struct calls *calls);

const char *call_account(const struct call *call);
/* Bytes of the question; they stay until the answer. */
const uint8_t *call_body(const struct call *call, size_t *len);
/* At most CALL_BODY_MAX bytes. */
void call_answer(struct call *call, enum call_status status, const void *body, size_t len);

#endif
