/* SPDX-License-Identifier: Apache-2.0 */
/* One request line against all handlers, on a real control core with a fake data plane. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "control/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct world world;

static void close_world(void)
{
	world_close(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool open;
	struct rpc_context ctx = {.state = RPC_IN_RUN, .depth_max = 16, .fd = -1};
	json_t *answer;
	char *text;

	if (!open) {
		world_open(&world);
		atexit(close_world);
		open = true;
	}
	ctx.control = world.app.control;
	answer = rpc_answer(&ctx, (const char *)data, len);
	world_pump(&world); /* jobs end */
	if (answer == NULL)
		return 0;
	must((json_object_get(answer, "result") != NULL) ^
	     (json_object_get(answer, "error") != NULL));
	must(json_object_get(answer, "id") != NULL);
	text = json_dumps(answer, JSON_COMPACT);
	must(text != NULL && strchr(text, '\n') == NULL);
	free(text);
	json_decref(answer);
	return 0;
}
