/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a staging folder: any text is either none, with a reason, or one that says the
 * same when it is written again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "control/heal_stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest m, again;
	const char *why = NULL;
	char *text;
	size_t text_len;

	if (manifest_parse(&m, &why, (const char *)data, len) != 0) {
		must(why != NULL);
		return 0;
	}
	must(m.id_files > 0 && m.layout.symbols > 0);
	must(manifest_text(&text, &text_len, &m) == 0);
	must(manifest_parse(&again, &why, text, text_len) == 0);
	must(strcmp(again.ticket, m.ticket) == 0 && strcmp(again.hash, m.hash) == 0);
	must(again.layout.symbols == m.layout.symbols &&
	     memcmp(again.layout.ids, m.layout.ids, 32 * (size_t)m.layout.symbols) == 0);
	manifest_free(&again);
	manifest_free(&m);
	free(text);
	return 0;
}
