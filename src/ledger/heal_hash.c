/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "crypto/digest.h"
#include "ledger/heal.h"

void heal_hash_text(char out[HEAL_HASH_ROOM], const uint8_t hash[32])
{
	EVP_EncodeBlock((uint8_t *)out, hash, 32);
}

void heal_negative_hash(char out[HEAL_HASH_ROOM], const char *reason)
{
	static const char label[] = "lep6:negative-attestation:";
	struct digest_stream s;
	uint8_t hash[32];

	if (*reason == '\0')
		reason = "reason_other";
	digest_stream_init(&s, NULL);
	digest_stream_add(&s, label, strlen(label));
	digest_stream_add(&s, reason, strlen(reason));
	digest_stream_end(&s, hash);
	heal_hash_text(out, hash);
}
