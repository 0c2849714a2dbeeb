/* SPDX-License-Identifier: Apache-2.0 */
/* The generator's end of the wire: a port of dpdk/, as the node itself uses it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/real.h"
#include "base/text.h"
#include "bench.h"
#include "dpdk/eal.h"
#include "dpdk/ports.h"
#include "load_options.h"

struct wire {
	struct load_port port;
	struct ports *ports;
	struct port *device;
	struct path path; /* to the server */
	struct dgram in[LOAD_BURST], out[LOAD_BURST];
	unsigned in_count, out_count;
	struct log log;
	struct clock clock;
};

static unsigned receive(void *ctx, const uint8_t **data, uint16_t *len, unsigned n)
{
	struct wire *w = ctx;
	unsigned frames = 0;

	w->in_count = port_receive(w->device, 0, w->in, n, clock_mono(&w->clock), &frames);
	for (unsigned i = 0; i < w->in_count; i++) {
		data[i] = w->in[i].data;
		len[i] = w->in[i].len;
	}
	return w->in_count;
}

static void release(void *ctx)
{
	struct wire *w = ctx;

	ports_release(w->in, w->in_count);
	w->in_count = 0;
}

static unsigned alloc(void *ctx, uint8_t **data, unsigned n)
{
	struct wire *w = ctx;

	w->out_count = port_alloc(w->device, 0, w->out, n) ? n : 0;
	for (unsigned i = 0; i < w->out_count; i++)
		data[i] = w->out[i].data;
	return w->out_count;
}

static unsigned send(void *ctx, const uint16_t *len, unsigned n)
{
	struct wire *w = ctx;

	for (unsigned i = 0; i < n; i++) {
		w->out[i].len = len[i];
		w->out[i].path = w->path;
	}
	port_send(w->device, 0, w->out, n);
	port_flush(w->device, 0);
	return n;
}

static int failed(const struct finding *trouble)
{
	fprintf(stderr, "assay-bench: %s%s%s\n", trouble->what, trouble->remedy[0] ? "; " : "",
		trouble->remedy);
	return 1;
}

static bool parse_mac(uint8_t mac[6], const char *text)
{
	unsigned b[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &rest) != 6)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

static int fill_config(struct port_config *config, struct wire *w, const struct load_options *o)
{
	char text[128];

	snprintf(config->name, sizeof(config->name), "load");
	snprintf(config->device, sizeof(config->device), "%s", o->port);
	config->is_udp = strncmp(o->port, "udp:", 4) == 0;
	if (net_addr_parse(&w->path.remote, o->server) != 0) {
		fprintf(stderr, "assay-bench: --server wants ADDRESS:PORT\n");
		return 2;
	}
	if (config->is_udp) {
		if (net_addr_parse(&config->listen, o->port + 4) != 0) {
			fprintf(stderr, "assay-bench: --port wants udp:ADDRESS:PORT\n");
			return 2;
		}
		w->path.local = config->listen;
		return 0;
	}
	if (o->address == NULL || o->peer_mac == NULL ||
	    !parse_mac(w->path.remote_mac, o->peer_mac)) {
		fprintf(stderr, "assay-bench: a dpdk: port wants --address and --peer-mac\n");
		return 2;
	}
	snprintf(text, sizeof(text), strchr(o->address, ':') ? "[%s]:%s" : "%s:%s", o->address,
		 o->udp_port != NULL ? o->udp_port : "4700");
	if (net_addr_parse(&config->address[0], text) != 0) {
		fprintf(stderr, "assay-bench: `%s` is no address\n", text);
		return 2;
	}
	config->address_count = 1;
	w->path.local = config->address[0];
	return 0;
}

static int start_eal(struct wire *w, const struct load_options *o)
{
	static struct placement placement;
	struct placement_config plan = {.workers = 1,
					.control_cpu = o->cpu < 4096 ? (int)o->cpu : -1};
	struct finding trouble = {0};
	static char prefix[64];

	if (o->cpu < 4096) {
		plan.cpus = 1;
		plan.cpu[0] = (uint16_t)o->cpu;
	}
	if (placement_plan(&placement, &plan, &trouble) != 0)
		return failed(&trouble);
	snprintf(prefix, sizeof(prefix), "assay-bench-%d", (int)getpid());
	struct eal_config config = {.placement = &placement,
				    .hugepages = o->hugepages,
				    .memory_mib = 512,
				    .file_prefix = prefix,
				    .run_dir = "/tmp",
				    .log = &w->log};

	return eal_start(&config, &trouble) != 0 ? failed(&trouble) : 0;
}

struct load_port *load_port_open(const struct load_options *options)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct port_config device = {0};
	struct finding trouble = {0};

	if (w == NULL)
		return NULL;
	w->log = log_stderr(LOG_WARNING_LEVEL, LOG_PLAIN);
	w->clock = clock_real();
	if (fill_config(&device, w, options) != 0 || start_eal(w, options) != 0) {
		free(w);
		return NULL;
	}
	struct ports_config config = {.port = &device,
				      .count = 1,
				      .workers = 1,
				      .serves = {true},
				      .payload_max = ASSAY_PAYLOAD_DEFAULT,
				      .log = &w->log};

	if (ports_open(&w->ports, &config, &trouble) != 0) {
		failed(&trouble);
		eal_stop();
		free(w);
		return NULL;
	}
	w->device = ports_at(w->ports, 0);
	w->port = (struct load_port){receive, release, alloc, send, w};
	return &w->port;
}

void load_port_close(struct load_port *port)
{
	struct wire *w = port->ctx;

	ports_close(w->ports);
	eal_stop();
	free(w);
}
