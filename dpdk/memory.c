/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where resident artifacts live. DPDK's heap manages both kinds of memory: its own huge pages, and
 * a mapping of ordinary memory that asks for transparent huge pages, joined to DPDK as a heap of
 * its own. Random ranges of many artifacts are read, so page size matters more than anything else.
 */
#include "dpdk/eal.h"

#include <stdio.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "base/must.h"

#define HEAP	  "assay_artifacts"
#define PAGE	  ((uint64_t)2 * 1024 * 1024)
#define ALIGNMENT 64

static struct {
	void *map;
	uint64_t len;
	int socket; /* of the heap; -1 when there is none */
} heap = {.socket = -1};

/* A heap over ordinary memory; nothing is used before it is written to. */
static void make_heap(uint64_t len)
{
	void *start;

	len = (len + PAGE - 1) / PAGE * PAGE;
	void *map = mmap(NULL, len + PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return;
	heap.map = map;
	heap.len = len + PAGE;
	start = (void *)(((uintptr_t)map + PAGE - 1) / PAGE * PAGE);
	madvise(start, len, MADV_HUGEPAGE);
	if (rte_malloc_heap_create(HEAP) == 0 &&
	    rte_malloc_heap_memory_add(HEAP, start, len, NULL, (unsigned)(len / PAGE), PAGE) == 0)
		heap.socket = rte_malloc_heap_get_socket(HEAP);
}

static void *alloc(void *ctx, size_t len)
{
	void *p = NULL;

	if (eal_has_hugepages())
		p = rte_malloc("assay_artifact", len, ALIGNMENT);
	if (p == NULL && heap.socket >= 0)
		p = rte_malloc_socket("assay_artifact", len, ALIGNMENT, heap.socket);
	return p;
}

static void release(void *ctx, void *p, size_t len)
{
	rte_free(p);
}

struct store_memory eal_store_memory(uint64_t len)
{
	if (len > 0 && heap.map == NULL)
		make_heap(len);
	return (struct store_memory){.alloc = alloc, .release = release};
}

void eal_stop(void)
{
	rte_eal_cleanup();
	if (heap.map != NULL)
		munmap(heap.map, heap.len);
	heap.map = NULL;
	heap.socket = -1;
}
