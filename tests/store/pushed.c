/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pushed.h"

#include <string.h>

#include "crypto/tree.h"

static enum assay_reason ask(struct pushed *p, uint8_t type)
{
	p->job.type = type;
	p->job.account = p->account;
	p->job.session = p->session;
	store_write(p->world->store, &p->job);
	return (enum assay_reason)p->job.reason;
}

enum assay_reason push_open(struct pushed *p, uint64_t n, uint64_t size)
{
	memset(p->job.key, (int)n, 32);
	if (size > 0 && size < 1u << 24)
		file_key(n, size, p->job.key);
	p->job.size = size;
	return ask(p, ASSAY_WRITE_OPEN);
}

enum assay_reason push_chunk(struct pushed *p, uint32_t transfer, uint64_t n, uint64_t size,
			     uint32_t chunk)
{
	p->job.transfer = transfer;
	p->job.chunk = chunk;
	p->job.length = tree_chunk_len(size, chunk);
	file_bytes(n, (uint64_t)chunk * TREE_CHUNK, p->job.data, p->job.length);
	return ask(p, ASSAY_WRITE_DATA);
}

enum assay_reason push_commit(struct pushed *p, uint32_t transfer)
{
	p->job.transfer = transfer;
	return ask(p, ASSAY_WRITE_COMMIT);
}

enum write_state push_file(struct pushed *p, uint64_t n, uint64_t size)
{
	uint32_t transfer;

	if (push_open(p, n, size) != ASSAY_R_NONE)
		return WRITE_FAILED;
	if (p->job.status.state != WRITE_OPENED)
		return (enum write_state)p->job.status.state;
	transfer = p->job.status.transfer;
	for (uint32_t c = 0; c < tree_chunks(size); c++)
		if (push_chunk(p, transfer, n, size, c) != ASSAY_R_NONE)
			return WRITE_FAILED;
	for (unsigned i = 0; i < 2; i++) {
		if (push_commit(p, transfer) != ASSAY_R_NONE)
			return WRITE_FAILED;
		store_commit(p->world->store);
	}
	return (enum write_state)p->job.status.state;
}
