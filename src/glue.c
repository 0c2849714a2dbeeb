/* SPDX-License-Identifier: Apache-2.0 */
#include "glue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "dpdk/device.h"

static_assert((int)ROLE_SERVE == (int)CONFIG_SERVE && (int)ROLE_VERIFY == (int)CONFIG_VERIFY &&
		      (int)ROLE_CODEC == (int)CONFIG_CODEC && (int)ROLE_FETCH == (int)CONFIG_FETCH,
	      "roles are the same numbers on both sides");
static_assert((int)IDLE_ADAPTIVE == (int)CONFIG_IDLE_ADAPTIVE &&
		      (int)IDLE_BUSY == (int)CONFIG_IDLE_BUSY &&
		      (int)IDLE_INTERRUPT == (int)CONFIG_IDLE_INTERRUPT,
	      "manners too");
static_assert((int)HUGEPAGES_AUTO == (int)CONFIG_HUGEPAGES_AUTO &&
		      (int)HUGEPAGES_REQUIRE == (int)CONFIG_HUGEPAGES_REQUIRE &&
		      (int)HUGEPAGES_OFF == (int)CONFIG_HUGEPAGES_OFF,
	      "and huge pages");
static_assert(CONFIG_PORTS_MAX <= PORTS_MAX && CONFIG_ADDRESSES_MAX <= FRAME_ADDRESSES_MAX &&
		      CONFIG_CPUS_MAX <= SERVE_WORKERS_MAX,
	      "the data plane takes what a config can say");

static void glue_port(struct port_config *out, const struct config_port *port)
{
	snprintf(out->name, sizeof(out->name), "%s", port->name);
	snprintf(out->device, sizeof(out->device), "%s", port->device);
	out->is_udp = port->kind == CONFIG_PORT_UDP;
	out->listen = port->listen;
	out->address_count = port->address_count;
	for (unsigned i = 0; i < port->address_count; i++) {
		memcpy(out->address[i].ip, port->address[i].ip, 16);
		out->address[i].port = (uint16_t)port->udp_port;
	}
}

/* CPUs near these are preferred: PCI devices, and the interfaces that virtual devices work on. */
static void glue_devices(struct dataplane_config *out)
{
	static struct device device[PORTS_MAX];

	for (unsigned i = 0; i < out->ports; i++) {
		const char *name = device[i].name;

		if (out->port[i].is_udp || device_parse(&device[i], out->port[i].device) != 0)
			continue;
		if (!device[i].is_pci)
			name = device[i].iface;
		if (*name != '\0')
			out->placement.devices[out->placement.device_count++] = name;
	}
}

/* The name for dpdk-telemetry.py -f. Nodes of one machine differ in their state directory. */
static void glue_prefix(char *out, size_t room, const struct config *config)
{
	uint8_t digest[32];
	char hex[9];

	digest_init();
	digest_one(digest, NULL, config->state_dir, strlen(config->state_dir));
	hex_encode(hex, digest, 4);
	snprintf(out, room, "assay-%s-%s", config->account, hex);
}

void glue_config(struct dataplane_config *out, const struct app *app)
{
	const struct config *config = &app->config;

	memset(out, 0, sizeof(*out));
	out->placement.workers = (unsigned)config->worker_count;
	out->placement.control_cpu = config->control_cpu_number;
	out->placement.cpus = config->cpus.count;
	memcpy(out->placement.cpu, config->cpus.cpu, config->cpus.count * sizeof(uint16_t));
	out->placement.roles = config->role_count;
	memcpy(out->placement.role, config->roles, config->role_count);
	out->ports = config->port_count;
	for (unsigned i = 0; i < config->port_count; i++)
		glue_port(&out->port[i], &config->port[i]);
	glue_devices(out);
	out->payload_max = (uint16_t)config->datagram_limit;
	out->idle = (enum dataplane_idle)config->idle;
	out->hugepages = (enum dataplane_hugepages)config->hugepages;
	out->memory_mib = (unsigned)config->memory_mib;
	out->resident_bytes = config->resident_mib * 1024 * 1024;
	snprintf(out->run_dir, sizeof(out->run_dir), "%s", config->run_dir);
	glue_prefix(out->file_prefix, sizeof(out->file_prefix), config);
	out->log = &app->log;
	out->clock = &app->clock;
	out->random = &app->random;
}

static int fail(struct app *app, int code, const struct finding *trouble)
{
	if (trouble->remedy[0] == '\0')
		return app_fail(app, code, "%s", trouble->what);
	return app_fail(app, code, "%s; to fix it: %s", trouble->what, trouble->remedy);
}

int glue_plane_start(struct app *app)
{
	struct dataplane_config *config = malloc(sizeof(*config));
	struct dataplane *plane = NULL;
	struct finding trouble;
	int code;

	must(config != NULL);
	glue_config(config, app);
	code = dataplane_open(&plane, config, &trouble);
	free(config);
	if (code != 0)
		return fail(app, code, &trouble);
	app->data = plane;
	app->grace = dataplane_grace(plane);
	app->memory = dataplane_memory(plane);
	app->plane = dataplane_calls(plane);
	return 0;
}

void glue_plane_stop(struct app *app)
{
	dataplane_close(app->data);
	app->data = NULL;
}

int glue_workers_start(struct app *app)
{
	struct finding trouble;
	int code = dataplane_start(app->data, &app->self, app->store, &app->artifacts, &trouble);

	return code == 0 ? 0 : fail(app, code, &trouble);
}

void glue_workers_stop(struct app *app)
{
	dataplane_stop(app->data);
}
