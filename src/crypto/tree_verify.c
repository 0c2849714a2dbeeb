/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/must.h"
#include "crypto/tree.h"

/* Values of full subtrees that wait for their right sibling; levels fall towards the top. */
struct stack {
	uint8_t value[TREE_LEVELS_MAX][32];
	uint8_t level[TREE_LEVELS_MAX];
	unsigned n;
};

static void join_top(struct stack *s, bool is_root)
{
	s->n--;
	tree_parent(s->value[s->n - 1], s->value[s->n - 1], s->value[s->n], is_root);
	s->level[s->n - 1]++;
}

/* Left to right; end says that the subtree reaches the end of the tree. */
static void push(struct stack *s, const uint8_t value[32], unsigned level, bool end)
{
	must(s->n < TREE_LEVELS_MAX);
	memcpy(s->value[s->n], value, 32);
	s->level[s->n++] = (uint8_t)level;
	if (end)
		while (s->n > 1)
			join_top(s, s->n == 2);
	else
		while (s->n > 1 && s->level[s->n - 1] == s->level[s->n - 2])
			join_top(s, false);
}

bool tree_verify(const uint8_t key[32], uint32_t chunks, const uint32_t *touched, unsigned n,
		 const uint8_t *values, const uint8_t *hashes, unsigned hash_count)
{
	struct stack s = {.n = 0};
	unsigned used = 0;
	uint64_t a = 0;

	must(n >= 1 && touched[n - 1] < chunks);
	for (unsigned i = 0; i <= n; i++) {
		uint32_t b = i < n ? touched[i] : chunks;

		for (unsigned level; a < b; a += 1ull << level) {
			level = tree_gap_level((uint32_t)a, b, chunks);
			if (used == hash_count)
				return false;
			push(&s, hashes + 32 * used++, level, a + (1ull << level) >= chunks);
		}
		if (i == n)
			break;
		push(&s, values + 32 * i, 0, b == chunks - 1);
		a = (uint64_t)b + 1;
	}
	return used == hash_count && memcmp(s.value[0], key, 32) == 0;
}
