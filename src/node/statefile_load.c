/* SPDX-License-Identifier: Apache-2.0 */
/* A state from a file of this machine. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/statefile.h"
#include "node/statewriter.h"

/* len bytes at offset, all of them. */
static int read_all(const struct disk *d, int file, void *out, size_t len, uint64_t offset)
{
	int64_t n = d->read(d->ctx, file, out, len, offset);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : ASSAY_E_CORRUPT;
}

static int read_header(struct statefile_header *h, const struct disk *d, int file,
		       const uint8_t root[32])
{
	uint8_t *bytes = malloc(STATEFILE_HEADER_LEN), own[32];
	int err;

	must(bytes != NULL);
	err = read_all(d, file, bytes, STATEFILE_HEADER_LEN, 0);
	if (err == 0)
		err = statefile_header_read(h, bytes);
	free(bytes);
	if (err != 0)
		return err;
	statefile_root(own, h);
	return memcmp(own, root, sizeof(own)) == 0 ? 0 : ASSAY_E_CORRUPT;
}

static int read_buckets(struct state *s, const struct disk *d, int file,
			const struct statefile_header *h)
{
	uint64_t offset = STATEFILE_HEADER_LEN;
	struct buf lines = {0};
	int err = 0;

	for (unsigned b = 0; err == 0 && b < BUCKETS; b++) {
		size_t len = h->buckets[b].len;

		buf_clear(&lines);
		err = read_all(d, file, buf_room(&lines, len), len, offset);
		if (err == 0)
			err = statefile_load(s, h, b, lines.at, len);
		offset += len;
	}
	buf_free(&lines);
	return err;
}

int state_file_load(struct state *s, const struct disk *disk, const char *path,
		    const uint8_t root[32], const struct state_origin *genesis)
{
	struct statefile_header *h = malloc(sizeof(*h));
	struct state_origin origin = *genesis;
	int file = disk->open(disk->ctx, path, DISK_READ), err = file < 0 ? file : 0;

	must(h != NULL);
	if (err == 0)
		err = read_header(h, disk, file, root);
	if (err == 0)
		err = read_buckets(s, disk, file, h);
	if (err == 0) {
		origin.seq = h->seq;
		memcpy(origin.log, h->log, sizeof(origin.log));
		err = state_loaded(s, &origin) == 0 ? 0 : ASSAY_E_CORRUPT;
	}
	if (file >= 0)
		disk->close(disk->ctx, file);
	free(h);
	return err;
}
