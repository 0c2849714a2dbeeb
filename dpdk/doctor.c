/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight's findings as the operator's doctor shows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/schnorr_batch.h"
#include "base/must.h"
#include "dpdk/dataplane.h"
#include "dpdk/preflight.h"

static enum plane_verdict verdict(enum finding_severity severity)
{
	if (severity == FINDING_BLOCKS)
		return PLANE_BAD;
	return severity == FINDING_GOOD ? PLANE_GOOD : PLANE_WARNING;
}

/* Findings read "what was looked at: what was found". */
static void show(struct plane_check *out, const struct finding *f)
{
	const char *colon = strstr(f->what, ": ");

	must(colon != NULL);
	out->verdict = verdict(f->severity);
	snprintf(out->what, sizeof(out->what), "%.*s", (int)(colon - f->what), f->what);
	snprintf(out->found, sizeof(out->found), "%s", colon + 2);
	snprintf(out->remedy, sizeof(out->remedy), "%s", f->remedy);
}

/* Which code of batch verification this processor gets. */
static void show_signatures(struct plane_check *out)
{
	const char *code = assay_schnorr_best();
	bool is_plain = strcmp(code, "plain") == 0;

	*out = (struct plane_check){.verdict = PLANE_GOOD, .what = "signatures"};
	snprintf(out->found, sizeof(out->found), "verified in batches by %s code%s", code,
		 is_plain ? ": this processor has neither AVX2 with FMA nor AVX-512 IFMA, which "
			    "are several times faster"
			  : "");
}

unsigned dataplane_doctor(const struct dataplane_config *config, struct plane_check *out,
			  unsigned room)
{
	struct preflight *p = malloc(sizeof(*p));
	struct preflight_host host = {
		.pmd_dir = eal_pmd_dir(),
		.hugepages_taken = eal_has_hugepages(),
	};
	unsigned n;

	must(p != NULL);
	preflight_run(p, config, &host);
	n = p->count < room ? p->count : room;
	for (unsigned i = 0; i < n; i++)
		show(&out[i], &p->finding[i]);
	free(p);
	if (n < room)
		show_signatures(&out[n++]);
	return n;
}
