/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a BUILD: its parts, all on its thread but what packing does. */
#ifndef CONTROL_HEAL_BUILDING_H
#define CONTROL_HEAL_BUILDING_H

#include <pthread.h>

#include "control/collect.h"
#include "control/heal_work.h"

struct building {
	struct heal_task *t;
	struct pipeline p;
	struct collect *c;
	int symbols, ids, file; /* folders, reconstructed.bin */
	struct buffer memory;	/* of the symbols being made */
	/* Layout and index files are made, and memory is taken, by a thread of their own. */
	struct {
		pthread_t thread;
		bool runs;
		_Atomic bool over; /* they are not wanted any more */
		struct pipeline p;
		int error;
	} packing;
};

/* --- heal_left.c: of a claimed file: what its folder has, else the store --- */
struct own_artifacts left_artifacts(struct building *b);

/* --- heal_pack.c, once there is a layout; false after heal_finish --- */
bool packing_begin(struct building *b);
/* Waits: the files' ids are those of the ticket and of its signed index. */
bool packing_end(struct building *b);
void packing_stop(struct building *b);

#endif
