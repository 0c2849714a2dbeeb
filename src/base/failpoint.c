/* SPDX-License-Identifier: Apache-2.0 */
#include "base/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

static const struct {
	const char *name, *text;
} points[FAIL_COUNT] = {
#define X(constant, name, text) {name, text},
	FAILPOINTS(X)
#undef X
};

/* The one that is armed. */
static struct {
	enum failpoint which;
	_Atomic long left; /* until its time: 1 is now */
} armed;

const char *failpoint_name(enum failpoint which)
{
	return points[which].name;
}

const char *failpoint_text(enum failpoint which)
{
	return points[which].text;
}

static bool pass_armed(void *ctx, enum failpoint which)
{
	if (which != armed.which || atomic_fetch_sub(&armed.left, 1) != 1)
		return false;
	if (which > FAIL_LEDGER_APPLY)
		return true;
	raise(SIGKILL);
	never(true);
	return true;
}

int failpoints_env(struct failpoints *out, char *why, size_t why_room)
{
	const char *value = getenv("ASSAY_FAILPOINT"), *colon;
	char *end;
	long count = 1;

	*out = (struct failpoints){NULL, NULL};
	if (value == NULL || value[0] == '\0')
		return 0;
	colon = strchrnul(value, ':');
	if (*colon == ':') {
		count = strtol(colon + 1, &end, 10);
		if (end == colon + 1 || *end != '\0' || count < 1 || count > 1000000)
			goto wrong;
	}
	for (unsigned i = 0; i < FAIL_COUNT; i++)
		if (strlen(points[i].name) == (size_t)(colon - value) &&
		    strncmp(points[i].name, value, (size_t)(colon - value)) == 0) {
			armed.which = (enum failpoint)i;
			atomic_store(&armed.left, count);
			out->pass = pass_armed;
			return 0;
		}
wrong:
	snprintf(why, why_room,
		 "ASSAY_FAILPOINT=%.60s: not name[:count] with a name that assayd --failpoints "
		 "lists",
		 value);
	return ASSAY_E_INVAL;
}
