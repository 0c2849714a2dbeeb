/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *file, int line, const char *function, const char *text)
{
	fprintf(stderr, "assay: bug at %s:%d in %s: %s does not hold; stopping\n", file, line,
		function, text);
	abort();
}
