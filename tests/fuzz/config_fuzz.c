/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: any bytes; what is taken prints as text that reads back as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "control/config.h"
#include "crypto/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void differs(void *arg, const char *key, bool applied)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct config config, again;
	char error[CONFIG_ERROR_MAX], *text = NULL;
	size_t size;
	FILE *out;

	digest_init();
	if (config_parse(&config, "fuzz", (const char *)data, len, error) != 0) {
		must(strlen(error) > 0 && strlen(error) < sizeof(error));
		return 0;
	}
	out = open_memstream(&text, &size);
	must(out != NULL);
	config_print(out, &config, CONFIG_IN_FORCE);
	fclose(out);
	must(config_parse(&again, "printed", text, size, error) == 0);
	must(config_apply(&config, &again, differs, NULL) == 0);
	free(text);
	return 0;
}
