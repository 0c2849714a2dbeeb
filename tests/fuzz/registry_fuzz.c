/* SPDX-License-Identifier: Apache-2.0 */
/* The registry file and a registration line: any bytes; what is taken goes out and in as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/sim.h"
#include "control/registry.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_file(const char *text, size_t len)
{
	char why[REGISTRY_WHY_MAX] = "";
	struct registry r;

	if (registry_parse(&r, text, len, why) != 0) {
		must(r.count == 0 && r.entries == NULL && strlen(why) > 0);
		return;
	}
	must(strlen(r.network) > 0);
	registry_free(&r);
}

static void check_line(const char *text, size_t len)
{
	char why[REGISTRY_WHY_MAX] = "", network[65], again_network[65], *line;
	struct registry_entry entry, again;
	json_t *json;

	if (registry_line_parse(&entry, network, text, len, why) != 0) {
		must(strlen(why) > 0);
		return;
	}
	json = registry_line(&entry, network);
	line = json_dumps(json, JSON_COMPACT);
	must(line != NULL);
	must(registry_line_parse(&again, again_network, line, strlen(line), why) == 0);
	must(memcmp(&entry, &again, sizeof(entry)) == 0 && strcmp(network, again_network) == 0);
	free(line);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint64_t seed = 1;
	struct random random = random_sim(&seed);

	digest_init();
	sign_init(&random);
	check_file((const char *)data, len);
	check_line((const char *)data, len);
	return 0;
}
