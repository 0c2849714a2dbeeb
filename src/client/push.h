/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One artifact on its way to a node, over a session that others use as well: opened, its chunks
 * sent within a window, committed, and asked about until the node has it for good. It never waits;
 * its owner steps it whenever something has arrived or is due.
 */
#ifndef CLIENT_PUSH_H
#define CLIENT_PUSH_H

#include "client/sender.h"

struct push;
/* 0, RANGE (no artifact is that large) or NOMEM, told by assay_client_why. */
int push_new(struct push **out, struct sender *s, const struct assay_push *params);
void push_free(struct push *p);
/*
 * Takes answers, sends what may go. 0: the node has it durably; AGAIN: it goes on, at *due_ns even
 * if nothing arrives; or an error, told by assay_client_why.
 */
int push_step(struct push *p, uint64_t *due_ns);
/* The node counts it among the few that it lets a session have open. */
bool push_is_open(const struct push *p);
const struct assay_push_stats *push_stats(const struct push *p);

#endif
