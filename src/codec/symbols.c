/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/symbols.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"

static int by_id(const void *a, const void *b, void *layout)
{
	const struct layout *l = layout;
	const uint32_t *x = a, *y = b;

	return memcmp(l->ids[*x], l->ids[*y], 32);
}

static void skip(struct symbols *s, const char *name, const char *why)
{
	if (s->p->skipped != NULL)
		s->p->skipped(s->p->ctx, name, why);
}

/* Place of an id in the layout, or its length. */
static uint32_t find(const struct symbols *s, const uint8_t id[32])
{
	uint32_t low = 0, high = s->layout.symbols;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = memcmp(s->layout.ids[s->sorted[middle]], id, 32);

		if (order == 0)
			return s->sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return s->layout.symbols;
}

static void note(struct symbols *s, const char *name)
{
	uint8_t id[32];
	uint32_t place;

	if (base58_decode(id, sizeof(id), name) != 0) {
		s->foreign++;
		skip(s, name, "is not named like a symbol file");
		return;
	}
	place = find(s, id);
	if (place == s->layout.symbols) {
		s->foreign++;
		skip(s, name, "belongs to another layout");
		return;
	}
	s->state[place] = SYMBOL_PRESENT;
	s->present++;
}

static int scan(struct symbols *s)
{
	int fd = openat(s->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return work_errno(s->p, "cannot read", "the folder");
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, PIPELINE_LAYOUT) != 0)
			note(s, entry->d_name);
	closedir(dir);
	return 0;
}

int symbols_open(struct symbols *s, struct pipeline *p, int folder)
{
	uint32_t n;
	int e;

	*s = (struct symbols){.p = p, .folder = folder};
	e = coded_layout(p, &s->layout, folder);
	if (e != 0)
		return e;
	n = s->layout.symbols;
	s->sorted = malloc(n * sizeof(*s->sorted));
	s->state = calloc(n, 1);
	if (s->sorted == NULL || s->state == NULL)
		return work_fail(p, ASSAY_E_NOMEM, "no memory for %u symbols", n);
	for (uint32_t i = 0; i < n; i++)
		s->sorted[i] = i;
	qsort_r(s->sorted, n, sizeof(*s->sorted), by_id, &s->layout);
	return scan(s);
}

void symbols_close(struct symbols *s)
{
	layout_free(&s->layout);
	free(s->sorted);
	free(s->state);
}

static bool read_exactly(int fd, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		len -= n;
	}
	return true;
}

/* NULL, or what is wrong with the file. */
static const char *check(struct symbols *s, uint8_t *file, const char *name, uint32_t number)
{
	size_t want = layout_symbol_file(&s->layout);
	uint8_t digest[32], id[ASSAY_RQ_PAYLOAD_ID];
	const char *why;
	uint64_t len;
	int fd = coded_open(s->folder, name, &len, &why);
	bool good;

	if (fd < 0)
		return why;
	good = len == want && read_exactly(fd, file, want);
	close(fd);
	if (!good)
		return len != want ? "has the wrong length" : "cannot be read";
	digest_one(digest, NULL, file, want);
	if (memcmp(digest, s->layout.ids[number], 32) != 0)
		return "does not match its name";
	assay_rq_payload_id_write(id, 0, number);
	if (memcmp(file, id, sizeof(id)) != 0)
		return "carries another symbol number than the layout says";
	return NULL;
}

bool symbols_read(struct symbols *s, uint8_t *file, uint32_t number)
{
	char name[BASE58_KEY_MAX];
	const char *why;

	if (s->state[number] != SYMBOL_PRESENT)
		return false;
	base58_encode(name, sizeof(name), s->layout.ids[number], 32);
	why = check(s, file, name, number);
	if (why == NULL)
		return true;
	s->state[number] = SYMBOL_DAMAGED;
	s->damaged++;
	s->present--;
	skip(s, name, why);
	return false;
}
