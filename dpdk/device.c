/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"

bool device_arg(char *out, unsigned room, const char *args, const char *key)
{
	size_t key_len = strlen(key);

	while (*args != '\0') {
		size_t len = strcspn(args, ",");

		if (len > key_len && args[key_len] == '=' && memcmp(args, key, key_len) == 0) {
			len -= key_len + 1;
			if (len >= room)
				return false;
			memcpy(out, args + key_len + 1, len);
			out[len] = '\0';
			return true;
		}
		args += len + (args[len] == ',');
	}
	return false;
}

/* "3b:00.0" or "0000:3b:00.0". */
static bool parse_pci(char *out, size_t room, const char *text)
{
	unsigned domain = 0, bus, slot, function;
	int end = -1;

	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 ||
	    end < 0 || text[end] != '\0') {
		domain = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3 || end < 0 ||
		    text[end] != '\0')
			return false;
	}
	snprintf(out, room, "%04x:%02x:%02x.%x", domain, bus, slot, function);
	return slot < 32 && function < 8;
}

int device_parse(struct device *out, const char *text)
{
	size_t len;

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "dpdk:", 5) != 0)
		return ASSAY_E_INVAL;
	text += 5;
	if (parse_pci(out->name, sizeof(out->name), text)) {
		out->is_pci = true;
		return 0;
	}
	len = strcspn(text, ",");
	if (strncmp(text, "net_", 4) != 0 || len < 5 || len >= sizeof(out->driver) ||
	    strlen(text) >= sizeof(out->args))
		return ASSAY_E_INVAL;
	memcpy(out->name, text, len);
	memcpy(out->driver, text, len);
	while (len > 0 && isdigit((unsigned char)out->driver[len - 1]))
		out->driver[--len] = '\0';
	text += strlen(out->name);
	snprintf(out->args, sizeof(out->args), "%s", *text == ',' ? text + 1 : "");
	device_arg(out->iface, sizeof(out->iface), out->args, "iface");
	device_arg(out->socket, sizeof(out->socket), out->args, "socket");
	return 0;
}
