/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file back from its ticket: symbols, source symbols first, until there are enough; then it is
 * decoded.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/folder.h"
#include "control/codec_thread.h"
#include "control/collect.h"
#include "control/ticket_work.h"

#define SPARE 2 /* symbols over the number of source symbols, at first */

static int decode(struct ticket_work *w, struct pipeline *p, struct collect *c, int folder)
{
	const struct layout *l = collect_the_layout(c);
	uint32_t k = l->block.symbols, enough = k;
	int error = collect_symbols(c, enough);

	/* Without all source symbols a few more make a solution all but certain. */
	while (error == 0) {
		if (ftruncate(w->file, 0) != 0)
			return ASSAY_E_IO;
		error = codec_pool_hold(p);
		if (error == 0) {
			ticket_phase(w, PHASE_DECODE);
			error = pipeline_decode(p, folder, w->file);
			codec_pool_release();
			ticket_phase(w, PHASE_FETCH);
		}
		if (error != ASSAY_E_NOTFOUND || enough > collect_have(c))
			return error;
		enough = collect_have(c) + SPARE;
		error = collect_symbols(c, enough);
	}
	if (error == ASSAY_E_NOTFOUND) {
		p->message[0] = '\0';
		ticket_fail(w, error,
			    "%u of %u symbols could be collected, %u are needed; some holders do "
			    "not answer or have lost theirs",
			    collect_have(c), l->symbols, k);
	}
	return error;
}

static int fetch(struct ticket_work *w, struct pipeline *p, int folder)
{
	struct collect_config config = {.client = &w->client,
					.facts = &w->facts,
					.deal = &w->deal,
					.own = w->own,
					.p = p,
					.folder = folder};
	struct collect *c;
	int error;

	w->client.account = w->account;
	error = collect_open(&c, &config);
	if (error == 0)
		error = collect_layout(c);
	if (error != 0)
		ticket_fail(w, error, "%s", collect_message(c));
	else
		error = decode(w, p, c, folder);
	if (error != 0 && p->message[0] != '\0')
		ticket_fail(w, error, "%s", p->message);
	collect_close(c);
	return error;
}

int ticket_fetch(struct ticket_work *w, const struct task_pool *pool)
{
	struct pipeline p = {.pool = pool, .progress = ticket_progress, .ctx = w};
	int folder = -1, error;

	if (folder_make_apart(w->folder) == 0)
		folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return ticket_fail(w, ASSAY_E_IO, "%s: the staging folder cannot be made",
				   w->folder);
	error = fetch(w, &p, folder);
	close(folder);
	return error;
}
