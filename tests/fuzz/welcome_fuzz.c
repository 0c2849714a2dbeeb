/* SPDX-License-Identifier: Apache-2.0 */
/* A WELCOME is taken exactly when it is the one that was written; no other changes the state. */
#include "fuzz/handshake.h"

static struct assay_welcome told;
static struct noise_initiator waiting;

static void init(void)
{
	const struct assay_welcome_payload payload = {.index = 3, .limit = 1452};
	struct noise_responder responder = {0};
	struct assay_hello hello;
	struct noise_keys keys;

	fuzz_parties_init();
	fuzz_hello(&hello, &waiting);
	noise_responder_start(&responder, &hello, &fuzz_r.self, "a", "b");
	if (noise_responder_read(&responder, &fuzz_r.self, &fuzz_r.peer) != ASSAY_R_NONE)
		abort();
	while (!noise_responder_write(&told, &keys, &responder, &fuzz_r.self, &fuzz_r.peer,
				      fuzz_e_r, &payload))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct assay_welcome_payload payload;
	struct noise_initiator state;
	struct assay_welcome welcome;
	struct noise_keys keys;
	bool same, taken;

	if (told.head.version == 0)
		init();
	state = waiting;
	welcome = told;
	fuzz_flip(&welcome, sizeof(welcome), data, len);
	same = memcmp(&welcome, &told, sizeof(told)) == 0;
	taken = noise_welcome_read(&payload, &keys, &state, &fuzz_i.self, &welcome) == 0;
	if (taken != same || (!taken && memcmp(&state, &waiting, sizeof(state)) != 0))
		abort();
	return 0;
}
