/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a staging folder: what was staged, of which ticket. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/files.h"
#include "control/heal_stage.h"
#include "ledger/text.h"

#define MANIFEST_MAX (2 * (size_t)LAYOUT_TEXT_MAX)
#define PART	     STAGE_MANIFEST ".part"

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Ids of the symbols in order of their text, malloc'd in one piece. */
static char **sorted_keys(const struct layout *l)
{
	char **keys = malloc(l->symbols * (sizeof(*keys) + BASE58_KEY_MAX));
	char *text;

	if (keys == NULL)
		return NULL;
	text = (char *)(keys + l->symbols);
	for (uint32_t i = 0; i < l->symbols; i++, text += BASE58_KEY_MAX) {
		base58_encode(text, BASE58_KEY_MAX, l->ids[i], 32);
		keys[i] = text;
	}
	qsort(keys, l->symbols, sizeof(*keys), by_bytes);
	return keys;
}

static void id_file_name(char out[32], uint32_t ordinal)
{
	snprintf(out, 32, "idfile_%05u.bin", ordinal);
}

/* --- writing --- */

static json_t *layout_json(const struct layout *l)
{
	json_t *json = NULL;
	char *text;
	size_t len;

	if (layout_write(&text, &len, l) == 0) {
		json = json_loadb(text, len, 0, NULL);
		free(text);
	}
	return json;
}

int manifest_text(char **text, size_t *len, const struct manifest *m)
{
	json_t *layout = layout_json(&m->layout), *ids = json_array(), *symbols = json_array(),
	       *json;
	char **keys = sorted_keys(&m->layout), name[32];

	for (uint32_t i = 0; i < m->id_files; i++) {
		id_file_name(name, i);
		json_array_append_new(ids, json_string(name));
	}
	for (uint32_t i = 0; keys != NULL && i < m->layout.symbols; i++)
		json_array_append_new(symbols, json_string(keys[i]));
	json = json_pack("{s:s,s:o,s:o,s:o,s:s,s:s,s:s}", "action_id", m->ticket, "layout", layout,
			 "id_files", ids, "symbol_keys", symbols, "symbols_dir", STAGE_SYMBOLS,
			 "reconstructed_rel", STAGE_FILE, "manifest_hash_b64", m->hash);
	*text = json != NULL && keys != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	*len = *text != NULL ? strlen(*text) : 0;
	json_decref(json);
	free(keys);
	return *text != NULL ? 0 : ASSAY_E_NOMEM;
}

/* Under another name first, so that there is never half a manifest. */
static int put_in_place(int folder, const char *text, size_t len)
{
	int fd = openat(folder, PART, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0;

	while (good && len > 0) {
		ssize_t n = write(fd, text, len);

		good = n > 0;
		text += n;
		len -= (size_t)n;
	}
	good = good && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good && renameat(folder, PART, folder, STAGE_MANIFEST) == 0 && fsync(folder) == 0
		       ? 0
		       : -1;
}

int manifest_write(struct pipeline *p, const struct manifest *m, const char *root, uint64_t op)
{
	char path[400], *text;
	size_t len;
	int folder, error = manifest_text(&text, &len, m);

	if (error != 0)
		return work_fail(p, error, "no memory for the manifest");
	stage_path(path, sizeof(path), root, op, "");
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || put_in_place(folder, text, len) != 0)
		error = work_errno(p, "cannot write", STAGE_MANIFEST);
	if (folder >= 0)
		close(folder);
	free(text);
	return error;
}

/* --- reading --- */

static const char *member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

static bool id_files_sound(const json_t *list)
{
	size_t n = json_array_size(list);
	char name[32];

	if (n == 0 || n % 2 != 0 || n > 2 * TICKET_COPIES_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		id_file_name(name, (uint32_t)i);
		if (text == NULL || strcmp(text, name) != 0)
			return false;
	}
	return true;
}

/* Exactly the layout's ids, sorted, each once: 0, CORRUPT or NOMEM. */
static int check_keys(const json_t *list, const struct layout *l)
{
	bool sound = json_array_size(list) == l->symbols;
	char **keys = sound ? sorted_keys(l) : NULL;

	if (sound && keys == NULL)
		return ASSAY_E_NOMEM;
	for (uint32_t i = 0; sound && i < l->symbols; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		sound = text != NULL && strcmp(text, keys[i]) == 0 &&
			(i == 0 || strcmp(keys[i - 1], keys[i]) != 0);
	}
	free(keys);
	return sound ? 0 : ASSAY_E_CORRUPT;
}

static int parse_layout(struct layout *l, const char **why, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	int error;

	if (text == NULL)
		return ASSAY_E_NOMEM;
	error = layout_read(l, why, text, strlen(text));
	free(text);
	return error;
}

/* Against the layout in it. */
static int check(const struct manifest *m, const char **why, const json_t *json)
{
	uint8_t hash[32];

	*why = "the hash is not that of the layout";
	if (!base64_read(hash, 32, m->hash, strlen(m->hash)) ||
	    memcmp(hash, m->layout.hash, 32) != 0)
		return ASSAY_E_CORRUPT;
	*why = "the symbol keys are not those of the layout";
	return check_keys(json_object_get(json, "symbol_keys"), &m->layout);
}

static int take(struct manifest *m, const char **why, const json_t *json)
{
	const char *ticket = member(json, "action_id"), *hash = member(json, "manifest_hash_b64");
	const json_t *layout = json_object_get(json, "layout"),
		     *ids = json_object_get(json, "id_files");
	int error;

	*why = "it does not have the members of a manifest";
	if (json_object_size(json) != 7 || !ticket_id_valid(ticket) || strlen(hash) != 44 ||
	    !json_is_object(layout) || !id_files_sound(ids) ||
	    strcmp(member(json, "symbols_dir"), STAGE_SYMBOLS) != 0 ||
	    strcmp(member(json, "reconstructed_rel"), STAGE_FILE) != 0)
		return ASSAY_E_CORRUPT;
	snprintf(m->ticket, sizeof(m->ticket), "%s", ticket);
	snprintf(m->hash, sizeof(m->hash), "%s", hash);
	m->id_files = (uint32_t)json_array_size(ids);
	error = parse_layout(&m->layout, why, layout);
	if (error != 0)
		return error;
	error = check(m, why, json);
	if (error != 0)
		layout_free(&m->layout);
	return error;
}

int manifest_parse(struct manifest *m, const char **why, const char *text, size_t len)
{
	json_error_t fault;
	json_t *json;
	int error;

	*why = "it is too long";
	*m = (struct manifest){.id_files = 0};
	if (len > MANIFEST_MAX)
		return ASSAY_E_CORRUPT;
	*why = "it is not JSON";
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
	if (json == NULL && json_error_code(&fault) == json_error_out_of_memory)
		return ASSAY_E_NOMEM;
	error = json_is_object(json) ? take(m, why, json) : ASSAY_E_CORRUPT;
	json_decref(json);
	return error;
}

void manifest_free(struct manifest *m)
{
	layout_free(&m->layout);
}

int manifest_read(struct manifest *m, const char **why, const char *root, uint64_t op)
{
	char path[400], *text;
	size_t len;
	int error;

	stage_path(path, sizeof(path), root, op, STAGE_MANIFEST);
	*why = "there is no manifest";
	errno = 0;
	text = stage_read(&len, path, MANIFEST_MAX);
	if (text == NULL)
		return errno == ENOENT || errno == ENOTDIR || errno == 0 ? ASSAY_E_NOTFOUND
									 : ASSAY_E_IO;
	error = manifest_parse(m, why, text, len);
	free(text);
	return error == ASSAY_E_NOMEM ? error : error != 0 ? ASSAY_E_NOTFOUND : 0;
}
