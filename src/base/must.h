/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions that stay on in release. must(x): x holds, or the bug is ours and the process stops
 * with file, line and text. never(x): the opposite. Neither is for bad input, an operator's mistake
 * or a full disk.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

__attribute__((noreturn, cold)) void must_fail(const char *file, int line, const char *function,
					       const char *text);

#define must(cond) \
	(__builtin_expect(!!(cond), 1) ? (void)0 : must_fail(__FILE__, __LINE__, __func__, #cond))
#define never(cond)                             \
	(__builtin_expect(!(cond), 1) ? (void)0 \
				      : must_fail(__FILE__, __LINE__, __func__, "never: " #cond))

#endif
