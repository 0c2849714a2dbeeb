/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated seams. All from one seed and one simulated time: the same seed gives the same run.
 */
#ifndef BASE_SIM_H
#define BASE_SIM_H

#include "base/seam.h"

/* --- clock and random ----------------------------------------------------------------------- */
struct sim_clock {
	uint64_t mono_ns;
	uint64_t wall_ns;
};
struct clock clock_sim(struct sim_clock *state);
void sim_clock_advance(struct sim_clock *state, uint64_t ns);

/* splitmix64 stream; state is the seed. Not for secrets. */
struct random random_sim(uint64_t *state);

/* --- disk: a directory tree in memory with a page cache that a crash forgets ---------------- */
struct sim_disk;
struct sim_disk *sim_disk_new(uint64_t seed);
void sim_disk_free(struct sim_disk *d);
struct disk disk_sim(struct sim_disk *d);
/* Power loss: every unsynced write is kept, dropped or torn, every unsynced name likewise, by the
 * seed. */
void sim_disk_crash(struct sim_disk *d);
/* Fails the n-th next operation (1 = the next) of the kinds in mask with the code; 0 switches off.
 */
enum {
	SIM_OPEN = 1,
	SIM_READ = 2,
	SIM_WRITE = 4,
	SIM_SYNC = 8,
	SIM_RENAME = 16,
	SIM_REMOVE = 32,
	SIM_SYNC_DIR = 64,
	SIM_MAKE_DIR = 128,
	SIM_LIST = 256,
	SIM_STAT = 512, /* size, size_of, free_bytes */
	SIM_LINK = 1024
};
void sim_disk_fail(struct sim_disk *d, unsigned n, unsigned mask, int code);
/*
 * Stops the world before the n-th next operation: every later call returns ASSAY_E_CLOSED until
 * sim_disk_crash, or until n = 0: then only the process was killed, and the page cache lives on.
 */
void sim_disk_stop_at(struct sim_disk *d, unsigned n);
/* Operations so far. */
uint64_t sim_disk_ops(const struct sim_disk *d);
/* Capacity in bytes; writes beyond give NOSPC. */
void sim_disk_limit(struct sim_disk *d, uint64_t bytes);
/* Flips one bit of a stored file; 0 or NOTFOUND / RANGE. */
int sim_disk_flip(struct sim_disk *d, const char *path, uint64_t bit);

/* --- network: endpoints on one simulated wire ----------------------------------------------- */
struct sim_net;
/* Loss, duplication and reordering in percent; delay in ns, uniform. */
struct sim_net_faults {
	uint8_t loss, duplicate, reorder;
	uint64_t delay_ns_min, delay_ns_max;
};
struct sim_net *sim_net_new(uint64_t seed, struct sim_clock *clock);
void sim_net_free(struct sim_net *n);
void sim_net_set_faults(struct sim_net *n, struct sim_net_faults faults);
/* Monotonic time at which the next datagram arrives; UINT64_MAX: none is on the wire. */
uint64_t sim_net_due(const struct sim_net *n);
/*
 * An endpoint whose datagrams are delivered to handler(arg, ...) when it has one, else to
 * receive(). While a receive() waits, simulated time passes and handlers run.
 */
typedef void (*sim_net_handler)(void *arg, struct sim_net *n, const struct net_addr *from,
				const struct net_addr *to, const void *data, size_t len);
struct net net_sim(struct sim_net *n, const struct net_addr *self, sim_net_handler handler,
		   void *arg);
/* Called by handlers. */
void sim_net_send(struct sim_net *n, const struct net_addr *from, const struct net_addr *to,
		  const void *data, size_t len);

/* --- log and bus ---------------------------------------------------------------------------- */
/* Keeps the last events as text lines in a ring. */
struct sim_log {
	char line[64][256];
	uint64_t count;
};
struct log log_sim(struct sim_log *state);

struct sim_bus;
struct sim_bus *sim_bus_new(uint64_t seed, unsigned members);
void sim_bus_free(struct sim_bus *b);
struct bus bus_sim(struct sim_bus *b, unsigned member);
void sim_bus_set_faults(struct sim_bus *b, uint8_t loss_percent, uint8_t duplicate_percent);

#endif
