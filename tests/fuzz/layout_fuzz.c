/* SPDX-License-Identifier: Apache-2.0 */
/* Layout JSON, index JSON, layout and index files from anybody. What is accepted writes back to
 * something that reads. */
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

static void index_round_trip(const char *text, size_t len)
{
	uint8_t(*ids)[32], (*again)[32];
	char *signature, *same, *out;
	size_t n = len > 0 ? text[len - 1] % 4 + 1 : 1;

	/* the last octet chooses how many ids the ticket says */
	if (artifact_index_read(&ids, &signature, n, text, len) != 0)
		return;
	out = artifact_index((const uint8_t(*)[32])ids, n, signature);
	must(out != NULL);
	must(artifact_index_read(&again, &same, n, out, strlen(out)) == 0);
	must(memcmp(again, ids, n * 32) == 0 && strcmp(same, signature) == 0);
	free(again);
	free(same);
	free(ids);
	free(signature);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *signature;
	uint32_t counter;
	size_t len;

	round_trip((const char *)data, size);
	index_round_trip((const char *)data, size);
	if (artifact_open(&text, &len, &signature, &counter, data, size, 1 << 20) == 0) {
		round_trip(text, len);
		index_round_trip(text, len);
		free(text);
		free(signature);
	}
	return 0;
}
