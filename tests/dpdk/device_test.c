/* SPDX-License-Identifier: Apache-2.0 */
/* The text that names a device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "dpdk/device.h"

static void virtual_devices(void **state)
{
	struct device d;

	assert_int_equal(device_parse(&d, "dpdk:net_af_packet12,iface=veth0,blocksz=4096"), 0);
	assert_false(d.is_pci);
	assert_string_equal(d.name, "net_af_packet12");
	assert_string_equal(d.driver, "net_af_packet");
	assert_string_equal(d.args, "iface=veth0,blocksz=4096");
	assert_string_equal(d.iface, "veth0");
	assert_int_equal(device_parse(&d, "dpdk:net_memif0,role=server,socket=/run/x.sock"), 0);
	assert_string_equal(d.socket, "/run/x.sock");
	assert_string_equal(d.iface, "");
	assert_int_equal(device_parse(&d, "dpdk:net_null0"), 0);
	assert_string_equal(d.args, "");
}

static void pci_devices(void **state)
{
	struct device d;

	assert_int_equal(device_parse(&d, "dpdk:0000:3b:00.1"), 0);
	assert_true(d.is_pci);
	assert_string_equal(d.name, "0000:3b:00.1");
	assert_int_equal(device_parse(&d, "dpdk:3B:1f.7"), 0);
	assert_string_equal(d.name, "0000:3b:1f.7");
}

static void nonsense(void **state)
{
	static const char *const bad[] = {
		"",
		"dpdk:",
		"udp:1.2.3.4:5",
		"net_null0",
		"dpdk:net_",
		"dpdk:eth_tap0",
		"dpdk:0000:3b:00.8",
		"dpdk:0000:3b:20.0",
		"dpdk:0000:3b:00",
		"dpdk:0000:3b:00.1x",
		"dpdk:,iface=x",
		"dpdk:net_a_name_that_no_driver_of_dpdk_has0,iface=x",
	};
	struct device d;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (device_parse(&d, bad[i]) != ASSAY_E_INVAL)
			fail_msg("taken: %s", bad[i]);
}

static void arguments(void **state)
{
	char value[8];

	assert_true(device_arg(value, sizeof(value), "a=1,bc=two,c=", "bc"));
	assert_string_equal(value, "two");
	assert_true(device_arg(value, sizeof(value), "a=1,bc=two,c=", "c"));
	assert_string_equal(value, "");
	assert_false(device_arg(value, sizeof(value), "a=1,bc=two", "b"));
	assert_false(device_arg(value, sizeof(value), "a=12345678", "a"));
	assert_false(device_arg(value, sizeof(value), "", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_devices),
		cmocka_unit_test(pci_devices),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
