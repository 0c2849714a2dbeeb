/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer: every file given, or else a short deterministic round of
 * random inputs and, for the files of the seed folder, of mutated seeds. So the suite exercises
 * every target with any compiler.
 *
 *   x_fuzz [-rounds=N] [FILE or DIR ...]
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t rng_state = 0x9e3779b97f4a7c15u;

static uint64_t rng(void)
{
	uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* The target gets a heap copy of the exact length, so that ASan sees every overrun. */
static void run_one(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static size_t mutate(uint8_t *data, size_t len)
{
	unsigned changes = 1 + rng() % 8;

	for (unsigned i = 0; i < changes; i++) {
		if (rng() % 16 == 0 && len > 0)
			len = rng() % (len + 1);
		if (len > 0)
			data[rng() % len] = rng() % 4 == 0
						    ? (uint8_t)rng()
						    : data[rng() % len] ^ (1u << (rng() % 8));
	}
	return len;
}

static void run_file(const char *path, unsigned rounds)
{
	static uint8_t seed[INPUT_MAX], data[INPUT_MAX];
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		return;
	size_t len = fread(seed, 1, sizeof(seed), file);

	fclose(file);
	run_one(seed, len);
	for (unsigned i = 0; i < rounds; i++) {
		memcpy(data, seed, len);
		run_one(data, mutate(data, len));
	}
}

static bool run_folder(const char *path, unsigned rounds)
{
	DIR *dir = opendir(path);
	char name[4096];

	if (dir == NULL)
		return false;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		run_file(name, rounds);
	}
	closedir(dir);
	return true;
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	unsigned rounds = 20000;

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "-rounds=", 8) == 0)
			rounds = (unsigned)strtoul(argv[i] + 8, NULL, 10);
	for (unsigned i = 0; i < rounds; i++) {
		size_t len = rng() % (i % 16 == 0 ? 2048 : 256);

		for (size_t j = 0; j < len; j++)
			data[j] = (uint8_t)rng();
		run_one(data, len);
	}
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-' && !run_folder(argv[i], rounds / 20))
			run_file(argv[i], rounds / 20);
	printf("%u random rounds done\n", rounds);
	return 0;
}
