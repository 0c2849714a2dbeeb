/* SPDX-License-Identifier: Apache-2.0 */
/* Layout JSON and layout files from anybody. What is accepted writes back to something that reads.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "codec/artifact.h"
#include "codec/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const char *text, size_t len)
{
	struct layout l, again;
	const char *why;
	char *out;
	size_t out_len;

	if (layout_read(&l, &why, text, len) != 0) {
		must(why[0] != '\0' || l.ids == NULL);
		return;
	}
	must(layout_write(&out, &out_len, &l) == 0);
	must(layout_read(&again, &why, out, out_len) == 0);
	must(again.symbols == l.symbols && memcmp(again.ids, l.ids, 32 * (size_t)l.symbols) == 0);
	must(memcmp(&again.params, &l.params, sizeof(l.params)) == 0);
	free(out);
	layout_free(&l);
	layout_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *signature;
	uint32_t counter;
	size_t len;

	round_trip((const char *)data, size);
	if (artifact_open(&text, &len, &signature, &counter, data, size, 1 << 20) == 0) {
		round_trip(text, len);
		free(text);
		free(signature);
	}
	return 0;
}
