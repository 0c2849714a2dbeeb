/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/scores.h"

#include <stdlib.h>

#include "base/must.h"

struct scores *scores_new(void)
{
	struct scores *scores = calloc(1, sizeof(*scores));

	must(scores != NULL);
	index_init(&scores->index);
	return scores;
}

void scores_free(struct scores *scores)
{
	if (scores == NULL)
		return;
	assignment_forget(&scores->assignment);
	free(scores);
}

void scores_load(struct state *s)
{
	struct tables *t = state_tables(s);
	struct index *x = &state_scores(s)->index;

	index_init(x);
	assignment_forget(&state_scores(s)->assignment);
	for (struct record *r = table_first(t, T_TRANSCRIPTS); r != NULL; r = table_next(t, r))
		index_add_transcript(x, (struct transcript_record *)r);
	for (struct record *r = table_first(t, T_REPORTER_RESULTS); r != NULL; r = table_next(t, r))
		index_add_result(x, (struct reporter_result *)r);
	for (struct record *r = table_first(t, T_HEAL_OPS); r != NULL; r = table_next(t, r))
		index_add_op(x, (struct heal_op *)r);
}
