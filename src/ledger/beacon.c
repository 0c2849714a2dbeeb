/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "crypto/digest.h"
#include "ledger/beacon.h"

void beacon_link(uint8_t out[32], const uint8_t value[32])
{
	digest_one(out, NULL, value, 32);
}

void beacon_value(uint8_t out[32], const uint8_t secret[32], uint32_t steps)
{
	memmove(out, secret, 32);
	for (; steps > 0; steps--)
		beacon_link(out, out);
}

void beacon_next(uint8_t out[32], const uint8_t before[32], const uint8_t reveal[32])
{
	uint8_t message[15 + 64] = "assay/beacon/v1";

	memcpy(message + 15, before, 32);
	memcpy(message + 47, reveal, 32);
	digest_one(out, NULL, message, sizeof(message));
}
