/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/grid.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"

struct place {
	uint64_t at;   /* in the file */
	size_t len;    /* of the wanted octets, those that the grid has */
	size_t beyond; /* and those behind its end */
	uint32_t size; /* of a row */
};

static struct place place_of(const struct grid *g, uint32_t sub_block, uint32_t first, uint32_t n)
{
	struct assay_rq_block b = {.symbols = g->symbols};
	struct assay_rq_piece piece;
	uint64_t at, want;
	struct place p;

	must(assay_rq_piece(&piece, &g->params, &b, sub_block) == 0);
	at = piece.start + (uint64_t)first * piece.size;
	want = (uint64_t)n * piece.size;
	p = (struct place){.at = g->base + at, .size = piece.size};
	p.len = at >= g->len ? 0 : g->len - at < want ? g->len - at : want;
	p.beyond = want - p.len;
	return p;
}

static int failed(void)
{
	return errno == ENOSPC || errno == EDQUOT ? ASSAY_E_NOSPC : ASSAY_E_IO;
}

static int read_all(int fd, uint64_t at, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ASSAY_E_CHANGED : failed();
		at += n;
		to += n;
		len -= n;
	}
	return 0;
}

static int write_all(int fd, uint64_t at, const uint8_t *from, size_t len)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed();
		at += n;
		from += n;
		len -= n;
	}
	return 0;
}

/* Parts that lie apart in memory, one behind another in the file. */
static int write_parts(int fd, uint64_t at, struct iovec *part, int n)
{
	while (n > 0) {
		ssize_t wrote = pwritev(fd, part, n, (off_t)at);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return failed();
		at += wrote;
		for (; n > 0 && (size_t)wrote >= part->iov_len; n--)
			wrote -= part++->iov_len;
		if (n > 0) {
			part->iov_base = (uint8_t *)part->iov_base + wrote;
			part->iov_len -= wrote;
		}
	}
	return 0;
}

static int put_group(const struct grid *g, uint32_t first, uint32_t n, const uint8_t *data,
		     size_t stride)
{
	uint32_t offset = 0;

	for (uint32_t j = 0; j < g->params.sub_blocks; j++) {
		struct place p = place_of(g, j, first, n);
		struct iovec part[GRID_GROUP];
		size_t left = p.len;
		int parts = 0, e;

		for (uint32_t i = 0; i < n && left > 0; i++, parts++) {
			part[i].iov_base = (void *)(data + i * stride + offset);
			part[i].iov_len = left < p.size ? left : p.size;
			left -= part[i].iov_len;
		}
		e = write_parts(g->fd, p.at, part, parts);
		if (e != 0)
			return e;
		offset += p.size;
	}
	return 0;
}

int grid_put(const struct grid *g, uint32_t first, uint32_t n, const uint8_t *data, size_t stride)
{
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < n; i += GRID_GROUP)
		e = put_group(g, first + i, n - i < GRID_GROUP ? n - i : GRID_GROUP,
			      data + i * stride, stride);
	return e;
}

int grid_read(const struct grid *g, uint32_t sub_block, uint32_t first, uint32_t n, uint8_t *rows)
{
	struct place p = place_of(g, sub_block, first, n);

	memset(rows + p.len, 0, p.beyond);
	return read_all(g->fd, p.at, rows, p.len);
}

int grid_write(const struct grid *g, uint32_t sub_block, uint32_t first, uint32_t n,
	       const uint8_t *rows)
{
	struct place p = place_of(g, sub_block, first, n);

	return write_all(g->fd, p.at, rows, p.len);
}
