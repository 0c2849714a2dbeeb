/* SPDX-License-Identifier: Apache-2.0 */
/* After a trial: every answer that was kept is checked as any challenger would. */
#include <stdlib.h>
#include <string.h>

#include "assay/check.h"
#include "base/must.h"
#include "load.h"

struct kept {
	uint64_t request;
	const struct load_record *record;
};

static int by_request(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->record->session != y->record->session)
		return x->record->session < y->record->session ? -1 : 1;
	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	return x->record < y->record ? -1 : 1; /* in order of arrival */
}

static struct kept *sorted_records(const struct load *l)
{
	struct kept *list = malloc((l->records + 1) * sizeof(*list));
	size_t at = 0;

	must(list != NULL);
	for (uint64_t i = 0; i < l->records; i++) {
		const struct load_record *r = (const void *)(l->arena + at);

		list[i] = (struct kept){r->request, r};
		at += (sizeof(*r) + r->len + 7u) & ~(size_t)7;
	}
	qsort(list, l->records, sizeof(*list), by_request);
	return list;
}

/* All datagrams that answer one request. The window was the receiver's business; here each stands
 * alone. */
static enum assay_verdict check_one(struct load *l, struct assay_seals *seals,
				    const struct kept *list, uint64_t n)
{
	_Alignas(8) uint8_t request[sizeof(struct assay_prove) + 8 * ASSAY_RANGES_MAX];
	unsigned session = list->record->session;
	struct bench_session *s = &l->session[session];
	uint16_t len = bench_request((void *)request, &l->plan, session, list->request);
	struct assay_check_params params = {.network_id = l->target.network_id,
					    .identity = l->target.identity,
					    .challenger = l->account,
					    .target = l->target.account,
					    .body = request + sizeof(struct assay_session_head),
					    .body_len = len - sizeof(struct assay_session_head),
					    .seals = seals};
	struct assay_inbound inbound;
	struct assay_check *check;
	enum assay_verdict verdict;

	must(assay_check_new(&check, &params) == 0);
	must(assay_check_counter(check, list->request) == 0);
	assay_inbound_init(&inbound, s->keys.k_r, s->index, ASSAY_PAYLOAD_DEFAULT);
	for (uint64_t i = 0; i < n; i++)
		assay_check_feed(check, &inbound, list[i].record->data, list[i].record->len);
	verdict = assay_check_verdict(check);
	assay_check_free(check);
	return verdict;
}

void load_check(struct load *l, struct load_verdicts *out)
{
	struct kept *list = sorted_records(l);
	struct assay_seals *seals = assay_seals_new(4096);

	must(seals != NULL);
	memset(out, 0, sizeof(*out));
	for (uint64_t i = 0, n; i < l->records; i += n) {
		for (n = 1; i + n < l->records && list[i + n].request == list[i].request &&
			    list[i + n].record->session == list[i].record->session;
		     n++)
			;
		enum assay_verdict verdict = check_one(l, seals, &list[i], n);

		out->checked++;
		if (verdict == (l->plan.tree ? ASSAY_PASS : ASSAY_PLAIN))
			out->good++;
		else if (verdict == ASSAY_INCOMPLETE)
			out->incomplete++;
		else
			out->bad++;
	}
	out->seals = assay_seals_stats(seals).misses;
	assay_seals_free(seals);
	free(list);
}
