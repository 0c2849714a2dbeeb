/* SPDX-License-Identifier: Apache-2.0 */
#include "client/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/sign.h"

#define KEYS_FILE_MAX 4096

__attribute__((format(printf, 3, 4))) static int fail(char why[KEYS_WHY_MAX], int error,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, KEYS_WHY_MAX, format, args);
	va_end(args);
	return error;
}

static int errno_code(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return ASSAY_E_NOTFOUND;
	case EEXIST:
		return ASSAY_E_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ASSAY_E_PERM;
	case ENOSPC:
	case EDQUOT:
		return ASSAY_E_NOSPC;
	default:
		return ASSAY_E_IO;
	}
}

void keys_generate(struct keys *keys, bool node, const struct random *random)
{
	*keys = (struct keys){.node = node};
	secret_generate(keys->session, random);
	if (!node)
		return;
	secret_generate(keys->identity, random);
	secret_generate(keys->encryption, random);
}

void keys_wipe(struct keys *keys)
{
	wipe(keys, sizeof(*keys));
}

/* One secret of the object: present, 64 digits, in range. */
static int secret_field(uint8_t out[32], const json_t *object, const char *name,
			char why[KEYS_WHY_MAX])
{
	const char *hex = json_string_value(json_object_get(object, name));

	if (hex == NULL)
		return fail(why, ASSAY_E_CORRUPT, "\"%s\" is missing", name);
	if (hex_decode(out, 32, hex) != 0)
		return fail(why, ASSAY_E_CORRUPT, "\"%s\" is not 64 hex digits", name);
	if (!secret_valid(out))
		return fail(why, ASSAY_E_CORRUPT, "\"%s\" is not a secp256k1 secret", name);
	return 0;
}

static int object_read(struct keys *keys, const json_t *object, char why[KEYS_WHY_MAX])
{
	const json_t *version = json_object_get(object, "v");
	int error;

	if (!json_is_object(object))
		return fail(why, ASSAY_E_CORRUPT, "not a JSON object");
	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return fail(why, ASSAY_E_CORRUPT, "\"v\" is not 1");
	keys->node = json_object_get(object, "identity") != NULL ||
		     json_object_get(object, "encryption") != NULL;
	if (json_object_size(object) != (keys->node ? 4u : 2u))
		return fail(why, ASSAY_E_CORRUPT, "fields other than v, %ssession",
			    keys->node ? "identity, encryption, " : "");
	error = secret_field(keys->session, object, "session", why);
	if (error == 0 && keys->node)
		error = secret_field(keys->identity, object, "identity", why);
	if (error == 0 && keys->node)
		error = secret_field(keys->encryption, object, "encryption", why);
	return error;
}

int keys_parse(struct keys *keys, const char *text, size_t len, char why[KEYS_WHY_MAX])
{
	json_error_t where;
	json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	int error;

	*keys = (struct keys){0};
	if (object == NULL)
		return fail(why, ASSAY_E_CORRUPT, "line %d: %s", where.line, where.text);
	error = object_read(keys, object, why);
	json_decref(object);
	if (error != 0)
		keys_wipe(keys);
	return error;
}

/* A file that others can read, or that somebody else owns, is no secret of ours. */
static int access_check(int fd, const char *path, char why[KEYS_WHY_MAX])
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(why, errno_code(), "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(why, ASSAY_E_CORRUPT, "%s: not a regular file", path);
	if (st.st_uid != geteuid() && geteuid() != 0)
		return fail(why, ASSAY_E_PERM,
			    "%s: owned by user id %u, this is user id %u; run: chown %u %s", path,
			    (unsigned)st.st_uid, (unsigned)geteuid(), (unsigned)geteuid(), path);
	if ((st.st_mode & 077) != 0)
		return fail(why, ASSAY_E_PERM,
			    "%s: mode %04o lets others read the keys; run: chmod 600 %s", path,
			    (unsigned)(st.st_mode & 07777), path);
	return 0;
}

/* Whole file, at most room bytes: length or -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, out + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int keys_load(struct keys *keys, const char *path, char why[KEYS_WHY_MAX])
{
	char text[KEYS_FILE_MAX + 1], detail[KEYS_WHY_MAX];
	ssize_t len;
	int error, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*keys = (struct keys){0};
	if (fd < 0)
		return fail(why, errno_code(), "%s: %s", path, strerror(errno));
	error = access_check(fd, path, why);
	if (error != 0)
		goto out;
	len = read_all(fd, text, sizeof(text));
	if (len < 0)
		error = fail(why, ASSAY_E_IO, "%s: %s", path, strerror(errno));
	else if (len > KEYS_FILE_MAX)
		error = fail(why, ASSAY_E_CORRUPT, "%s: longer than %d bytes, not a key file", path,
			     KEYS_FILE_MAX);
	else if (keys_parse(keys, text, (size_t)len, detail) != 0)
		error = fail(why, ASSAY_E_CORRUPT, "%s: not a key file: %.200s", path, detail);
out:
	close(fd);
	wipe(text, sizeof(text));
	return error;
}

static void print_keys(char *out, size_t room, const struct keys *keys)
{
	char session[65], identity[65], encryption[65];

	hex_encode(session, keys->session, 32);
	hex_encode(identity, keys->identity, 32);
	hex_encode(encryption, keys->encryption, 32);
	if (keys->node)
		snprintf(out, room,
			 "{\"v\":1,\"identity\":\"%s\",\"encryption\":\"%s\",\"session\":\"%s\"}\n",
			 identity, encryption, session);
	else
		snprintf(out, room, "{\"v\":1,\"session\":\"%s\"}\n", session);
	wipe(session, sizeof(session));
	wipe(identity, sizeof(identity));
	wipe(encryption, sizeof(encryption));
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* The name is durable once its directory is. */
static bool sync_parent(const char *path)
{
	char *copy = strdup(path), *slash;
	const char *dir = ".";
	bool good;
	int fd;

	if (copy == NULL)
		return false;
	slash = strrchr(copy, '/');
	if (slash != NULL) {
		*slash = '\0';
		dir = slash == copy ? "/" : copy;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	free(copy);
	return good;
}

int keys_save(const char *path, const struct keys *keys, char why[KEYS_WHY_MAX])
{
	char text[512];
	int error = 0, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return fail(why, ASSAY_E_EXISTS,
			    "%s: already there; keys are never overwritten, move it away first",
			    path);
	if (fd < 0)
		return fail(why, errno_code(), "%s: %s", path, strerror(errno));
	print_keys(text, sizeof(text), keys);
	if (!write_all(fd, text, strlen(text)) || fsync(fd) != 0 || !sync_parent(path)) {
		error = fail(why, errno_code(), "%s: %s", path, strerror(errno));
		unlink(path);
	}
	wipe(text, sizeof(text));
	close(fd);
	return error;
}
