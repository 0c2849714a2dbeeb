/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assayd-liar: the daemon, with a node that lies, for demonstrations and tests. assayd itself has
 * no such switch. Kinds: serve-rot: every artifact that lies in memory is overwritten before it is
 * served, while the disk, and what the node says of itself, stay good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

#undef main /* that of main.c is assayd_main */

#define ROT 0xa5

int assayd_main(int argc, char **argv);
struct artifact_source __real_store_source(struct store *s);
struct artifact_source __wrap_store_source(struct store *s);

static struct artifact_source honest;

/*
 * The tree in memory becomes that of the rotten bytes, so that tags and hashes fit them: who asks
 * can only see that they do not lead to the key. Done again it changes nothing.
 */
static void rot(const struct artifact *a, const struct artifact_bytes *bytes)
{
	uint8_t *data = (uint8_t *)bytes->data;

	if (data[0] == ROT && data[a->size / 2] == ROT && data[a->size - 1] == ROT)
		return;
	memset(data, ROT, a->size);
	tree_build((uint8_t *)bytes->outboard, data, a->size);
}

static void find_rotten(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n)
{
	honest.find_many(honest.ctx, out, keys, n);
	for (unsigned i = 0; i < n; i++) {
		const struct artifact_bytes *bytes =
			out[i] != NULL ? atomic_load(&out[i]->bytes) : NULL;

		if (bytes != NULL)
			rot(out[i], bytes);
	}
}

struct artifact_source __wrap_store_source(struct store *s)
{
	honest = __real_store_source(s);
	return (struct artifact_source){find_rotten, honest.ctx};
}

int main(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "--byzantine") != 0 || strcmp(argv[2], "serve-rot") != 0) {
		fprintf(stderr, "usage: assayd-liar --byzantine serve-rot OPTION-OF-ASSAYD...\n");
		return EXIT_FAILURE;
	}
	argv[2] = argv[0];
	return assayd_main(argc - 2, argv + 2);
}
