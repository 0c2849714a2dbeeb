/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight on made-up machines: a folder that looks like /sys, /proc and /dev. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ifaddrs.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/real.h"
#include "base/text.h"
#include "dpdk/preflight.h"

static char root[64], pmd[96];
static struct preflight_host host;
static struct dataplane_config config;
static struct preflight found;

static struct sockaddr_in kernel_ip = {.sin_family = AF_INET};
static struct sockaddr_in kernel_mask = {.sin_family = AF_INET};
static struct ifaddrs kernel = {.ifa_name = (char *)"eth1",
				.ifa_addr = (struct sockaddr *)&kernel_ip,
				.ifa_netmask = (struct sockaddr *)&kernel_mask};

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	snprintf(root, sizeof(root), "/tmp/assay_preflight_XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(pmd, sizeof(pmd), "%s/pmd", root);
	host = (struct preflight_host){.root = root, .pmd_dir = pmd, .addresses = &kernel};
	inet_pton(AF_INET, "192.0.2.1", &kernel_ip.sin_addr);
	inet_pton(AF_INET, "255.255.255.0", &kernel_mask.sin_addr);
	config = (struct dataplane_config){.memory_mib = 256, .ports = 1};
	config.placement.control_cpu = -1;
	config.placement.synthetic = "core:2 pu:1";
	snprintf(config.port[0].name, sizeof(config.port[0].name), "p0");
	put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
	put("/proc/sys/net/core/rmem_max", "8388608\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "256\n");
	put("/sys/class/net/eth1/flags", "0x1003\n");
	put("/proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\n");
	put("/pmd/librte_net_af_packet.so", "");
	put("/pmd/librte_net_af_xdp.so", "");
	put("/pmd/librte_net_memif.so", "");
	put("/pmd/librte_net_tap.so", "");
	put("/dev/net/tun", "");
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void udp(const char *listen)
{
	config.port[0].is_udp = true;
	snprintf(config.port[0].device, sizeof(config.port[0].device), "udp:%s", listen);
	assert_int_equal(net_addr_parse(&config.port[0].listen, listen), 0);
}

static void dpdk(const char *device, const char *address)
{
	config.port[0].is_udp = false;
	snprintf(config.port[0].device, sizeof(config.port[0].device), "dpdk:%s", device);
	config.port[0].address_count = 1;
	assert_int_equal(net_addr_parse(&config.port[0].address[0], address), 0);
}

/* What is good stands between the findings too; it is not counted here. */
static void run(void)
{
	unsigned wrong = 0;

	preflight_run(&found, &config, &host);
	for (unsigned i = 0; i < found.count; i++)
		if (found.finding[i].severity != FINDING_GOOD)
			found.finding[wrong++] = found.finding[i];
	found.count = wrong;
}

/* The one finding there must be. */
static void assert_found(enum finding_severity severity, const char *what, const char *remedy)
{
	run();
	for (unsigned i = 0; i < found.count; i++)
		if (strstr(found.finding[i].what, what) != NULL) {
			assert_int_equal(found.finding[i].severity, severity);
			if (strstr(found.finding[i].remedy, remedy) == NULL)
				fail_msg("remedy \"%s\" lacks \"%s\"", found.finding[i].remedy,
					 remedy);
			assert_true((preflight_blocker(&found) != NULL) ==
				    (severity == FINDING_BLOCKS));
			return;
		}
	fail_msg("not found: %s (first of %u: %s)", what, found.count, found.finding[0].what);
}

static void good_machine_has_no_findings(void **state)
{
	udp("127.0.0.1:4600");
	run();
	if (found.count != 0)
		fail_msg("%s", found.finding[0].what);
	assert_true(found.hugepages);
	udp("0.0.0.0:4600");
	run();
	assert_int_equal(found.count, 0);
	udp("192.0.2.1:4600");
	run();
	assert_int_equal(found.count, 0);
	dpdk("net_af_packet0,iface=eth1", "192.0.2.7:4600");
	run();
	assert_int_equal(found.count, 0);
}

static void hugepages_are_counted(void **state)
{
	udp("127.0.0.1:4600");
	config.memory_mib = 1024;
	assert_found(FINDING_NOTE, "512 MiB free", "dpdk-hugepages.py --setup 1024M");
	assert_false(found.hugepages);
	config.hugepages = HUGEPAGES_REQUIRE;
	assert_found(FINDING_BLOCKS, "512 MiB free", "NR_2M_PAGES=512");
	config.hugepages = HUGEPAGES_OFF;
	config.memory_mib = 256;
	run();
	assert_false(found.hugepages);
	assert_int_equal(found.count, 0);
	config.resident_bytes = 1 << 30;
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	assert_found(FINDING_NOTE, "transparent huge pages are off", "echo madvise");
}

static void foreign_udp_address_is_found(void **state)
{
	udp("198.51.100.1:4600");
	assert_found(FINDING_BLOCKS, "does not have the address of 198.51.100.1:4600", "ip -br");
}

static void small_buffers_are_noted(void **state)
{
	put("/proc/sys/net/core/rmem_max", "212992\n");
	udp("127.0.0.1:4600");
	run();
	assert_int_equal(found.count, 0); /* who may do all is granted more */
	put("/proc/self/status", "CapInh:\t0\nCapEff:\t0000000000000000\n");
	assert_found(FINDING_NOTE, "212992 bytes", "sysctl -w net.core.rmem_max");
}

static void kernel_address_is_refused(void **state)
{
	dpdk("net_af_packet0,iface=eth1", "192.0.2.1:4600");
	assert_found(FINDING_BLOCKS, "the kernel has the address 192.0.2.1 on eth1",
		     "ip address del 192.0.2.1/24 dev eth1");
}

static void missing_interface_is_found(void **state)
{
	dpdk("net_af_packet0,iface=eth7", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "no interface eth7", "ip -br link");
	dpdk("net_af_packet0", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "needs iface=NAME", "iface=eth1");
	put("/sys/class/net/eth1/flags", "0x1002\n");
	dpdk("net_af_packet0,iface=eth1", "192.0.2.7:4600");
	assert_found(FINDING_WARNING, "eth1 is down", "ip link set eth1 up");
}

/* XDP takes the frames away from the kernel; af_packet only copies them. */
static void default_route_is_not_taken(void **state)
{
	put("/sys/class/net/eth0/flags", "0x1003\n");
	dpdk("net_af_xdp0,iface=eth0", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "default route", "net_af_packet0,iface=eth0");
	dpdk("net_af_packet0,iface=eth0", "192.0.2.7:4600");
	run();
	assert_int_equal(found.count, 0);
	put("/proc/net/route", "Iface\tDestination\tGateway\n");
	put("/proc/net/ipv6_route",
	    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	    "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n");
	dpdk("net_af_xdp0,iface=eth0", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "default route", "net_af_packet0");
}

static void capabilities_are_checked(void **state)
{
	put("/proc/self/status", "CapInh:\t0\nCapEff:\t0000000000000000\n");
	dpdk("net_af_packet0,iface=eth1", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "CAP_NET_RAW", "setcap");
	dpdk("net_tap0,iface=tap9", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "CAP_NET_ADMIN", "setcap");
	udp("127.0.0.1:4600"); /* needs nothing */
	run();
	assert_int_equal(found.count, 0);
}

static void missing_driver_is_found(void **state)
{
	dpdk("net_pcap0,rx_pcap=x", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "no driver net_pcap", "apt-get install 'librte-net-pcap*'");
	dpdk("eth_tap0", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "names no device", "dpdk:0000:3b:00.0");
}

static void memif_folder_is_checked(void **state)
{
	dpdk("net_memif0,socket=/nonexistent/dir/x.sock,socket-abstract=no", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "/nonexistent/dir", "install -d");
	dpdk("net_memif0,socket=/nonexistent/dir/x.sock", "192.0.2.7:4600"); /* abstract */
	run();
	assert_int_equal(found.count, 0);
}

static void pci_needs_vfio(void **state)
{
	char link[256];

	dpdk("0000:3b:00.0", "192.0.2.7:4600");
	assert_found(FINDING_BLOCKS, "no PCI device 0000:3b:00.0", "dpdk-devbind.py");
	assert_found(FINDING_BLOCKS, "/dev/vfio/vfio", "modprobe vfio-pci");
	assert_found(FINDING_BLOCKS, "IOMMU", "iommu=pt");
	put("/dev/vfio/vfio", "");
	put("/sys/kernel/iommu_groups/0/type", "DMA\n");
	put("/sys/bus/pci/devices/0000:3b:00.0/class", "0x020000\n");
	put("/sys/bus/pci/drivers/ixgbe/x", "");
	snprintf(link, sizeof(link), "%s/sys/bus/pci/devices/0000:3b:00.0/driver", root);
	assert_int_equal(symlink("../../drivers/ixgbe", link), 0);
	assert_found(FINDING_BLOCKS, "bound to ixgbe",
		     "driverctl set-override 0000:3b:00.0 vfio-pci");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("../../drivers/vfio-pci", link), 0);
	run();
	assert_int_equal(found.count, 0);
}

static void cpus_are_checked(void **state)
{
	udp("127.0.0.1:4600");
	config.placement.workers = 2;
	assert_found(FINDING_BLOCKS, "2 workers", "count = 1");
	config.placement.workers = 0;
	config.placement.synthetic = "core:1 pu:1";
	assert_found(FINDING_WARNING, "share CPU 0", "two CPUs");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_machine_has_no_findings),
		TEST(hugepages_are_counted),
		TEST(foreign_udp_address_is_found),
		TEST(small_buffers_are_noted),
		TEST(kernel_address_is_refused),
		TEST(missing_interface_is_found),
		TEST(default_route_is_not_taken),
		TEST(capabilities_are_checked),
		TEST(missing_driver_is_found),
		TEST(memif_folder_is_checked),
		TEST(pci_needs_vfio),
		TEST(cpus_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
