/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a committee member's secret. */
#include <string.h>

#include "base/must.h"
#include "node/reveal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t secret[32], next[32], again[32];
	bool has_next, same;

	if (reveal_parse(secret, next, &has_next, (const char *)data, len) == 0) {
		must(reveal_parse(again, next, &same, (const char *)data, len) == 0);
		must(same == has_next && memcmp(secret, again, 32) == 0);
	}
	return 0;
}
