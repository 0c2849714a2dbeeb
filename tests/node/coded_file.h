/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coded file without its symbols: a layout of made-up symbol ids, signed, with its layout and
 * index files and what a ticket's record says of them. (Apart from everything else because the
 * codec's part of a ticket is called a ticket, too.)
 */
#ifndef TESTS_NODE_CODED_FILE_H
#define TESTS_NODE_CODED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"

#define CODED_MAX 6 /* layout files, and index files */

struct coded_file {
	char data_hash[45]; /* base64 */
	uint64_t size;
	uint32_t ratio, symbols;
	char index_id[CODED_MAX][45];
	char *signatures;
	struct {
		uint8_t key[32];
		uint8_t *data;
		size_t len;
	} index[2 * CODED_MAX]; /* by ordinal */
};

void coded_file_make(struct coded_file *f, const struct sign_key *creator, uint64_t size);
void coded_file_free(struct coded_file *f);
/* The key of a symbol. */
void coded_file_symbol(uint8_t key[32], uint64_t size, uint32_t ordinal);

#endif
