/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files on the network (docs/tickets.md): put codes a file, places its artifacts, collects the
 * holders' receipts and records the ticket; get collects enough symbols and decodes. Decisions are
 * made here, on the control thread, from the node's copy of the ledger; the long work is
 * ticket_work.h's.
 */
#ifndef CONTROL_TICKETS_H
#define CONTROL_TICKETS_H

#include "control/control.h"

struct tickets;
/* Sweeps what an earlier run has left. NULL when out of memory. */
struct tickets *tickets_new(struct control *c);
void tickets_free(struct tickets *t);

#endif
