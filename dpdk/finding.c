/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/finding.h"

#include <stdarg.h>
#include <stdio.h>

void finding_set(struct finding *f, enum finding_severity severity, const char *what, ...)
{
	va_list args;

	f->severity = severity;
	f->remedy[0] = '\0';
	va_start(args, what);
	vsnprintf(f->what, sizeof(f->what), what, args);
	va_end(args);
}

void finding_remedy(struct finding *f, const char *remedy, ...)
{
	va_list args;

	va_start(args, remedy);
	vsnprintf(f->remedy, sizeof(f->remedy), remedy, args);
	va_end(args);
}

const char *finding_severity_name(enum finding_severity severity)
{
	static const char *const names[] = {"good", "note", "warning", "blocks"};

	return names[severity];
}
