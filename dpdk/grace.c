/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/grace.h"

#include <stdlib.h>

#include <rte_malloc.h>

#include "assay/status.h"
#include "base/must.h"

struct grace_entry {
	struct grace_entry *next;
	void (*release)(void *pointer);
	void *pointer;
	uint64_t token;
};

int grace_open(struct grace_state *g, unsigned workers)
{
	size_t size = rte_rcu_qsbr_get_memsize(workers);

	g->qsbr = rte_zmalloc("assay_qsbr", size, RTE_CACHE_LINE_SIZE);
	if (g->qsbr == NULL)
		return ASSAY_E_NOMEM;
	must(rte_rcu_qsbr_init(g->qsbr, workers) == 0);
	for (unsigned i = 0; i < workers; i++)
		must(rte_rcu_qsbr_thread_register(g->qsbr, i) == 0);
	must(pthread_mutex_init(&g->lock, NULL) == 0);
	g->first = NULL;
	g->last = &g->first;
	return 0;
}

static void defer(void *ctx, void (*release)(void *pointer), void *pointer)
{
	struct grace_state *g = ctx;
	struct grace_entry *e;

	if (!g->has_workers) {
		release(pointer);
		return;
	}
	e = malloc(sizeof(*e));
	must(e != NULL);
	*e = (struct grace_entry){.release = release, .pointer = pointer};
	pthread_mutex_lock(&g->lock);
	e->token = rte_rcu_qsbr_start(g->qsbr); /* rises along the list */
	*g->last = e;
	g->last = &e->next;
	pthread_mutex_unlock(&g->lock);
}

struct grace grace_of(struct grace_state *g)
{
	return (struct grace){.defer = defer, .ctx = g};
}

/* The first of the list if its time has come, taken off. */
static struct grace_entry *take_ready(struct grace_state *g)
{
	struct grace_entry *e;

	pthread_mutex_lock(&g->lock);
	e = g->first;
	if (e != NULL && rte_rcu_qsbr_check(g->qsbr, e->token, false) == 1) {
		g->first = e->next;
		if (g->first == NULL)
			g->last = &g->first;
	} else {
		e = NULL;
	}
	pthread_mutex_unlock(&g->lock);
	return e;
}

void grace_collect(struct grace_state *g)
{
	struct grace_entry *e;

	while ((e = take_ready(g)) != NULL) {
		e->release(e->pointer); /* may defer again */
		free(e);
	}
}

void grace_with_workers(struct grace_state *g)
{
	g->has_workers = true;
}

void grace_alone(struct grace_state *g)
{
	grace_collect(g);
	must(g->first == NULL);
	g->has_workers = false;
}

void grace_close(struct grace_state *g)
{
	grace_alone(g);
	pthread_mutex_destroy(&g->lock);
	rte_free(g->qsbr);
}

void grace_online(struct grace_state *g, unsigned worker)
{
	rte_rcu_qsbr_thread_online(g->qsbr, worker);
}

void grace_offline(struct grace_state *g, unsigned worker)
{
	rte_rcu_qsbr_thread_offline(g->qsbr, worker);
}
