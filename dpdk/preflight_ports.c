/* SPDX-License-Identifier: Apache-2.0 */
/* What the ports of the config need of this machine. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/real.h"
#include "dpdk/preflight.h"

static struct finding *blocks(struct preflight_run *run)
{
	struct finding *f = preflight_add(run);

	f->severity = FINDING_BLOCKS;
	return f;
}

/* True when the default route, IPv4 or IPv6, leaves by this interface. */
static bool has_default_route(const struct preflight_run *run, const char *iface)
{
	char text[16384], name[64], destination[64], *line, *rest;
	unsigned prefix;

	if (preflight_read(run, text, sizeof(text), "/proc/net/route"))
		for (line = strtok_r(text, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			if (sscanf(line, "%63s %63s", name, destination) == 2 &&
			    strcmp(name, iface) == 0 && strcmp(destination, "00000000") == 0)
				return true;
	if (preflight_read(run, text, sizeof(text), "/proc/net/ipv6_route"))
		for (line = strtok_r(text, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			if (sscanf(line, "%63s %x %*s %*s %*s %*s %*s %*s %*s %63s", destination,
				   &prefix, name) == 3 &&
			    prefix == 0 && strcmp(name, iface) == 0 && strcmp(name, "lo") != 0)
				return true;
	return false;
}

static bool same_address(const struct sockaddr *address, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (address == NULL)
		return false;
	if (address->sa_family == AF_INET)
		return memcmp(ip, mapped, 12) == 0 &&
		       memcmp(ip + 12, &((const struct sockaddr_in *)address)->sin_addr, 4) == 0;
	return address->sa_family == AF_INET6 &&
	       memcmp(ip, &((const struct sockaddr_in6 *)address)->sin6_addr, 16) == 0;
}

static unsigned prefix_of(const struct sockaddr *mask)
{
	const uint8_t *bytes;
	unsigned len, bits = 0;

	if (mask == NULL)
		return 0;
	bytes = mask->sa_family == AF_INET
			? (const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr
			: (const uint8_t *)&((const struct sockaddr_in6 *)mask)->sin6_addr;
	len = mask->sa_family == AF_INET ? 4 : 16;
	for (unsigned i = 0; i < len; i++)
		bits += (unsigned)__builtin_popcount(bytes[i]);
	return bits;
}

/* The kernel would answer too: with "port unreachable", and to ARP with its own MAC. */
static void check_addresses(struct preflight_run *run, const struct port_config *port,
			    const char *iface)
{
	for (const struct ifaddrs *a = run->addresses; a != NULL; a = a->ifa_next)
		for (unsigned i = 0; i < port->address_count; i++) {
			char text[64];
			struct net_addr address = port->address[i];
			struct finding *f;

			if (strcmp(a->ifa_name, iface) != 0 ||
			    !same_address(a->ifa_addr, address.ip))
				continue;
			address.port = 0;
			net_addr_format(text, &address);
			*strrchr(text, ':') = '\0';
			f = blocks(run);
			finding_set(
				f, FINDING_BLOCKS,
				"port %s: the kernel has the address %s on %s and would answer too",
				port->name, text, iface);
			finding_remedy(f, "ip address del %s/%u dev %s",
				       text[0] == '[' ? strtok(text, "[]") : text,
				       prefix_of(a->ifa_netmask), iface);
		}
}

static void check_udp(struct preflight_run *run, const struct port_config *port)
{
	static const uint8_t none[16], none4[16] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = port->listen.ip;
	char text[64];
	struct finding *f;

	if (memcmp(ip, none, 16) == 0 || memcmp(ip, none4, 16) == 0 ||
	    (ip[10] == 0xff && ip[12] == 127))
		return;
	for (const struct ifaddrs *a = run->addresses; a != NULL; a = a->ifa_next)
		if (same_address(a->ifa_addr, ip))
			return;
	net_addr_format(text, &port->listen);
	f = blocks(run);
	finding_set(f, FINDING_BLOCKS, "port %s: this machine does not have the address of %s",
		    port->name, text);
	finding_remedy(f, "name one of those that this prints: ip -br address");
}

static void check_driver(struct preflight_run *run, const struct port_config *port,
			 const struct device *device)
{
	char path[512], package[64];
	struct finding *f;

	snprintf(path, sizeof(path), "%s/librte_%s.so", run->host->pmd_dir, device->driver);
	if (access(path, R_OK) == 0)
		return;
	snprintf(package, sizeof(package), "librte-%s", device->driver);
	for (char *p = package; *p != '\0'; p++)
		*p = *p == '_' ? '-' : *p;
	f = blocks(run);
	finding_set(f, FINDING_BLOCKS, "port %s: DPDK has no driver %s (no %s)", port->name,
		    device->driver, path);
	finding_remedy(f, "apt-get install '%s*'", package);
}

static void need(struct preflight_run *run, const struct port_config *port,
		 const struct device *device, unsigned capability, const char *name)
{
	struct finding *f;

	if (preflight_can(run, capability))
		return;
	f = blocks(run);
	finding_set(f, FINDING_BLOCKS, "port %s: %s needs the capability %s", port->name,
		    device->driver, name);
	finding_remedy(f, "run as root, or: setcap "
			  "cap_net_admin,cap_net_raw,cap_bpf,cap_ipc_lock+ep $(command -v assayd)");
}

/* Interfaces that must be there: those of af_packet and af_xdp. */
static bool check_iface(struct preflight_run *run, const struct port_config *port,
			const struct device *device)
{
	char path[128], text[32];
	struct finding *f;

	if (device->iface[0] == '\0') {
		f = blocks(run);
		finding_set(f, FINDING_BLOCKS, "port %s: %s needs iface=NAME", port->name,
			    device->driver);
		finding_remedy(f, "device = \"dpdk:%s,iface=eth1\"", device->name);
		return false;
	}
	snprintf(path, sizeof(path), "/sys/class/net/%s", device->iface);
	if (!preflight_exists(run, path)) {
		f = blocks(run);
		finding_set(f, FINDING_BLOCKS, "port %s: there is no interface %s", port->name,
			    device->iface);
		finding_remedy(f, "name one of those that this prints: ip -br link");
		return false;
	}
	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", device->iface);
	if (preflight_read(run, text, sizeof(text), path) &&
	    (strtoul(text, NULL, 16) & IFF_UP) == 0) {
		f = preflight_add(run);
		finding_set(f, FINDING_WARNING, "port %s: the interface %s is down", port->name,
			    device->iface);
		finding_remedy(f, "ip link set %s up", device->iface);
	}
	return true;
}

/* Takes all frames away from the kernel, as a PCI device does. */
static void check_not_default(struct preflight_run *run, const struct port_config *port,
			      const char *iface)
{
	struct finding *f;

	if (!has_default_route(run, iface))
		return;
	f = blocks(run);
	finding_set(f, FINDING_BLOCKS,
		    "port %s: the default route of this machine leaves by %s, which the port would "
		    "take away",
		    port->name, iface);
	finding_remedy(f,
		       "name another device, or af_packet, which shares it: "
		       "dpdk:net_af_packet0,iface=%s",
		       iface);
}

static void check_memif(struct preflight_run *run, const struct port_config *port,
			const struct device *device)
{
	char dir[160], text[8];
	char *slash;
	struct finding *f;

	/* abstract sockets, the default, have no directory */
	if (!device_arg(text, sizeof(text), device->args, "socket-abstract") ||
	    strcmp(text, "no") != 0 || device->socket[0] == '\0')
		return;
	snprintf(dir, sizeof(dir), "%s", device->socket);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return;
	*slash = '\0';
	if (access(dir, W_OK | X_OK) == 0)
		return;
	f = blocks(run);
	finding_set(f, FINDING_BLOCKS, "port %s: cannot make a socket in %s", port->name, dir);
	finding_remedy(f, "install -d -o \"$USER\" %s", dir);
}

static void check_pci(struct preflight_run *run, const struct port_config *port,
		      const struct device *device)
{
	char path[512], link[256], *driver;
	const char *root = run->host->root != NULL ? run->host->root : "";
	struct if_nameindex *names = if_nameindex();
	struct finding *f;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", device->name);
	if (!preflight_exists(run, path)) {
		f = blocks(run);
		finding_set(f, FINDING_BLOCKS, "port %s: there is no PCI device %s", port->name,
			    device->name);
		finding_remedy(
			f, "name one of those that this prints: dpdk-devbind.py --status-dev net");
		goto done;
	}
	for (unsigned i = 0; names != NULL && names[i].if_index != 0; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net/%s", device->name,
			 names[i].if_name);
		if (preflight_exists(run, path))
			check_not_default(run, port, names[i].if_name);
	}
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", root, device->name);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	driver = strrchr(link, '/');
	driver = driver != NULL ? driver + 1 : link;
	/* mlx4 and mlx5 share the device with their kernel driver */
	if (strcmp(driver, "vfio-pci") == 0 || strncmp(driver, "mlx", 3) == 0)
		goto done;
	f = blocks(run);
	finding_set(f, FINDING_BLOCKS, "port %s: PCI device %s is bound to %s, not to vfio-pci",
		    port->name, device->name, *driver != '\0' ? driver : "no driver");
	finding_remedy(f, "driverctl set-override %s vfio-pci", device->name);
done:
	if (names != NULL)
		if_freenameindex(names);
}

void preflight_port(struct preflight_run *run, const struct port_config *port)
{
	struct device device;
	struct finding *f;

	if (port->is_udp) {
		check_udp(run, port);
		return;
	}
	if (device_parse(&device, port->device) != 0) {
		f = blocks(run);
		finding_set(f, FINDING_BLOCKS, "port %s: \"%s\" names no device of DPDK",
			    port->name, port->device);
		finding_remedy(
			f, "device = \"dpdk:0000:3b:00.0\" or \"dpdk:net_af_packet0,iface=eth1\"");
		return;
	}
	if (device.is_pci) {
		check_pci(run, port, &device);
		return;
	}
	check_driver(run, port, &device);
	if (strcmp(device.driver, "net_memif") == 0)
		check_memif(run, port, &device);
	if (strcmp(device.driver, "net_tap") == 0) {
		need(run, port, &device, BIT_NET_ADMIN, "CAP_NET_ADMIN");
		if (!preflight_exists(run, "/dev/net/tun")) {
			f = blocks(run);
			finding_set(f, FINDING_BLOCKS, "port %s: there is no /dev/net/tun",
				    port->name);
			finding_remedy(f, "modprobe tun");
		}
	}
	if (strcmp(device.driver, "net_af_packet") == 0 ||
	    strcmp(device.driver, "net_af_xdp") == 0) {
		bool is_xdp = strcmp(device.driver, "net_af_xdp") == 0;

		need(run, port, &device, BIT_NET_RAW, "CAP_NET_RAW");
		if (is_xdp && !preflight_can(run, BIT_SYS_ADMIN))
			need(run, port, &device, BIT_BPF, "CAP_BPF");
		if (is_xdp)
			need(run, port, &device, BIT_NET_ADMIN, "CAP_NET_ADMIN");
		if (check_iface(run, port, &device) && is_xdp)
			check_not_default(run, port, device.iface);
	}
	if (device.iface[0] != '\0')
		check_addresses(run, port, device.iface);
}
