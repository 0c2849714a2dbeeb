/* SPDX-License-Identifier: Apache-2.0 */
/* Any frame: what is found lies inside it, and an answer is never longer than its request. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk/frame.h"
#include "dpdk/neighbour.h"

#define CHECK(x)                 \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct frame_self self = {
		.mac = {2, 0, 0, 0, 0, 1},
		.address_count = 2,
		.address = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}, 4600},
			    {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 4600}},
	};
	struct frame f;
	uint8_t *copy;

	if (len > 9216)
		return 0;
	frame_parse(&f, data, (uint32_t)len, &self);
	switch (f.kind) {
	case FRAME_DROP:
		CHECK(f.reason != ASSAY_R_NONE);
		break;
	case FRAME_UDP:
		CHECK((size_t)f.offset + f.len <= len);
		CHECK(f.path.local.port == 4600);
		break;
	default:
		CHECK(f.offset <= len);
		copy = malloc(len);
		CHECK(copy != NULL);
		memcpy(copy, data, len);
		CHECK(neighbour_answer(copy, &f, &self) <= len);
		CHECK(memcmp(copy + 6, self.mac, 6) == 0);
		free(copy);
	}
	return 0;
}
