/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/eal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_version.h>

#include "assay/status.h"
#include "base/must.h"

#define ARGS_MAX 64

static bool has_hugepages;
static FILE *log_stream;
static char *args[ARGS_MAX]; /* EAL points into them until it ends */

bool eal_has_hugepages(void)
{
	return has_hugepages;
}

const char *eal_version(void)
{
	return rte_version();
}

const char *eal_pmd_dir(void)
{
	return RTE_EAL_PMD_PATH;
}

/* One write is one message or several lines of it. */
static ssize_t write_log(void *cookie, const char *text, size_t len)
{
	const struct log *log = cookie;
	int level = rte_log_cur_msg_loglevel();
	char line[256];

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - text) - at : len - at;

		if (n > 0) {
			snprintf(line, sizeof(line), "%.*s", (int)n, text + at);
			log_event(log,
				  level >= 0 && level <= RTE_LOG_ERR ? LOG_WARNING_LEVEL
								     : LOG_DEBUG_LEVEL,
				  "dpdk", line, NULL);
		}
		at += n + 1;
	}
	return (ssize_t)len;
}

static void redirect_log(const struct log *log)
{
	cookie_io_functions_t io = {.write = write_log};

	log_stream = fopencookie((void *)(uintptr_t)log, "w", io);
	must(log_stream != NULL);
	setvbuf(log_stream, NULL, _IOLBF, 0);
	rte_openlog_stream(log_stream);
	rte_log_set_global_level(log->level >= LOG_DEBUG_LEVEL ? RTE_LOG_INFO : RTE_LOG_WARNING);
}

/* "0@cpu" is control, then one lcore per worker; several may share a CPU. */
static char *lcores_text(const struct placement *placement)
{
	size_t room = 16 * (placement->workers + 1), used;
	char *text = malloc(room);

	must(text != NULL);
	used = (size_t)snprintf(text, room, "0@%u", placement->control_cpu);
	for (unsigned i = 0; i < placement->workers; i++)
		used += (size_t)snprintf(text + used, room - used, ",%u@%u", i + 1,
					 placement->worker[i].cpu);
	return text;
}

static int build_args(char **argv, const struct eal_config *config)
{
	char memory[16];
	int argc = 0;

	snprintf(memory, sizeof(memory), "%u", config->memory_mib);
	argv[argc++] = strdup("assay");
	argv[argc++] = strdup("--lcores");
	argv[argc++] = lcores_text(config->placement);
	argv[argc++] = strdup("--main-lcore=0");
	argv[argc++] = strdup("--file-prefix");
	argv[argc++] = strdup(config->file_prefix);
	argv[argc++] = strdup("-m");
	argv[argc++] = strdup(memory);
	if (config->hugepages) {
		argv[argc++] = strdup("--in-memory"); /* leaves no files behind */
	} else {
		argv[argc++] = strdup("--no-huge");
		argv[argc++] = strdup("--no-shconf");
	}
	if (config->pci_count == 0) {
		argv[argc++] = strdup("--no-pci");
		argv[argc++] = strdup("--iova-mode=va");
	}
	for (unsigned i = 0; i < config->pci_count; i++) {
		argv[argc++] = strdup("-a");
		argv[argc++] = strdup(config->pci[i]);
	}
	must(argc < ARGS_MAX);
	argv[argc] = NULL;
	return argc;
}

/* EAL leaves its folder behind, with what was in it. */
static void remove_runtime_dir(const char *path)
{
	char file[512];
	DIR *dir = opendir(path);

	if (dir == NULL)
		return;
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(file);
	}
	closedir(dir);
	rmdir(path);
}

void eal_stop(void)
{
	char dir[256];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	memory_stop();
	remove_runtime_dir(dir);
	rte_openlog_stream(NULL);
	fclose(log_stream);
	log_stream = NULL;
	for (unsigned i = 0; args[i] != NULL; i++)
		free(args[i]);
	memset(args, 0, sizeof(args));
	has_hugepages = false;
}

int eal_start(const struct eal_config *config, struct finding *trouble)
{
	static char *argv[ARGS_MAX]; /* EAL moves them about */
	int argc = build_args(args, config);

	memcpy(argv, args, sizeof(argv));
	redirect_log(config->log);
	if (geteuid() != 0 && getenv("XDG_RUNTIME_DIR") == NULL)
		setenv("XDG_RUNTIME_DIR", config->run_dir, 1);
	if (rte_eal_init(argc, argv) < 0) {
		finding_set(trouble, FINDING_BLOCKS, "DPDK does not start: %s",
			    rte_strerror(rte_errno));
		finding_remedy(trouble, "assayd --doctor; log { level = debug } shows what DPDK "
					"says");
		return ASSAY_E_IO;
	}
	has_hugepages = config->hugepages;
	log_info(config->log, "dpdk",
		 has_hugepages ? "started with huge pages"
			       : "started without huge pages, on ordinary memory",
		 "version=\"%s\" memory_mib=%u workers=%u prefix=%s", rte_version(),
		 config->memory_mib, config->placement->workers, config->file_prefix);
	return 0;
}
