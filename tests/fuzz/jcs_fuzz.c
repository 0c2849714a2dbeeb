/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON decoder, against its own writer and against jansson. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ledger/jcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is JSON to others too, of the same value; its text is a fixed point. */
static void check_accepted(const json_t *value, const char *text, size_t len)
{
	struct buf once = {0}, twice = {0};
	enum jcs_error error;
	json_error_t other;
	json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &other);
	json_t *again;

	must(theirs != NULL && json_equal(value, theirs));
	jcs_write(&once, value);
	again = jcs_parse(&error, once.at, once.len, once.len);
	must(again != NULL && json_equal(value, again));
	jcs_write(&twice, again);
	must(once.len == twice.len && memcmp(once.at, twice.at, once.len) == 0);
	json_decref(theirs);
	json_decref(again);
	buf_free(&once);
	buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum jcs_error error;
	json_t *value = jcs_parse(&error, (const char *)data, size, 65536);

	must((value != NULL) == (error == JCS_OK));
	must(jcs_error_name(error)[0] != '\0');
	if (value != NULL)
		check_accepted(value, (const char *)data, size);
	json_decref(value);
	return 0;
}
