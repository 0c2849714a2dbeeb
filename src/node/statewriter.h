/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State files of a node (docs/ledger.md, "State files"): the state after the last entry before the
 * tick that ends an epoch, as states/<epoch>.asnp. The database's own snapshot of that moment is
 * what is written, a slice at a time, while entries go on being applied.
 */
#ifndef NODE_STATEWRITER_H
#define NODE_STATEWRITER_H

#include <sqlite3.h>

#include "base/log.h"
#include "ledger/state.h"

#define STATES_DIR "states"

struct statewriter;

struct statewriter_config {
	sqlite3 *db;	  /* of node_db_open; the caller's */
	struct disk disk; /* of the run directory */
	struct log log;
};

/* Removes what an earlier run left half-written. Codes of the disk. */
int statewriter_new(struct statewriter **out, const struct statewriter_config *config);
void statewriter_free(struct statewriter *w);
/* For the replica: everything before the tick that may end the epoch is committed. */
void statewriter_edge(struct statewriter *w, struct state *state, uint64_t epoch);
/* The tick was applied; ended: roots[epoch] is there. */
void statewriter_edge_over(struct statewriter *w, struct state *state, bool ended);
/* Writes a slice; true while there is more. */
bool statewriter_turn(struct statewriter *w, struct state *state);
/*
 * Drops files but those of the two newest sealed epochs and of the two newest that are not sealed
 * yet. Also happens after each file.
 */
void statewriter_prune(struct statewriter *w, struct state *state);

/* The file's name below the run directory. */
#define STATE_PATH_ROOM 64
void state_path(char out[STATE_PATH_ROOM], uint64_t epoch);

/*
 * A state from a file whose root is the one given, into a new state. ASSAY_E_CORRUPT: it is not
 * that state. net and trailer_0 are those of the genesis. Codes of the disk.
 */
int state_file_load(struct state *s, const struct disk *disk, const char *path,
		    const uint8_t root[32], const struct state_origin *genesis);

#endif
