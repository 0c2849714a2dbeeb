/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the reader of cold artifacts. Everything is the fetch thread's. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "store/store_impl.h"

struct io_uring;

/* One read of a file. */
struct span {
	int file;
	uint32_t len;
	uint64_t offset;
	uint8_t *out;
	int64_t got; /* bytes or a negative code */
};

/* An artifact's open files. */
struct reader_files {
	uint64_t serial;	   /* of its record; UINT64_MAX: nothing here */
	uint64_t used;		   /* the larger the later */
	int bytes_file, tree_file; /* -1: not opened */
};

/* --- reader_io.c: spans, by io_uring where it can be had --- */
/* NULL where the kernel or a container's policy does not give one. */
struct io_uring *reader_ring_new(void);
void reader_ring_free(struct io_uring *ring);
/* All of them; got is set. */
void reader_read(const struct disk *d, struct io_uring *ring, struct span *spans, unsigned n);

#endif
