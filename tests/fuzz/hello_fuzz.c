/* SPDX-License-Identifier: Apache-2.0 */
/* A HELLO is read exactly when all that Noise covers is as it was written. */
#include "fuzz/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct assay_hello told;
	struct noise_responder state = {0};
	struct assay_hello hello;
	enum assay_reason reason;
	bool same;

	if (told.head.version == 0) {
		struct noise_initiator initiator;

		fuzz_parties_init();
		fuzz_hello(&told, &initiator);
	}
	hello = told;
	fuzz_flip(&hello, sizeof(hello), data, len);
	same = memcmp(&hello, &told, offsetof(struct assay_hello, zero)) == 0;
	noise_responder_start(&state, &hello, &fuzz_r.self, "a", "b");
	reason = noise_responder_read(&state, &fuzz_r.self, &fuzz_r.peer);
	if ((reason == ASSAY_R_NONE) != same)
		abort();
	return 0;
}
