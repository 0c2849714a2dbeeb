/* SPDX-License-Identifier: Apache-2.0 */
/* assayctl codec: files into symbol files and back, by this process or by the daemon's workers. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/pipeline.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = 1;
}

/* A bar on a terminal, silence elsewhere. */
static bool progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	unsigned *shown = ctx, percent = total > 0 ? 100.0 * done / total : 0;

	if (isatty(STDERR_FILENO) && *shown != percent) {
		fprintf(stderr, "\r%-10s [%-30.*s] %3u%% ", what, (int)(percent * 30 / 100),
			"##############################", percent);
		*shown = percent;
	}
	return stopped != 0;
}

static void skipped(void *ctx, const char *name, const char *why)
{
	fprintf(stderr, "%sskipped %s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", name, why);
}

static void clear_bar(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static struct pipeline begin(unsigned *shown)
{
	struct sigaction stop = {.sa_handler = on_signal};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	*shown = UINT32_MAX;
	return (struct pipeline){.progress = progress, .skipped = skipped, .ctx = shown};
}

static int finish(const struct pipeline *p, const char *path, int e)
{
	clear_bar();
	return e == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "%s: %s", path, p->message);
}

static const char *output_of(const struct ctl *ctl)
{
	if (ctl->option[OPT_OUTPUT] == NULL)
		ctl_fail(CTL_USAGE, "it takes -o: where to write");
	return ctl->option[OPT_OUTPUT];
}

static int open_at(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	return fd;
}

/* What a directory holds. */
static int print_facts(const struct ctl *ctl, const struct pipeline_facts *f)
{
	uint32_t need = f->present < f->source ? f->source - f->present : 0;
	char hash[BASE58_KEY_MAX];

	base58_encode(hash, sizeof(hash), f->hash, sizeof(f->hash));
	if (ctl->json)
		return ctl_print_json(
			json_pack("{s:I, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "length",
				  (json_int_t)f->length, "hash", hash, "symbol_size",
				  (int)f->symbol_size, "sub_blocks", (int)f->sub_blocks, "source",
				  (int)f->source, "repair", (int)f->repair, "present",
				  (int)f->present, "damaged", (int)f->damaged, "foreign",
				  (int)f->foreign, "needed", (int)need),
			need > 0 ? CTL_FAILED : CTL_OK);
	printf("file      %s, hash %s\n", human_bytes(f->length), hash);
	printf("symbols   %u source and %u repair of %u bytes, %u sub-blocks\n", f->source,
	       f->repair, f->symbol_size, f->sub_blocks);
	printf("here      %u good, %u damaged, %u foreign files\n", f->present, f->damaged,
	       f->foreign);
	if (need > 0)
		printf("missing   at least %u more symbols are needed\n", need);
	else
		printf("enough    any %u good symbols rebuild the file, rarely one or two more\n",
		       f->source);
	return need > 0 ? CTL_FAILED : CTL_OK;
}

/* --- by the daemon: it gets the file and the folder as descriptors ------------------------- */

static void print_skipped(json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		skipped(NULL, json_string_value(json_object_get(item, "name")),
			json_string_value(json_object_get(item, "why")));
}

static int by_daemon(struct ctl *ctl, const char *method, json_t *params, int file, int folder,
		     const char *name)
{
	struct ctl_link link;
	json_t *result = NULL;
	int code = ctl_connect(ctl, &link, false);

	if (code != CTL_OK) {
		json_decref(params);
		return code;
	}
	link.folder = folder;
	result = ctl_job(&link, method, params, file, name);
	ctl_disconnect(&link);
	print_skipped(json_object_get(result, "skipped"));
	code = result != NULL ? CTL_OK : CTL_FAILED;
	json_decref(result);
	return code;
}

int command_codec_encode(struct ctl *ctl, char **arguments, unsigned count)
{
	const char *path = arguments[0], *folder = output_of(ctl);
	unsigned shown;
	struct pipeline p = begin(&shown);
	uint64_t ratio;
	int code = ctl_number(ctl, OPT_RATIO, &ratio, LAYOUT_RATIO, 1, LAYOUT_RATIO_MAX), in, to;

	if (folder == NULL || code != CTL_OK)
		return CTL_USAGE;
	in = open_at(path, O_RDONLY);
	if (in < 0)
		return CTL_FAILED;
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		code = ctl_fail(CTL_FAILED, "cannot create %s: %s", folder, strerror(errno));
	to = code == CTL_OK ? open_at(folder, O_RDONLY | O_DIRECTORY) : -1;
	p.ratio = ratio;
	if (to < 0)
		code = CTL_FAILED;
	else if (ctl->option[OPT_DAEMON] != NULL)
		code = by_daemon(ctl, "codec.encode",
				 json_pack("{s:I}", "ratio", (json_int_t)ratio), in, to, path);
	else
		code = finish(&p, path, pipeline_encode(&p, in, to));
	if (to >= 0)
		close(to);
	close(in);
	return code;
}

static int rebuild(struct ctl *ctl, const char *folder, int from, int file, bool heal)
{
	unsigned shown;
	struct pipeline p = begin(&shown);

	if (ctl->option[OPT_DAEMON] != NULL)
		return by_daemon(ctl, heal ? "codec.heal" : "codec.decode", NULL, file, from,
				 folder);
	return finish(&p, folder,
		      heal ? pipeline_heal(&p, from, file) : pipeline_decode(&p, from, file));
}

int command_codec_decode(struct ctl *ctl, char **arguments, unsigned count)
{
	const char *path = output_of(ctl);
	struct output output;
	int code, from;

	if (path == NULL)
		return CTL_USAGE;
	from = open_at(arguments[0], O_RDONLY | O_DIRECTORY);
	if (from < 0)
		return CTL_FAILED;
	code = output_open(ctl, &output, path, NULL);
	if (code == CTL_OK) {
		code = rebuild(ctl, arguments[0], from, output.fd, false);
		if (output_finish(&output, code == CTL_OK) != CTL_OK && code == CTL_OK)
			code = CTL_FAILED;
	}
	close(from);
	return code;
}

/* The file itself is only needed meanwhile. */
int command_codec_heal(struct ctl *ctl, char **arguments, unsigned count)
{
	int from = open_at(arguments[0], O_RDONLY | O_DIRECTORY), file, code;

	if (from < 0)
		return CTL_FAILED;
	file = openat(from, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (file < 0) {
		code = ctl_fail(CTL_FAILED, "%s: no temporary file: %s", arguments[0],
				strerror(errno));
	} else {
		code = rebuild(ctl, arguments[0], from, file, true);
		close(file);
	}
	close(from);
	return code;
}

int command_codec_inspect(struct ctl *ctl, char **arguments, unsigned count)
{
	struct pipeline_facts facts;
	unsigned shown;
	struct pipeline p = begin(&shown);
	int from = open_at(arguments[0], O_RDONLY | O_DIRECTORY), code;

	if (from < 0)
		return CTL_FAILED;
	code = finish(&p, arguments[0], pipeline_inspect(&p, &facts, from));
	close(from);
	return code != CTL_OK ? code : print_facts(ctl, &facts);
}
