/* SPDX-License-Identifier: Apache-2.0 */
#include "control/heal_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/folder.h"
#include "base/text.h"

#define DEPTH 4 /* of folders in folders; ours have two */

static int code_of(int error)
{
	return error == ENOSPC || error == EDQUOT  ? ASSAY_E_NOSPC
	       : error == ENOENT		   ? ASSAY_E_NOTFOUND
	       : error == EACCES || error == EPERM ? ASSAY_E_PERM
						   : ASSAY_E_IO;
}

void stage_path(char *out, size_t room, const char *root, uint64_t op, const char *name)
{
	snprintf(out, room, "%s/%" PRIu64 "%s%s", root, op, name[0] != '\0' ? "/" : "", name);
}

void stage_symbol_path(char *out, size_t room, const char *root, uint64_t op, const uint8_t id[32])
{
	char name[sizeof(STAGE_SYMBOLS) + BASE58_KEY_MAX] = STAGE_SYMBOLS "/";

	base58_encode(name + sizeof(STAGE_SYMBOLS), BASE58_KEY_MAX, id, 32);
	stage_path(out, room, root, op, name);
}

static int make_folders(const char *root, uint64_t op, bool again)
{
	static const char *const folders[] = {"", "symbols", STAGE_SYMBOLS, STAGE_IDS};
	char path[400];

	if (mkdir(root, 0700) != 0 && errno != EEXIST)
		return code_of(errno);
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		bool many = strcmp(folders[i], "symbols") == 0; /* thousands of files in it */

		stage_path(path, sizeof(path), root, op, folders[i]);
		if ((many ? folder_make_apart(path) : mkdir(path, 0700)) != 0 &&
		    !(again && (errno == EEXIST || errno == ENOTEMPTY)))
			return code_of(errno);
		if (i == 0 && folder_make_spread(path, 0700) != 0)
			return code_of(errno);
	}
	return 0;
}

int stage_make(const char *root, uint64_t op)
{
	return make_folders(root, op, false);
}

/* What a crash leaves of that is not staged. */
static void withdraw(int folder)
{
	if (unlinkat(folder, STAGE_MANIFEST, 0) == 0)
		fsync(folder);
}

int stage_again(const char *root, uint64_t op)
{
	int error = make_folders(root, op, true), folder;
	char path[400];

	if (error != 0)
		return error;
	stage_path(path, sizeof(path), root, op, "");
	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return code_of(errno);
	withdraw(folder);
	if (unlinkat(folder, STAGE_FILE, 0) != 0 && errno != ENOENT)
		error = code_of(errno);
	close(folder);
	return error;
}

/* What is in a folder; a link in it goes, and is not followed. */
static int empty_folder(int folder, unsigned depth, bool (*stop)(const void *ctx), const void *ctx)
{
	DIR *dir = fdopendir(folder);
	struct dirent *entry;
	int error = 0;

	if (dir == NULL) {
		close(folder);
		return ASSAY_E_IO;
	}
	while (error == 0 && (entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;
		int sub;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (stop != NULL && stop(ctx))
			error = ASSAY_E_CLOSED;
		else if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
			continue;
		else if (errno != EISDIR && errno != EPERM)
			error = code_of(errno);
		else if (depth == 0 ||
			 (sub = openat(folder, name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
			error = ASSAY_E_IO;
		else if ((error = empty_folder(sub, depth - 1, stop, ctx)) == 0 &&
			 unlinkat(folder, name, AT_REMOVEDIR) != 0)
			error = code_of(errno);
	}
	closedir(dir);
	return error;
}

static int remove_folder(const char *path, bool (*stop)(const void *ctx), const void *ctx)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error;

	if (folder < 0)
		return errno == ENOENT ? 0 : code_of(errno);
	withdraw(folder);
	error = empty_folder(folder, DEPTH, stop, ctx);
	if (error == 0 && rmdir(path) != 0)
		error = code_of(errno);
	return error;
}

int stage_remove(const char *root, uint64_t op, bool (*stop)(const void *ctx), const void *ctx)
{
	char path[400];

	stage_path(path, sizeof(path), root, op, "");
	return remove_folder(path, stop, ctx);
}

int stage_sweep(const char *root, bool (*keep)(void *arg, uint64_t op), void *arg)
{
	DIR *dir = opendir(root);
	struct dirent *entry;
	int error = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0 : code_of(errno);
	while ((entry = readdir(dir)) != NULL) {
		char path[700], own[24]; /* as rows name it */
		struct stat st;
		uint64_t op;
		int gone;

		if (u64_parse(&op, entry->d_name) != 0 ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		snprintf(own, sizeof(own), "%" PRIu64, op);
		if (strcmp(own, entry->d_name) == 0 && keep(arg, op))
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
		gone = remove_folder(path, NULL, NULL);
		error = gone != 0 ? gone : error;
	}
	closedir(dir);
	return error;
}

char *stage_read(size_t *len, const char *path, size_t len_max)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *text = NULL;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= len_max)
		text = malloc((size_t)st.st_size + 1);
	*len = text != NULL ? (size_t)st.st_size : 0;
	for (size_t at = 0; text != NULL && at < *len;) {
		ssize_t n = read(fd, text + at, *len - at);

		if (n <= 0) {
			free(text);
			text = NULL;
			errno = EIO;
		}
		at += (size_t)(n > 0 ? n : 0);
	}
	if (fd >= 0)
		close(fd);
	return text;
}
