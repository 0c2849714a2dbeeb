/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout files and index files: the ways by which a file is found again. Each carries the same
 * signed text and a counter, so that each has an id of its own.
 */
#ifndef CODEC_ARTIFACT_H
#define CODEC_ARTIFACT_H

#include <stddef.h>
#include <stdint.h>

struct artifact_file { /* one stored file; its id is the BLAKE3 of its octets */
	uint8_t id[32];
	uint8_t *data; /* malloc'd */
	size_t len;
};

void artifact_free(struct artifact_file *a);

/* Standard base64 with padding, malloc'd. */
char *artifact_base64(const void *data, size_t len);

/* zstd(body "." counter). body: "layout_b64.signature_b64" or "index_b64.signature_b64". */
int artifact_make(struct artifact_file *a, const char *body, uint32_t counter);
/* The parts of a layout or index file: text before the first dot, malloc'd, decoded from base64;
 * the signature's text; the counter. At most size_max octets are unpacked. */
int artifact_open(char **text, size_t *len, char **signature, uint32_t *counter,
		  const uint8_t *data, size_t data_len, size_t size_max);
/* {"layout_ids":[...],"layout_signature":"...","version":1}, malloc'd. */
char *artifact_index(const uint8_t (*layout_ids)[32], size_t n, const char *layout_signature);
/* The same read back in any JSON form; exactly n ids. Both results are malloc'd. */
int artifact_index_read(uint8_t (**layout_ids)[32], char **layout_signature, size_t n,
			const char *text, size_t len);
/* Text in base64, malloc'd with a terminator that len does not count. */
int artifact_unbase64(char **out, size_t *len, const char *text, size_t text_len);

#endif
