/* SPDX-License-Identifier: Apache-2.0 */
/* What single texts of the configuration must look like, and what follows from them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"
#include "control/config_table.h"
#include "crypto/digest.h"

static const char *const role_names[] = {"serve", "verify", "codec", "fetch"};

const char *config_check_account(const char *text)
{
	if (!account_valid(text))
		return "must be 1 to 64 of a-z, 0-9, '.' and '-'";
	if (strcmp(text, "authority") == 0)
		return "must not be \"authority\", which is reserved";
	return NULL;
}

const char *config_check_network(const char *text)
{
	if (text[0] == 0)
		return "must not be empty";
	for (const char *p = text; *p != 0; p++)
		if (*p <= ' ' || *p > '~')
			return "must be printable ASCII without blanks";
	return NULL;
}

const char *config_check_path(const char *text)
{
	if (text[0] != '/')
		return "must be an absolute path";
	for (const char *p = text; *p != 0; p++)
		if ((unsigned char)*p < ' ')
			return "must not contain control characters";
	return NULL;
}

const char *config_check_path_or_none(const char *text)
{
	return text[0] != 0 ? config_check_path(text) : NULL;
}

const char *config_check_staging(const char *text)
{
	if (text[0] == 0 || strcmp(text, ".") == 0 || strcmp(text, "/") == 0)
		return "must be a folder of its own";
	for (const char *p = text; *p != 0; p++)
		if ((unsigned char)*p < ' ')
			return "must not contain control characters";
	return NULL;
}

const char *config_check_endpoint(const char *text)
{
	const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
			   : strncmp(text, "https://", 8) == 0 ? text + 8
							       : "";

	if (host[0] == 0 || strchr(host, '/') != NULL)
		return "must be http://HOST:PORT or https://HOST:PORT";
	for (const char *p = host; *p != 0; p++)
		if (*p <= ' ' || *p > '~')
			return "must be printable ASCII without blanks";
	return NULL;
}

/* A CPU number at *text, moved on behind it; -1 when there is none. */
static int cpu_number(const char **text)
{
	unsigned value = 0, digits = 0;

	for (; isdigit((unsigned char)**text) && digits < 5; (*text)++, digits++)
		value = value * 10 + (unsigned)(**text - '0');
	return digits > 0 && value < 4096 ? (int)value : -1;
}

/* "2,4-7" into out; what is wrong, or NULL. */
static const char *parse_cpus(struct config_cpus *out, const char *text)
{
	out->count = 0;
	if (strcmp(text, "auto") == 0)
		return NULL;
	for (const char *p = text;; p++) {
		int first = cpu_number(&p);
		int last = first;

		if (first >= 0 && *p == '-') {
			p++;
			last = cpu_number(&p);
		}
		if (first < 0 || last < first || (*p != ',' && *p != 0))
			return "must be auto or a list of CPUs like 2,4-7";
		for (int cpu = first; cpu <= last; cpu++) {
			for (unsigned i = 0; i < out->count; i++)
				if (out->cpu[i] == cpu)
					return "names a CPU twice";
			if (out->count == CONFIG_CPUS_MAX)
				return "names more than 64 CPUs";
			out->cpu[out->count++] = (uint16_t)cpu;
		}
		if (*p == 0)
			return NULL;
	}
}

const char *config_check_cpus(const char *text)
{
	struct config_cpus cpus;

	return parse_cpus(&cpus, text);
}

const char *config_check_cpu(const char *text)
{
	const char *p = text;

	if (strcmp(text, "auto") == 0 || (cpu_number(&p) >= 0 && *p == 0))
		return NULL;
	return "must be auto or the number of a CPU";
}

/* "serve,fetch" into a set; 0 when it is not one. */
static uint8_t parse_roles(const char *text)
{
	uint8_t set = 0;

	while (true) {
		size_t len = strcspn(text, ",");
		uint8_t bit = 0;

		for (unsigned i = 0; i < 4; i++)
			if (strlen(role_names[i]) == len && memcmp(text, role_names[i], len) == 0)
				bit = (uint8_t)(1u << i);
		if (bit == 0 || (set & bit) != 0)
			return 0;
		set |= bit;
		if (text[len] == 0)
			return set;
		text += len + 1;
	}
}

const char *config_check_roles(const char *text)
{
	return parse_roles(text) != 0
		       ? NULL
		       : "must be of serve, verify, codec, fetch, with commas, each once";
}

static bool is_loopback(const uint8_t ip[16])
{
	static const uint8_t v4[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
	static const uint8_t v6[16] = {[15] = 1};

	return memcmp(ip, v4, sizeof(v4)) == 0 || memcmp(ip, v6, sizeof(v6)) == 0;
}

const char *config_check_loopback(const char *text)
{
	struct net_addr addr;

	if (text[0] == 0)
		return NULL;
	if (net_addr_parse(&addr, text) != 0)
		return "must be ADDRESS:PORT or \"\"";
	return is_loopback(addr.ip) ? NULL : "must be a loopback address, like 127.0.0.1:9846";
}

/* "192.0.2.1/24" into out; what is wrong, or NULL. */
static const char *parse_address(struct config_address *out, const char *text)
{
	static const uint8_t zero[16];
	char ip[64];
	const char *slash = strchr(text, '/');
	uint64_t prefix;
	size_t len = slash != NULL ? (size_t)(slash - text) : sizeof(ip);
	uint8_t *host;

	if (len >= sizeof(ip) || u64_parse(&prefix, slash + 1) != 0)
		return "must be ADDRESS/PREFIX, like 192.0.2.1/24";
	memcpy(ip, text, len);
	ip[len] = 0;
	memset(out, 0, sizeof(*out));
	host = out->ip;
	out->v4 = inet_pton(AF_INET, ip, out->ip + 12) == 1;
	if (out->v4) {
		out->ip[10] = out->ip[11] = 0xff;
		host = out->ip + 12;
	} else if (inet_pton(AF_INET6, ip, out->ip) != 1) {
		return "must be ADDRESS/PREFIX, like 192.0.2.1/24";
	}
	if (prefix > (out->v4 ? 32u : 128u))
		return "has a prefix that is too long";
	out->prefix = (uint8_t)prefix;
	if (memcmp(host, zero, out->v4 ? 4 : 16) == 0 || is_loopback(out->ip) || host[0] == 0xff ||
	    (out->v4 && host[0] >= 224))
		return "must be the address of one host";
	return NULL;
}

const char *config_check_address(const char *text)
{
	struct config_address address;

	return parse_address(&address, text);
}

const char *config_check_device(const char *text)
{
	struct net_addr addr;

	if (strncmp(text, "udp:", 4) == 0)
		return net_addr_parse(&addr, text + 4) == 0 && addr.port != 0
			       ? NULL
			       : "must be udp:ADDRESS:PORT, like udp:0.0.0.0:4600";
	if (strncmp(text, "dpdk:", 5) != 0 || text[5] == 0 || text[5] == ',')
		return "must be udp:ADDRESS:PORT or dpdk:DEVICE";
	for (const char *p = text; *p != 0; p++)
		if (*p <= ' ' || *p > '~')
			return "must be printable ASCII without blanks";
	return NULL;
}

static bool same_device(const struct config_port *a, const struct config_port *b)
{
	size_t a_len = strcspn(a->device, ","), b_len = strcspn(b->device, ",");

	if (a->kind != b->kind)
		return false;
	if (a->kind == CONFIG_PORT_UDP)
		return a->listen.port == b->listen.port &&
		       memcmp(a->listen.ip, b->listen.ip, 16) == 0;
	return a_len == b_len && memcmp(a->device, b->device, a_len) == 0;
}

/* True when a has, before its address number stop, the address wanted. */
static bool has_address(const struct config_port *a, unsigned stop,
			const struct config_address *wanted)
{
	for (unsigned i = 0; i < stop; i++)
		if (memcmp(a->address[i].ip, wanted->ip, 16) == 0)
			return true;
	return false;
}

/* The device and addresses of one port by themselves; a message, or NULL. */
static const char *derive_port(struct config_port *port)
{
	if (port->device[0] == 0)
		return "has no device";
	port->kind = strncmp(port->device, "udp:", 4) == 0 ? CONFIG_PORT_UDP : CONFIG_PORT_DPDK;
	port->address_count = 0;
	if (port->kind == CONFIG_PORT_UDP) {
		if (net_addr_parse(&port->listen, port->device + 4) != 0)
			return "has a bad device";
		return port->addresses.count == 0 ? NULL
						  : "is a udp: port, which has its address "
						    "in the device; take out addresses";
	}
	if (port->addresses.count == 0)
		return "is a dpdk: port and needs addresses";
	if (port->addresses.count > CONFIG_ADDRESSES_MAX)
		return "has more than 8 addresses";
	for (unsigned i = 0; i < port->addresses.count; i++) {
		if (parse_address(&port->address[i], port->addresses.item[i]) != NULL)
			return "has a bad address";
		if (has_address(port, i, &port->address[i]))
			return "has an address twice";
	}
	port->address_count = port->addresses.count;
	return NULL;
}

/* Port i against those before it. */
static int derive_ports(struct config *config, unsigned i, char *message)
{
	struct config_port *port = &config->port[i];
	const char *wrong = derive_port(port);

	if (wrong != NULL) {
		snprintf(message, CONFIG_ERROR_MAX, "%s", wrong);
		return ASSAY_E_INVAL;
	}
	for (unsigned j = 0; j < i; j++) {
		const struct config_port *other = &config->port[j];

		if (same_device(port, other)) {
			snprintf(message, CONFIG_ERROR_MAX,
				 "has the device of port \"%s\" (line %u)", other->name,
				 other->line);
			return ASSAY_E_INVAL;
		}
		for (unsigned a = 0; a < port->address_count; a++)
			if (other->udp_port == port->udp_port &&
			    has_address(other, other->address_count, &port->address[a])) {
				snprintf(message, CONFIG_ERROR_MAX,
					 "has the address %s of port \"%s\" (line %u)",
					 port->addresses.item[a], other->name, other->line);
				return ASSAY_E_INVAL;
			}
	}
	return 0;
}

/* What the ledger and the services over it need of each other; a message, or NULL. */
static const char *derive_network(const struct config *config)
{
	bool etcd = config->ledger_engine == CONFIG_ENGINE_ETCD;

	if (config->lep6_on && !config->challenge_on)
		return "lep6.enabled needs storage_challenge.enabled";
	if (config->recheck_on && (!config->challenge_on || !config->lep6_on))
		return "recheck.enabled needs storage_challenge.enabled and lep6.enabled";
	if (config->genesis[0] == 0)
		return NULL;
	if (!etcd && config->ledger_file[0] == 0)
		return "a node with a genesis document needs ledger.file, or ledger.engine = etcd";
	if (etcd && config->ledger_endpoints.count == 0)
		return "ledger.engine = etcd needs ledger.endpoints";
	if (config->ledger_endpoints.count > 16)
		return "ledger.endpoints has more than 16 members";
	if ((config->ledger_cert[0] == 0) != (config->ledger_key[0] == 0))
		return "ledger.cert and ledger.key go together";
	return NULL;
}

int config_derive(struct config *config, int *port, char message[CONFIG_ERROR_MAX])
{
	const char *wrong = derive_network(config);
	const char *p = config->control_cpu;

	digest_one(config->network_id, NULL, config->network, strlen(config->network));
	config->control_cpu_number = strcmp(p, "auto") == 0 ? -1 : cpu_number(&p);
	parse_cpus(&config->cpus, config->worker_cpus);
	if (config->heal_sequence_attempts > CONFIG_SEQUENCE_MAX)
		config->heal_sequence_attempts = CONFIG_SEQUENCE_MAX;
	config->role_count = config->worker_roles.count;
	for (unsigned i = 0; i < config->role_count; i++)
		config->roles[i] = parse_roles(config->worker_roles.item[i]);
	for (*port = 0; *port < (int)config->port_count; (*port)++)
		if (derive_ports(config, (unsigned)*port, message) != 0)
			return ASSAY_E_INVAL;
	*port = -1;
	if (wrong != NULL) {
		snprintf(message, CONFIG_ERROR_MAX, "%s", wrong);
		return ASSAY_E_INVAL;
	}
	return 0;
}
