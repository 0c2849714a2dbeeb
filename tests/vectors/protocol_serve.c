/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors/runner.h"

extern const struct vector_section protocol_serve_sections[];

const struct vector_section protocol_serve_sections[] = {
	{NULL, NULL},
};
