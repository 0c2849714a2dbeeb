/* SPDX-License-Identifier: Apache-2.0 */
/* A known answer of everything that proofs, sessions and stored bytes stand on, before anybody
 * relies on one: a broken library or CPU is found at the start, not by those who ask. */
#ifndef CRYPTO_SELF_TEST_H
#define CRYPTO_SELF_TEST_H

/* After digest_init and sign_init. Name of the first primitive that is wrong; NULL: all good. Takes
 * less than a millisecond. */
const char *crypto_self_test(void);

#endif
