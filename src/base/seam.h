/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seams: everything that decides gets time, randomness, disk, network, log and bus through
 * these tables, so the same code runs in the daemon (real.h) and in a simulator (sim.h). Each table
 * is used by one thread unless said otherwise. Errors are 0 or a negative code of assay/status.h.
 */
#ifndef BASE_SEAM_H
#define BASE_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- clock: thread-safe --------------------------------------------------------------------- */
struct clock {
	uint64_t (*mono_ns)(void *ctx); /* never goes back */
	uint64_t (*wall_ns)(void *ctx); /* since 1970, may jump */
	void *ctx;
};

static inline uint64_t clock_mono(const struct clock *c)
{
	return c->mono_ns(c->ctx);
}

static inline uint64_t clock_wall(const struct clock *c)
{
	return c->wall_ns(c->ctx);
}

/* --- random: thread-safe in the real version ------------------------------------------------ */
struct random {
	void (*fill)(void *ctx, void *out, size_t len);
	void *ctx;
};

static inline void random_fill(const struct random *r, void *out, size_t len)
{
	r->fill(r->ctx, out, len);
}

static inline uint64_t random_u64(const struct random *r)
{
	uint64_t v;

	r->fill(r->ctx, &v, sizeof(v));
	return v;
}

/* --- disk: paths below a root directory; thread-safe in the real version -------------------- */
enum {
	DISK_READ = 0,
	DISK_CREATE = 1,       /* new file, read and write; EXISTS if it is there */
	DISK_CREATE_SECRET = 2 /* likewise, for nobody else's eyes: mode 0600 */
};

struct disk {
	/* File handle >= 0 or a negative code (NOTFOUND, EXISTS, PERM, NOSPC, IO). */
	int (*open)(void *ctx, const char *path, int mode);
	void (*close)(void *ctx, int file);
	/* Bytes moved (short only at the end of the file) or a negative code. */
	int64_t (*read)(void *ctx, int file, void *out, size_t len, uint64_t offset);
	/* All of it: 0, or NOSPC / IO. */
	int (*write)(void *ctx, int file, const void *data, size_t len, uint64_t offset);
	int64_t (*size)(void *ctx, int file);
	/* Size of the regular file with that name; NOTFOUND, INVAL (not a regular file), IO. */
	int64_t (*size_of)(void *ctx, const char *path);
	/* Reads of this file that follow come from the medium, not from a cache, as far as that can
	 * be had. */
	void (*forget)(void *ctx, int file);
	/* Data and size are durable: fdatasync. A failure is never retried (fsyncgate): callers
	 * must() it. */
	int (*sync)(void *ctx, int file);
	int (*rename)(void *ctx, const char *from, const char *to);
	/* A second name of a regular file: EXISTS, NOTFOUND, INVAL (not a regular file), or
	 * UNSUPPORTED: on another file system, or on one that knows no links. */
	int (*link)(void *ctx, const char *from, const char *to);
	int (*remove)(void *ctx, const char *path);
	/* The directory's entries are durable. */
	int (*sync_dir)(void *ctx, const char *path);
	/* All that was written and named before in the file system of that directory is durable:
	 * syncfs. It takes along what others have written there. A failure is as one of sync. */
	int (*sync_all)(void *ctx, const char *path);
	/* 0 also when it is there. */
	int (*make_dir)(void *ctx, const char *path);
	/* Calls each(arg, name) for each entry but . and ..; stops early when it returns non-zero.
	 */
	int (*list)(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		    void *arg);
	/* Bytes an unprivileged writer can still use. */
	int (*free_bytes)(void *ctx, uint64_t *out);
	/* A POSIX descriptor for io_uring, or -1 where there is none (simulated disks). */
	int (*raw_fd)(void *ctx, int file);
	void *ctx;
};

/* --- network: one datagram socket ----------------------------------------------------------- */
struct net_addr { /* IPv4 addresses are stored v4-mapped (::ffff:a.b.c.d) */
	uint8_t ip[16];
	uint16_t port; /* host byte order */
};

struct net {
	/* Sends one datagram; 0, ASSAY_E_AGAIN when the socket is full, ASSAY_E_IO otherwise. */
	int (*send)(void *ctx, const struct net_addr *to, const void *data, size_t len);
	/*
	 * Waits until the monotonic time deadline_ns for a datagram. Its length (0..room),
	 * ASSAY_E_TIMEOUT, or another negative code. A datagram longer than room is dropped.
	 */
	int (*receive)(void *ctx, struct net_addr *from, void *out, size_t room,
		       uint64_t deadline_ns);
	void *ctx;
};

/* --- log ------------------------------------------------------------------------------------ */
enum log_level {
	LOG_ERROR_LEVEL = 3,
	LOG_WARNING_LEVEL = 4,
	LOG_INFO_LEVEL = 6,
	LOG_DEBUG_LEVEL = 7
};

struct log {
	/* One event: a component, one sentence, then "key=value ..." text or NULL. Thread-safe. */
	void (*write)(void *ctx, enum log_level level, const char *component, const char *message,
		      const char *fields);
	enum log_level level; /* events above this are not formatted */
	void *ctx;
};

/*
 * Bus: small signed broadcast messages between control cores, as well as can be. Frames may be
 * lost, repeated or overtaken, but never changed or cut, and nobody gets his own. A sender never
 * waits: each member has a queue of its own, of at least BUS_QUEUE_MIN frames, and what comes when
 * it is full is lost for him alone. Who sent a frame is not known; that is what signatures are for.
 */
#define BUS_FRAME_MAX (128u << 10)
#define BUS_QUEUE_MIN 8

struct bus {
	/* To all others. 0, RANGE when it is empty or longer than BUS_FRAME_MAX, IO. */
	int (*send)(void *ctx, const void *frame, size_t len);
	/* Next frame waiting: its length, AGAIN, or IO. One longer than room is lost. */
	int (*receive)(void *ctx, void *out, size_t room);
	void *ctx;
};

#endif
