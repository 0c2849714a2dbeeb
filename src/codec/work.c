/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/work.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"

int work_fail(struct pipeline *p, int e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->message, sizeof(p->message), format, args);
	va_end(args);
	return e;
}

int work_errno(struct pipeline *p, const char *what, const char *path)
{
	int e = errno == ENOSPC || errno == EDQUOT ? ASSAY_E_NOSPC
		: errno == ENOENT		   ? ASSAY_E_NOTFOUND
						   : ASSAY_E_IO;

	return work_fail(p, e, "%s %s: %s", what, path, strerror(errno));
}

int work_progress(struct pipeline *p, const char *what, uint64_t done, uint64_t total)
{
	if (p->progress != NULL && p->progress(p->ctx, what, done, total))
		return work_fail(p, ASSAY_E_CLOSED, "stopped while %s", what);
	return 0;
}

int work_map(struct pipeline *p, struct mapping *m, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), e = 0;

	*m = (struct mapping){NULL, 0};
	if (fd < 0)
		return work_errno(p, "cannot open", path);
	if (fstat(fd, &st) != 0)
		e = work_errno(p, "cannot look at", path);
	else if (!S_ISREG(st.st_mode))
		e = work_fail(p, ASSAY_E_INVAL, "%s is not a regular file", path);
	else if (st.st_size > 0) {
		m->data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (m->data == MAP_FAILED) {
			m->data = NULL;
			e = work_errno(p, "cannot map", path);
		} else {
			m->len = st.st_size;
		}
	}
	close(fd);
	return e;
}

int work_map_new(struct pipeline *p, struct mapping *m, const char *path, size_t len)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), e = 0;

	*m = (struct mapping){NULL, 0};
	if (fd < 0)
		return work_errno(p, "cannot create", path);
	/* space first: a mapped write to a full disk would be a signal */
	errno = posix_fallocate(fd, 0, len);
	if (errno != 0) {
		e = work_errno(p, "no room for", path);
	} else {
		m->data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (m->data == MAP_FAILED) {
			m->data = NULL;
			e = work_errno(p, "cannot map", path);
		} else {
			m->len = len;
		}
	}
	close(fd);
	if (e != 0)
		unlink(path);
	return e;
}

void work_unmap(struct mapping *m)
{
	if (m->data != NULL)
		munmap(m->data, m->len);
	m->data = NULL;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

int work_write(struct pipeline *p, const char *directory, const char *name, const void *data,
	       size_t len)
{
	char path[PATH_MAX], part[PATH_MAX + 8];
	int fd, e = 0;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return work_fail(p, ASSAY_E_INVAL, "the path of %s is too long", name);
	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return work_errno(p, "cannot create", part);
	if (write_all(fd, data, len) != 0)
		e = work_errno(p, "cannot write", part);
	if (close(fd) != 0 && e == 0)
		e = work_errno(p, "cannot write", part);
	if (e == 0 && rename(part, path) != 0)
		e = work_errno(p, "cannot rename", part);
	if (e != 0)
		unlink(part);
	return e;
}

int work_read_layout(struct pipeline *p, struct layout *l, const char *directory)
{
	char path[PATH_MAX];
	struct mapping m;
	const char *why;
	int e;

	if (snprintf(path, sizeof(path), "%s/%s", directory, PIPELINE_LAYOUT) >= (int)sizeof(path))
		return work_fail(p, ASSAY_E_INVAL, "the path %s is too long", directory);
	e = work_map(p, &m, path);
	if (e != 0)
		return e;
	e = layout_read(l, &why, (const char *)m.data, m.len);
	work_unmap(&m);
	return e != 0 ? work_fail(p, e, "%s: %s", path, why) : 0;
}

static void *memory(void **old, size_t size)
{
	free(*old);
	*old = aligned_alloc(64, (size + 63) & ~(size_t)63);
	return *old;
}

int work_plan(struct pipeline *p, struct work_codec *c, uint32_t symbols, const uint32_t *known,
	      size_t known_len)
{
	size_t size = assay_rq_plan_size(symbols, known_len);
	int e = ASSAY_E_NOMEM;

	/* what a plan asks for after the first attempt is exact after two more */
	for (int attempt = 0; attempt < 4 && e == ASSAY_E_NOMEM; attempt++) {
		if (memory(&c->plan_memory, size) == NULL)
			break;
		e = assay_rq_plan_init(&c->plan, c->plan_memory, size, symbols, known, known_len);
		while (e == 0 && (e = assay_rq_plan_run(c->plan, WORK_SLICE)) == ASSAY_E_AGAIN)
			e = work_progress(p, "planning", 0, 1);
		if (e == ASSAY_E_NOMEM)
			size = assay_rq_plan_need(c->plan);
	}
	if (e == 0 || e == ASSAY_E_NOTFOUND || e == ASSAY_E_CLOSED)
		return e;
	return work_fail(p, e, "no plan for %u symbols (%zu bytes): %s", symbols, size,
			 assay_error_text(e));
}

int work_solve(struct pipeline *p, struct work_codec *c, const uint32_t *ids, size_t len,
	       const struct assay_rq_io *io, const char *what, uint64_t base, uint64_t total)
{
	uint32_t t = io->symbol_size;
	size_t size = assay_rq_wanted_size(c->plan, len);
	int e;

	if (memory(&c->wanted_memory, size) == NULL)
		return work_fail(p, ASSAY_E_NOMEM, "no memory (%zu bytes)", size);
	e = assay_rq_wanted_init(&c->wanted, c->wanted_memory, size, c->plan, ids, len, t,
				 ASSAY_RQ_BEST);
	if (e == 0)
		e = assay_rq_wanted_run(c->wanted, ASSAY_RQ_FOREVER);
	if (e != 0)
		return work_fail(p, e, "no lists for %zu symbols: %s", len, assay_error_text(e));
	size = assay_rq_solve_size(c->plan, c->wanted, t, 0);
	if (memory(&c->solve_memory, size) == NULL)
		return work_fail(p, ASSAY_E_NOMEM, "no memory (%zu bytes)", size);
	e = assay_rq_solve_init(&c->solve, c->solve_memory, size, c->plan, c->wanted, io, 0, t, 0);
	if (e != 0)
		return work_fail(p, e, "the codec refuses the job: %s", assay_error_text(e));
	while ((e = assay_rq_solve_run(c->solve, WORK_SLICE)) == ASSAY_E_AGAIN) {
		e = work_progress(p, what, base + len * (uint64_t)assay_rq_solve_done(c->solve) / t,
				  total);
		if (e != 0)
			return e;
	}
	return e;
}

void work_codec_free(struct work_codec *c)
{
	free(c->plan_memory);
	free(c->wanted_memory);
	free(c->solve_memory);
	*c = (struct work_codec){0};
}
