/* SPDX-License-Identifier: Apache-2.0 */
/* All artifacts of a file, the ticket about them, and the way back from any one layout file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"
#include "codec/pipeline.h"
#include "raptorq/box.h"

enum { MAX = 6, IC = 7, LENGTH = 200000, ARTIFACTS = 200 };

struct shelf { /* what a sink got */
	struct artifact_file symbol[ARTIFACTS], index[2 * MAX];
	uint32_t symbols, indexes, refuse_at;
};

static struct sign_key creator, other;
static struct random randomness;

static int take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		const void *data, size_t len)
{
	struct shelf *s = ctx;
	struct artifact_file *a =
		class == ARTIFACT_SYMBOL ? &s->symbol[ordinal] : &s->index[ordinal];
	uint8_t digest[32];

	/* in order, and the id is that of the bytes */
	assert_int_equal(ordinal, class == ARTIFACT_SYMBOL ? s->symbols++ : s->indexes++);
	assert_true(class == ARTIFACT_SYMBOL ? ordinal < ARTIFACTS && s->indexes == 0
					     : ordinal < 2 * MAX);
	digest_one(digest, NULL, data, len);
	assert_memory_equal(digest, id, 32);
	memcpy(a->id, id, 32);
	a->data = malloc(len);
	a->len = len;
	memcpy(a->data, data, len);
	return s->refuse_at != 0 && s->symbols + s->indexes == s->refuse_at ? ASSAY_E_NOSPC : 0;
}

static void shelf_free(struct shelf *s)
{
	for (uint32_t i = 0; i < s->symbols; i++)
		free(s->symbol[i].data);
	for (uint32_t i = 0; i < s->indexes; i++)
		free(s->index[i].data);
	memset(s, 0, sizeof(*s));
}

static int make(struct shelf *s, struct ticket *t, size_t length, uint32_t ratio)
{
	struct pipeline p = {0};
	struct ticket_terms terms = {&creator, &randomness, IC, MAX, ratio};
	struct artifact_sink sink = {take, s};
	int fd = memfd_create("file", 0), e;
	uint8_t *data = malloc(length);

	box_fill(data, length, 1);
	assert_int_equal(write(fd, data, length), length);
	e = pipeline_put(&p, fd, &terms, &sink, t);
	close(fd);
	free(data);
	return e;
}

static void complete(void **state)
{
	struct shelf s = {0}, again = {0};
	struct artifact_sink sink = {take, &again};
	struct ticket t;
	struct ticket_index index;
	struct layout l;
	const char *why;

	assert_int_equal(make(&s, &t, LENGTH, 5), 0);
	assert_int_equal(t.size, LENGTH);
	assert_int_equal(t.symbols, 4 + (LENGTH * 5 + 65534) / 65535);
	assert_int_equal(s.symbols, t.symbols);
	assert_int_equal(s.indexes, 2 * MAX);
	assert_int_equal(s.symbol[0].len, 65532);
	for (uint32_t i = 0; i < MAX; i++)
		assert_memory_equal(t.index_ids[i], s.index[MAX + i].id, 32);
	/* from the record alone to the index, from any layout file to the layout */
	assert_int_equal(ticket_index_read(&index, &t, creator.public), 0);
	for (uint32_t i = 0; i < MAX; i++) {
		assert_memory_equal(index.layout_ids[i], s.index[i].id, 32);
		assert_int_equal(ticket_layout_read(&l, &why, &t, &index, creator.public,
						    s.index[i].data, s.index[i].len),
				 0);
		assert_int_equal(l.symbols, t.symbols);
		for (uint32_t n = 0; n < l.symbols; n++)
			assert_memory_equal(l.ids[n], s.symbol[n].id, 32);
		if (i < MAX - 1)
			layout_free(&l);
	}
	/* every file again, octet by octet; take() demands order, and ids are compared inside */
	assert_int_equal(ticket_remake(&t, &index, creator.public, &l, &sink), 0);
	assert_int_equal(again.indexes, 2 * MAX);
	for (uint32_t i = 0; i < 2 * MAX; i++) {
		assert_int_equal(again.index[i].len, s.index[i].len);
		assert_memory_equal(again.index[i].data, s.index[i].data, s.index[i].len);
	}
	layout_free(&l);
	ticket_index_free(&index);
	ticket_free(&t);
	shelf_free(&s);
	shelf_free(&again);
}

/* Small files have ratio + 1 repair symbols; other terms are other symbols. */
static void counts(void **state)
{
	static const uint32_t cases[][3] = {
		{1, 5, 7}, {65535, 5, 2 + 6}, {65536, 5, 2 + 6}, {65528, 2, 1 + 3}, {131070, 1, 5},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shelf s = {0};
		struct ticket t;

		assert_int_equal(make(&s, &t, cases[i][0], cases[i][1]), 0);
		assert_int_equal(t.symbols, cases[i][2]);
		assert_int_equal(t.ratio, cases[i][1]);
		ticket_free(&t);
		shelf_free(&s);
	}
}

static int read_layout(const struct ticket *t, const struct ticket_index *index,
		       const struct artifact_file *a)
{
	struct layout l;
	const char *why = NULL;
	int e = ticket_layout_read(&l, &why, t, index, creator.public, a->data, a->len);

	if (e == 0)
		layout_free(&l);
	else
		assert_non_null(why);
	return e;
}

static void refused(void **state)
{
	struct shelf s = {0}, none = {0};
	struct artifact_sink sink = {take, &none};
	struct ticket t, wrong;
	struct ticket_index index, bad;
	struct layout l;
	const char *why;
	char *copy;

	assert_int_equal(make(&s, &t, LENGTH, 5), 0);
	assert_int_equal(ticket_index_read(&index, &t, creator.public), 0);
	/* signatures: another key, another text, another form */
	assert_int_equal(ticket_index_read(&bad, &t, other.public), ASSAY_E_CRYPTO);
	wrong = t;
	copy = wrong.signatures = strdup(t.signatures);
	copy[10] = copy[10] == 'A' ? 'B' : 'A';
	assert_int_equal(ticket_index_read(&bad, &wrong, creator.public), ASSAY_E_CRYPTO);
	*strchr(copy, '.') = ',';
	assert_int_equal(ticket_index_read(&bad, &wrong, creator.public), ASSAY_E_CORRUPT);
	wrong = t;
	wrong.max = MAX - 1;
	assert_int_equal(ticket_index_read(&bad, &wrong, creator.public), ASSAY_E_CORRUPT);
	/* layout files: an index file instead, a changed octet, other facts in the ticket */
	assert_int_equal(read_layout(&t, &index, &s.index[MAX]), ASSAY_E_CORRUPT);
	assert_int_equal(read_layout(&t, &index, &s.index[1]), 0);
	s.index[1].data[20] ^= 1;
	assert_int_equal(read_layout(&t, &index, &s.index[1]), ASSAY_E_CORRUPT);
	wrong = t;
	wrong.size++;
	assert_int_equal(read_layout(&wrong, &index, &s.index[0]), ASSAY_E_CORRUPT);
	wrong = t;
	wrong.data_hash[0] ^= 1;
	assert_int_equal(read_layout(&wrong, &index, &s.index[0]), ASSAY_E_CORRUPT);
	wrong = t;
	wrong.ratio = 4;
	assert_int_equal(read_layout(&wrong, &index, &s.index[0]), ASSAY_E_CORRUPT);
	wrong = t;
	wrong.ic++;
	assert_int_equal(read_layout(&wrong, &index, &s.index[0]), ASSAY_E_CORRUPT);
	/* a rebuilt layout with one other symbol was not signed */
	assert_int_equal(ticket_layout_read(&l, &why, &t, &index, creator.public, s.index[0].data,
					    s.index[0].len),
			 0);
	l.ids[3][0] ^= 1;
	assert_int_equal(ticket_remake(&t, &index, creator.public, &l, &sink), ASSAY_E_CRYPTO);
	l.ids[3][0] ^= 1;
	wrong = t;
	wrong.ic++;
	assert_int_equal(ticket_remake(&wrong, &index, creator.public, &l, &sink), ASSAY_E_CORRUPT);
	assert_int_equal(none.indexes, 0);
	layout_free(&l);
	free(copy);
	ticket_index_free(&index);
	ticket_free(&t);
	shelf_free(&s);
}

/* A sink that fails ends the work with its error, wherever that is. */
static void failing_sink(void **state)
{
	uint32_t all = 4 + (LENGTH * 5 + 65534) / 65535 + 2 * MAX;

	for (uint32_t at = 1; at <= all + 1; at += at < 18 ? 5 : 1) {
		struct shelf s = {.refuse_at = at};
		struct ticket t;
		int e = make(&s, &t, LENGTH, 5);

		assert_int_equal(e, at <= all ? ASSAY_E_NOSPC : 0);
		if (e == 0)
			ticket_free(&t);
		shelf_free(&s);
	}
}

static void bad_terms(void **state)
{
	struct pipeline p = {0};
	struct shelf s = {0};
	struct artifact_sink sink = {take, &s};
	struct ticket_terms terms[] = {{&creator, &randomness, 0, MAX, 5},
				       {&creator, &randomness, 101, MAX, 5},
				       {&creator, &randomness, 1, 0, 5},
				       {&creator, &randomness, 1, TICKET_COPIES_MAX + 1, 5},
				       {&creator, &randomness, 1, MAX, 0},
				       {&creator, &randomness, 1, MAX, 65}};

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		int fd = memfd_create("file", 0);
		struct ticket t;

		assert_int_equal(write(fd, "x", 1), 1);
		assert_true(pipeline_put(&p, fd, &terms[i], &sink, &t) < 0);
		assert_true(p.message[0] != 0);
		close(fd);
		shelf_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete),  cmocka_unit_test(counts),
		cmocka_unit_test(refused),   cmocka_unit_test(failing_sink),
		cmocka_unit_test(bad_terms),
	};
	static const uint8_t one[32] = {[31] = 1}, two[32] = {[31] = 2};

	digest_init();
	randomness = random_real();
	sign_init(&randomness);
	if (sign_key_from_secret(&creator, one) != 0 || sign_key_from_secret(&other, two) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
