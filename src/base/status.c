/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/status.h"

#include <stddef.h>

struct entry {
	int number;
	const char *name;
	const char *text;
};

static const struct entry reasons[] = {
#define X(number, constant, name, text) {number, name, text},
	ASSAY_REASONS(X)
#undef X
};

static const char *const errors[] = {"no error",
#define X(number, constant, text) [number] = text,
				     ASSAY_ERRORS(X)
#undef X
};

static const struct entry *find(unsigned reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if ((unsigned)reasons[i].number == reason)
			return &reasons[i];
	return NULL;
}

const char *assay_reason_name(unsigned reason)
{
	const struct entry *e = find(reason);

	if (reason == ASSAY_R_NONE)
		return "none";
	return e != NULL ? e->name : "unknown";
}

const char *assay_reason_text(unsigned reason)
{
	const struct entry *e = find(reason);

	return e != NULL ? e->text : "no reason of this list";
}

int assay_reason_known(unsigned reason)
{
	return find(reason) != NULL;
}

const char *assay_error_text(int error)
{
	unsigned i = (unsigned)-error;

	if (error > 0 || i >= sizeof(errors) / sizeof(errors[0]) || errors[i] == NULL)
		return "unknown error";
	return errors[i];
}
