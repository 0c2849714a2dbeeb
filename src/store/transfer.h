/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the store: artifacts on their way in over the network. The fetch role's thread takes
 * what peers send (write.c), the owner makes durable what is whole (commit.c). An entry that is
 * WRITE_OPENED belongs to the first, one that is WRITE_CHECKING to the second; the lock is for the
 * rest of the table.
 */
#ifndef STORE_TRANSFER_H
#define STORE_TRANSFER_H

#include "proof/handed.h"
#include "proof/view.h"
#include "store/store_impl.h"

#define TRANSFERS_MAX	     64 /* open or checking */
#define TRANSFERS_SESSION    4	/* open */
#define TRANSFERS_REMEMBERED 64 /* ended ones, for those who still ask */
#define TRANSFER_SLOTS	     (TRANSFERS_MAX + TRANSFERS_REMEMBERED)
#define TRANSFER_WINDOW	     256u /* chunks from the first missing one on that are taken */
#define TRANSFER_IDLE_NS     (60 * 1000000000ull)

struct transfer {
	uint32_t number; /* 0: free */
	uint8_t state;	 /* enum write_state */
	uint16_t code;	 /* of WRITE_FAILED */
	uint32_t account, session;
	uint8_t key[32];
	uint64_t size;
	uint32_t chunks, first_missing;
	uint64_t set[TRANSFER_WINDOW / 64]; /* bit c % TRANSFER_WINDOW: chunk c is there */
	uint64_t used_ns;
	uint64_t charge; /* of its account's quota */
	uint64_t room;	 /* on the disk, not yet written */
	struct temp_files temp;
};

struct transfers {
	pthread_mutex_t lock; /* taken before store.lock */
	struct transfer slot[TRANSFER_SLOTS];
	uint32_t next_number;
	uint64_t swept_ns;
	uint64_t used[VIEW_PEERS_MAX]; /* bytes of quota, by account */
	_Atomic unsigned checking;
	void (*wake)(void *ctx); /* the owner */
	void *wake_ctx;
};

/* write.c */
int transfers_open(struct store *s);
void transfers_close(struct store *s);
/* With the lock held: it ended. Its quota is given back unless what it brought keeps it. */
void transfer_end(struct store *s, struct transfer *t, enum write_state state, uint16_t code,
		  bool keeps_charge);

#endif
