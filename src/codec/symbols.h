/* SPDX-License-Identifier: Apache-2.0 */
/* The symbol files of a folder, by a layout: which are there, and which of these are good. */
#ifndef CODEC_SYMBOLS_H
#define CODEC_SYMBOLS_H

#include "codec/files.h"

enum symbol_state { SYMBOL_ABSENT, SYMBOL_PRESENT, SYMBOL_DAMAGED };

struct symbols {
	struct pipeline *p;
	int folder;
	struct layout layout;
	uint32_t *sorted; /* places in layout.ids, by id */
	uint8_t *state;	  /* enum symbol_state of each symbol of the layout */
	uint32_t present, damaged, foreign;
};

/* Reads the layout and the names; what the files hold is checked when they are read. */
int symbols_open(struct symbols *s, struct pipeline *p, int folder);
void symbols_close(struct symbols *s);
/* The symbol file, when its bytes are what its name says and it carries the right payload id; else
 * the file is named, counted as damaged, and false. file has room for a symbol file. */
bool symbols_read(struct symbols *s, uint8_t *file, uint32_t number);

#endif
