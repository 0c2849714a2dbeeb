/* SPDX-License-Identifier: Apache-2.0 */
/* vectors-protocol: the sections of protocol.json, each in the file of the module it tests. */
#include "vectors/runner.h"

#define SECTIONS_MAX 32

extern const struct vector_section protocol_crypto_sections[], protocol_serve_sections[],
	protocol_check_sections[];

int main(int argc, char **argv)
{
	const struct vector_section *const tables[] = {
		protocol_crypto_sections,
		protocol_serve_sections,
		protocol_check_sections,
	};
	struct vector_section all[SECTIONS_MAX + 1] = {0};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct vector_section *s = tables[i];
		     s->name != NULL && n < SECTIONS_MAX; s++)
			all[n++] = *s;
	return vectors_main(argc, argv, VECTORS_DIR "/protocol.json", all);
}
