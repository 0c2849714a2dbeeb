/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "base/must.h"
#include "store/reader.h"

#define DEPTH 256

struct io_uring *reader_ring_new(void)
{
	struct io_uring *ring = calloc(1, sizeof(*ring));

	if (ring != NULL && io_uring_queue_init(DEPTH, ring, 0) == 0)
		return ring;
	free(ring);
	return NULL;
}

void reader_ring_free(struct io_uring *ring)
{
	if (ring == NULL)
		return;
	io_uring_queue_exit(ring);
	free(ring);
}

static unsigned submit(const struct disk *d, struct io_uring *ring, struct span *spans, unsigned n,
		       unsigned room)
{
	unsigned done = 0;

	for (struct io_uring_sqe *sqe; done < n && done < room; done++) {
		struct span *span = &spans[done];

		sqe = io_uring_get_sqe(ring);
		if (sqe == NULL)
			break;
		io_uring_prep_read(sqe, d->raw_fd(d->ctx, span->file), span->out, span->len,
				   span->offset);
		io_uring_sqe_set_data(sqe, span);
	}
	return done;
}

static unsigned reap(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(ring, head, cqe)
	{
		struct span *span = io_uring_cqe_get_data(cqe);

		span->got = cqe->res;
		n++;
	}
	io_uring_cq_advance(ring, n);
	return n;
}

static void read_ring(const struct disk *d, struct io_uring *ring, struct span *spans, unsigned n)
{
	unsigned next = 0, waiting = 0;

	while (next < n || waiting > 0) {
		unsigned more = submit(d, ring, spans + next, n - next, DEPTH - waiting);

		next += more;
		waiting += more;
		int ret = io_uring_submit_and_wait(ring, 1);

		must(ret >= 0 || ret == -EINTR || ret == -EAGAIN || ret == -EBUSY);
		waiting -= reap(ring);
	}
}

/* What the ring did not read whole is read again in the plain way, which tells why. */
void reader_read(const struct disk *d, struct io_uring *ring, struct span *spans, unsigned n)
{
	if (ring != NULL)
		read_ring(d, ring, spans, n);
	for (unsigned i = 0; i < n; i++)
		if (ring == NULL || spans[i].got != spans[i].len)
			spans[i].got = d->read(d->ctx, spans[i].file, spans[i].out, spans[i].len,
					       spans[i].offset);
}
