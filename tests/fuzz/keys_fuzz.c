/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a key file. */
#include "assay/check.h"
#include "base/must.h"
#include "client/keys.h"
#include "crypto/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char why[KEYS_WHY_MAX] = "";
	struct keys keys;

	assay_init();
	if (keys_parse(&keys, (const char *)data, len, why) == 0) {
		must(secret_valid(keys.session));
		must(!keys.node || (secret_valid(keys.identity) && secret_valid(keys.encryption)));
	} else {
		must(why[0] != '\0');
	}
	return 0;
}
