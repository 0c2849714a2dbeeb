/* SPDX-License-Identifier: Apache-2.0 */
/* assayctl codec: files into symbol files and back, without a daemon. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/pipeline.h"
#include "ctl/ctl.h"

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

static int finish(const struct pipeline *p, int e)
{
	clear_bar();
	return e == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "%s", p->message);
}

static const char *output_of(const struct ctl *ctl)
{
	if (ctl->option[OPT_OUTPUT] == NULL)
		ctl_fail(CTL_USAGE, "it takes -o: where to write");
	return ctl->option[OPT_OUTPUT];
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

int command_codec_encode(struct ctl *ctl, char **arguments, unsigned count)
{
	const char *directory = output_of(ctl);
	unsigned shown;
	struct pipeline p = begin(&shown);
	uint64_t ratio;
	int code = ctl_number(ctl, OPT_RATIO, &ratio, LAYOUT_RATIO, 1, LAYOUT_RATIO_MAX);

	if (directory == NULL || code != CTL_OK)
		return CTL_USAGE;
	if (mkdir(directory, 0777) != 0 && errno != EEXIST)
		return ctl_fail(CTL_FAILED, "cannot create %s: %s", directory, strerror(errno));
	p.ratio = ratio;
	return finish(&p, pipeline_encode(&p, arguments[0], directory));
}

int command_codec_decode(struct ctl *ctl, char **arguments, unsigned count)
{
	const char *path = output_of(ctl);
	unsigned shown;
	struct pipeline p = begin(&shown);

	if (path == NULL)
		return CTL_USAGE;
	if (access(path, F_OK) == 0 && ctl->option[OPT_FORCE] == NULL)
		return ctl_fail(CTL_FAILED, "%s is there already; --force replaces it", path);
	return finish(&p, pipeline_decode(&p, arguments[0], path));
}

int command_codec_inspect(struct ctl *ctl, char **arguments, unsigned count)
{
	struct pipeline_facts facts;
	unsigned shown;
	struct pipeline p = begin(&shown);
	int code = finish(&p, pipeline_inspect(&p, &facts, arguments[0]));

	return code != CTL_OK ? code : print_facts(ctl, &facts);
}
