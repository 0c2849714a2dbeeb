/* SPDX-License-Identifier: Apache-2.0 */
#include "control/heal_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"
#include "base/sim.h"
#include "base/text.h"
#include "codec/pipeline.h"

#define ARTIFACTS_MAX 4096

static int take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		const void *data, size_t len)
{
	struct made_file *m = ctx;
	unsigned c = class == ARTIFACT_INDEX ? 1 : 2;
	struct made_artifact *a = &m->artifact[c][ordinal];

	must(ordinal < ARTIFACTS_MAX);
	memcpy(a->id, id, 32);
	a->data = malloc(len);
	must(a->data != NULL);
	memcpy(a->data, data, len);
	a->len = len;
	return 0;
}

static void keep_facts(struct made_file *m, const struct ticket *t, const uint8_t creator[32])
{
	struct ticket_facts *f = &m->facts;
	char *hash = artifact_base64(t->data_hash, 32);

	*f = (struct ticket_facts){.size = t->size,
				   .ic = t->ic,
				   .max = t->max,
				   .ratio = t->ratio,
				   .index_ids = calloc(t->max, sizeof(*f->index_ids)),
				   .signatures = strdup(t->signatures)};
	must(hash != NULL && f->index_ids != NULL && f->signatures != NULL);
	strcpy(f->data_hash, hash);
	free(hash);
	memcpy(f->creator, creator, 32);
	for (uint32_t i = 0; i < t->max; i++)
		base58_encode(f->index_ids[i], sizeof(f->index_ids[i]), t->index_ids[i], 32);
	m->counts[1] = 2 * t->max;
	m->counts[2] = t->symbols;
	m->source = t->symbols - (uint32_t)layout_repair(t->size, t->ratio);
}

void made_make(struct made_file *m, uint64_t size, uint64_t seed, const struct sign_key *creator,
	       uint32_t max)
{
	struct random random = random_sim(&seed);
	struct ticket_terms terms = {creator, &random, 1, max, 5};
	struct artifact_sink sink = {take, m};
	struct pipeline p = {.pool = NULL};
	int file = memfd_create("made", MFD_CLOEXEC);
	struct ticket ticket;

	*m = (struct made_file){.data = malloc(size)};
	for (unsigned c = 1; c <= 2; c++)
		m->artifact[c] = calloc(ARTIFACTS_MAX, sizeof(*m->artifact[c]));
	must(m->data != NULL && m->artifact[1] != NULL && m->artifact[2] != NULL && file >= 0);
	random_fill(&random, m->data, size);
	must(write(file, m->data, size) == (ssize_t)size);
	must(pipeline_put(&p, file, &terms, &sink, &ticket) == 0);
	keep_facts(m, &ticket, creator->public);
	ticket_free(&ticket);
	close(file);
}

void made_free(struct made_file *m)
{
	for (unsigned c = 1; c <= 2; c++) {
		for (uint32_t i = 0; i < m->counts[c]; i++)
			free(m->artifact[c][i].data);
		free(m->artifact[c]);
	}
	ticket_facts_free(&m->facts);
	free(m->data);
}
