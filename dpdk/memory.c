/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where resident artifacts live. DPDK's heap manages both kinds of memory: its own huge pages, and
 * ordinary memory that asks for transparent huge pages, joined to DPDK as a heap of its own. Random
 * ranges of many artifacts are read, so page size matters more than anything else. Joining writes
 * to the memory, so it is done piece by piece as it is needed.
 */
#include "dpdk/eal.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "base/must.h"

#define HEAP	   "assay_artifacts"
#define PAGE	   ((uint64_t)2 * 1024 * 1024)
#define PIECE_MIN  (32 * PAGE)
#define PIECES_MAX 64 /* DPDK keeps a table of 128 */
#define ALIGNMENT  64

static struct {
	pthread_mutex_t lock; /* of map..used */
	void *map;	      /* address space for all of it */
	uint64_t len;
	uint64_t used; /* joined so far */
	int socket;    /* of the heap; -1 when there is none */
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER, .socket = -1};

static uint64_t round_up(uint64_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

static void reserve(uint64_t len)
{
	heap.len = round_up(len) + PAGE;
	heap.map = mmap(NULL, heap.len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (heap.map == MAP_FAILED) {
		heap.map = NULL;
		return;
	}
	heap.used = round_up((uintptr_t)heap.map) - (uintptr_t)heap.map;
	madvise(heap.map, heap.len, MADV_HUGEPAGE);
	if (rte_malloc_heap_create(HEAP) == 0)
		heap.socket = rte_malloc_heap_get_socket(HEAP);
}

/* One more piece that has room for an allocation of len; false when nothing is left. */
static bool grow(uint64_t len)
{
	uint64_t left = (heap.len - heap.used) / PAGE * PAGE;
	uint64_t piece = round_up(heap.len / PIECES_MAX);
	uint8_t *start = (uint8_t *)heap.map + heap.used;

	piece = piece > PIECE_MIN ? piece : PIECE_MIN;
	piece = piece > round_up(len + PAGE) ? piece : round_up(len + PAGE);
	piece = piece < left ? piece : left;
	if (piece < len || piece == 0 ||
	    rte_malloc_heap_memory_add(HEAP, start, piece, NULL, (unsigned)(piece / PAGE), PAGE) !=
		    0)
		return false;
	heap.used += piece;
	return true;
}

static void *alloc_ordinary(size_t len)
{
	void *p = NULL;

	pthread_mutex_lock(&heap.lock);
	if (heap.socket >= 0)
		do
			p = rte_malloc_socket("assay_artifact", len, ALIGNMENT, heap.socket);
		while (p == NULL && grow(len));
	pthread_mutex_unlock(&heap.lock);
	return p;
}

static void *alloc(void *ctx, size_t len)
{
	void *p = NULL;

	if (eal_has_hugepages())
		p = rte_malloc("assay_artifact", len, ALIGNMENT);
	return p != NULL ? p : alloc_ordinary(len);
}

static void release(void *ctx, void *p, size_t len)
{
	rte_free(p);
}

struct store_memory eal_store_memory(uint64_t len)
{
	if (len > 0 && heap.map == NULL)
		reserve(len);
	return (struct store_memory){.alloc = alloc, .release = release};
}

void memory_stop(void)
{
	if (heap.map != NULL)
		munmap(heap.map, heap.len);
	heap.map = NULL;
	heap.socket = -1;
}
