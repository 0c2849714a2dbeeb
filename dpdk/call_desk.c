/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/call_desk.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>

#include "assay/status.h"

int call_desk_open(struct call_desk *d, unsigned workers)
{
	d->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->waiting = rte_ring_create("assay_calls", rte_align32pow2(workers * CALL_SLOTS + 1),
				     SOCKET_ID_ANY, RING_F_SC_DEQ);
	return d->fd >= 0 && d->waiting != NULL ? 0 : ASSAY_E_NOMEM;
}

void call_desk_close(struct call_desk *d)
{
	rte_ring_free(d->waiting);
	if (d->fd >= 0)
		close(d->fd);
	*d = (struct call_desk){.fd = -1};
}

bool call_desk_put(struct call_desk *d, struct call_job *job)
{
	uint64_t one = 1;

	if (rte_ring_mp_enqueue(d->waiting, job) != 0)
		return false;
	(void)!write(d->fd, &one, sizeof(one));
	return true;
}

struct call_job *call_desk_take(struct call_desk *d)
{
	void *job = NULL;
	uint64_t count;

	if (rte_ring_sc_dequeue(d->waiting, &job) == 0)
		return job;
	(void)!read(d->fd, &count, sizeof(count));
	/* One may have come between the two. */
	return rte_ring_sc_dequeue(d->waiting, &job) == 0 ? job : NULL;
}
