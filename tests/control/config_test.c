/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what is taken, what is refused and with which words at which line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "control/config.h"
#include "crypto/digest.h"

#define HEAD "account = \"a1\"\nnetwork = \"net\"\n" /* two lines */
#define PORT "port \"p0\" {\n\tdevice = \"udp:127.0.0.1:4600\"\n}\n"

static struct config config;
static char error[CONFIG_ERROR_MAX];

static int parse(const char *text)
{
	return config_parse(&config, "t.conf", text, strlen(text), error);
}

static const struct {
	const char *text;
	const char *error; /* the whole of it */
} bad[] = {
	{"", "t.conf: missing: account = \"name-of-this-node\""},
	{"account = \"a\"\n", "t.conf: missing: network = \"name-of-the-network\""},
	{HEAD, "t.conf: missing: port \"p0\" { device = \"udp:0.0.0.0:4600\" }"},
	{"account = \"A1\"\n" PORT,
	 "t.conf:1: 'account' must be 1 to 64 of a-z, 0-9, '.' and '-', got \"A1\""},
	{"account = \"authority\"\n",
	 "t.conf:1: 'account' must not be \"authority\", which is reserved, got \"authority\""},
	{HEAD PORT "account = \"b\"\n", "t.conf:6: 'account' is given twice"},
	{HEAD "colour = 3\n" PORT, "t.conf:3: no such option 'colour'"},
	{HEAD "state_dir = \"var\"\n",
	 "t.conf:3: 'state_dir' must be an absolute path, got \"var\""},
	{HEAD
	 "run_dir = \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n",
	 "t.conf:3: 'run_dir' is longer than 95 characters"},
	{HEAD "log {\n\tlevel = loud\n}\n",
	 "t.conf:4: 'level' must be one of error, warning, info, debug, got \"loud\""},
	{HEAD "log {\n\tcolour = 1\n}\n", "t.conf:4: no such option 'colour'"},
	{HEAD "log {\n}\nlog {\n}\n", "t.conf:6: section 'log' is there twice"},
	{HEAD "session {\n\n\tidle_s = 5\n}\n", "t.conf:5: 'idle_s' must be 10..65535 s, got 5"},
	{HEAD "session {\n\tin_flight = -1\n}\n", "t.conf:4: 'in_flight' must be 1..65535, got -1"},
	{HEAD "session {\n\tin_flight = 99999999999999999999\n}\n",
	 "t.conf:4: integer value for option 'in_flight' is out of range"},
	{HEAD "session {\n\tin_flight = many\n}\n",
	 "t.conf:4: invalid integer value for option 'in_flight'"},
	{HEAD "self_healing {\n\tpoll_interval_ms = -1\n}\n",
	 "t.conf:4: 'poll_interval_ms' must be 0..3600000 ms, got -1"},
	{HEAD "self_healing {\n\tstaging_dir = \"\"\n}\n",
	 "t.conf:4: 'staging_dir' must be a folder of its own, got \"\""},
	{HEAD "control {\n\tmode = 0777\n}\n", "t.conf:4: 'mode' must be 0600..0666, got 0777"},
	{HEAD "store {\n\tscrub = maybe\n}\n",
	 "t.conf:4: invalid boolean value for option 'scrub'"},
	{HEAD "metrics {\n\tlisten = \"192.0.2.1:80\"\n}\n",
	 "t.conf:4: 'listen' must be a loopback address, like 127.0.0.1:9846, got "
	 "\"192.0.2.1:80\""},
	{HEAD "workers {\n\tcpus = \"1,1\"\n}\n",
	 "t.conf:4: 'cpus' names a CPU twice, got \"1,1\""},
	{HEAD "workers {\n\tcpus = \"4-2\"\n}\n",
	 "t.conf:4: 'cpus' must be auto or a list of CPUs like 2,4-7, got \"4-2\""},
	{HEAD "workers {\n\tcpus = \"0-64\"\n}\n",
	 "t.conf:4: 'cpus' names more than 64 CPUs, got \"0-64\""},
	{HEAD "workers {\n\tcontrol_cpu = \"one\"\n}\n",
	 "t.conf:4: 'control_cpu' must be auto or the number of a CPU, got \"one\""},
	{HEAD "workers {\n\troles = {\"serve\", \"cook\"}\n}\n",
	 "t.conf:4: 'roles' must be of serve, verify, codec, fetch, with commas, each once, got "
	 "\"cook\""},
	{HEAD "workers {\n\troles = {\"serve,serve\"}\n}\n",
	 "t.conf:4: 'roles' must be of serve, verify, codec, fetch, with commas, each once, got "
	 "\"serve,serve\""},
	{HEAD "workers {\n\troles = {\"serve\"}\n\troles = {\"serve\"}\n}\n",
	 "t.conf:5: 'roles' is given twice"},
	{HEAD "port \"p0\" {\n}\n", "t.conf:4: port \"p0\" has no device"},
	{HEAD "port \"P 0\" {\n}\n",
	 "t.conf:4: name of a port must be 1 to 31 of a-z, 0-9, '_' and '-'"},
	{HEAD PORT "port \"p0\" {\n\tdevice = \"udp:127.0.0.1:1\"\n}\n",
	 "t.conf:6: two ports have the name 'p0'"},
	{HEAD PORT "port \"p1\" {\n\tdevice = \"udp:127.0.0.1:4600\"\n}\n",
	 "t.conf:7: port \"p1\" has the device of port \"p0\" (line 4)"},
	{HEAD "port \"p\" {\n\tdevice = \"udp:127.0.0.1\"\n}\n",
	 "t.conf:4: 'device' must be udp:ADDRESS:PORT, like udp:0.0.0.0:4600, got "
	 "\"udp:127.0.0.1\""},
	{HEAD "port \"p\" {\n\tdevice = \"eth0\"\n}\n",
	 "t.conf:4: 'device' must be udp:ADDRESS:PORT or dpdk:DEVICE, got \"eth0\""},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:net_tap0\"\n}\n",
	 "t.conf:4: port \"p\" is a dpdk: port and needs addresses"},
	{HEAD "port \"p\" {\n\tdevice = \"udp:127.0.0.1:1\"\n\taddresses = {\"192.0.2.1/24\"}\n}\n",
	 "t.conf:4: port \"p\" is a udp: port, which has its address in the device; take out "
	 "addresses"},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:x\"\n\taddresses = {\"192.0.2.1\"}\n}\n",
	 "t.conf:5: 'addresses' must be ADDRESS/PREFIX, like 192.0.2.1/24, got \"192.0.2.1\""},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:x\"\n\taddresses = {\"192.0.2.1/33\"}\n}\n",
	 "t.conf:5: 'addresses' has a prefix that is too long, got \"192.0.2.1/33\""},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:x\"\n\taddresses = {\"224.0.0.1/4\"}\n}\n",
	 "t.conf:5: 'addresses' must be the address of one host, got \"224.0.0.1/4\""},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:x\"\n\taddresses = {\"::/0\"}\n}\n",
	 "t.conf:5: 'addresses' must be the address of one host, got \"::/0\""},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:x\"\n\taddresses = {\"fd00::1/64\", "
	      "\"fd00:0::1/64\"}\n}\n",
	 "t.conf:4: port \"p\" has an address twice"},
	{HEAD
	 "port \"p\" {\n\tdevice = \"dpdk:net_tap0,iface=a\"\n\taddresses = {\"192.0.2.1/24\"}\n}\n"
	 "port \"q\" {\n\tdevice = \"dpdk:net_tap0,iface=b\"\n\taddresses = "
	 "{\"192.0.2.2/24\"}\n}\n",
	 "t.conf:8: port \"q\" has the device of port \"p\" (line 4)"},
	{HEAD "port \"p\" {\n\tdevice = \"dpdk:x\"\n\taddresses = {\"192.0.2.1/24\"}\n}\n"
	      "port \"q\" {\n\tdevice = \"dpdk:y\"\n\taddresses = {\"192.0.2.1/16\"}\n}\n",
	 "t.conf:8: port \"q\" has the address 192.0.2.1/16 of port \"p\" (line 4)"},
	{HEAD "log {\n", "t.conf:5: the file ends inside a section: '}' is missing"},
	{HEAD PORT "\001end = true\n", "t.conf:6: control character"},
	{HEAD PORT "/* open\n", "t.conf: the file ends inside a comment"},
	{HEAD PORT "run_dir = \"/x\n", "t.conf:9: premature end of file"},
	{HEAD "log {\n\tlevel = \n}\n", "t.conf:5: unexpected token '}'"},
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(parse(bad[i].text), 0);
		assert_string_equal(error, bad[i].error);
	}
}

/* A file with a mistake still says where the daemon is, as far as it was read. */
static void test_run_dir_of_bad(void **state)
{
	assert_int_not_equal(parse(HEAD "run_dir = \"/run/y\"\nnonsense = 1\n"), 0);
	assert_string_equal(config.run_dir, "/run/y");
	assert_int_not_equal(parse("nonsense = 1\nrun_dir = \"/run/y\"\n"), 0);
	assert_string_equal(config.run_dir, "/run/assay");
	assert_int_not_equal(config_load(&config, "/nonexistent", error), 0);
	assert_string_equal(config.run_dir, "");
}

static void test_zero_byte_and_length(void **state)
{
	char *big = test_malloc(CONFIG_FILE_MAX + 2);

	assert_int_not_equal(config_parse(&config, "t.conf", "a\0b", 3, error), 0);
	assert_string_equal(error, "t.conf:1: control character");
	memset(big, '\n', CONFIG_FILE_MAX + 1);
	assert_int_not_equal(config_parse(&config, "t.conf", big, CONFIG_FILE_MAX + 1, error), 0);
	assert_string_equal(error, "t.conf: longer than 256 KiB");
	test_free(big);
}

static void test_good(void **state)
{
	static const char text[] =
		HEAD "# a comment\nrun_dir = /run/x\nlog { level = debug format = json }\n"
		     "workers { cpus = \"2,4-6\" control_cpu = \"1\" idle = busy\n"
		     "\troles = {\"serve,verify\", \"fetch\"} }\n"
		     "store { scrub = off resident_mib = 0 }\ncontrol { mode = 0600 }\n" PORT
		     "port \"p1\" { device = \"dpdk:net_tap0,iface=x\"\n"
		     "\taddresses = {\"192.0.2.1/24\", \"fd00::1/64\"} udp_port = 4601 }\n# end";
	uint8_t id[32];

	assert_int_equal(parse(text), 0);
	assert_string_equal(config.account, "a1");
	assert_string_equal(config.run_dir, "/run/x");
	assert_string_equal(config.state_dir, "/var/lib/assay");
	assert_int_equal(config.log_level, LOG_DEBUG_LEVEL);
	assert_int_equal(config.log_format, LOG_JSON);
	assert_int_equal(config.control_mode, 0600);
	assert_int_equal(config.cpus.count, 4);
	assert_int_equal(config.cpus.cpu[3], 6);
	assert_int_equal(config.control_cpu_number, 1);
	assert_int_equal(config.idle, CONFIG_IDLE_BUSY);
	assert_int_equal(config.role_count, 2);
	assert_int_equal(config.roles[0], CONFIG_SERVE | CONFIG_VERIFY);
	assert_int_equal(config.roles[1], CONFIG_FETCH);
	assert_false(config.scrub);
	assert_int_equal(config.ranges_max, 4);
	assert_int_equal(config.length_max, 256);
	assert_int_equal(config.port_count, 2);
	assert_int_equal(config.port[0].kind, CONFIG_PORT_UDP);
	assert_int_equal(config.port[0].listen.port, 4600);
	assert_int_equal(config.port[1].kind, CONFIG_PORT_DPDK);
	assert_int_equal(config.port[1].address_count, 2);
	assert_true(config.port[1].address[0].v4);
	assert_int_equal(config.port[1].address[0].prefix, 24);
	assert_int_equal(config.port[1].address[1].ip[0], 0xfd);
	assert_int_equal(config.port[1].udp_port, 4601);
	digest_one(id, NULL, "net", 3);
	assert_memory_equal(config.network_id, id, 32);
}

static char *print(const struct config *c, enum config_form form)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	config_print(out, c, form);
	fclose(out);
	return text;
}

static void ignore_change(void *arg, const char *key, bool applied)
{
	fail_msg("%s differs", key);
}

/* What --print-config writes reads back as the same, whatever is set. */
static void test_print_reads_back(void **state)
{
	static struct config first;
	char *text;

	test_good(state);
	first = config;
	text = print(&first, CONFIG_IN_FORCE);
	assert_int_equal(parse(text), 0);
	assert_int_equal(config_apply(&first, &config, ignore_change, NULL), 0);
	free(text);
}

/* The example with its comment marks off is the default configuration. */
static void test_example_is_defaults(void **state)
{
	static struct config defaults;
	char *text, *clean;
	size_t n = 0;

	config_defaults(&defaults);
	snprintf(defaults.account, sizeof(defaults.account), "a");
	snprintf(defaults.network, sizeof(defaults.network), "n");
	snprintf(defaults.port[0].device, sizeof(defaults.port[0].device), "udp:0.0.0.0:1");
	text = print(&defaults, CONFIG_EXAMPLE);
	clean = calloc(1, strlen(text) + 1);
	for (const char *p = text; *p != 0; p++)
		if (*p != '#' || p[1] == ' ')
			clean[n++] = *p;
	assert_int_equal(parse(clean), 0);
	assert_int_equal(config_apply(&defaults, &config, ignore_change, NULL), 0);
	free(text);
	free(clean);
}

struct change {
	char text[256];
};

static void note_change(void *arg, const char *key, bool applied)
{
	struct change *c = arg;
	size_t len = strlen(c->text);

	snprintf(c->text + len, sizeof(c->text) - len, "%s%s ", key, applied ? "+" : "!");
}

static void test_apply(void **state)
{
	static struct config in_force;
	struct change change = {""};

	assert_int_equal(parse(HEAD PORT), 0);
	in_force = config;
	assert_int_equal(parse("account = \"a2\"\nnetwork = \"net\"\nlog { level = error }\n"
			       "session { rate_kib = 7 }\n"
			       "port \"p0\" { device = \"udp:127.0.0.1:4601\" }\n"),
			 0);
	assert_int_equal(config_apply(&in_force, &config, note_change, &change), 4);
	assert_string_equal(change.text, "account! log.level+ session.rate_kib+ port! ");
	assert_string_equal(in_force.account, "a1");
	assert_int_equal(in_force.log_level, LOG_ERROR_LEVEL);
	assert_int_equal(in_force.rate_kib, 7);
	assert_int_equal(in_force.port[0].listen.port, 4600);
}

#define HEALING(text) HEAD PORT "self_healing {\n" text "}\n"

/* Off unless it says so, whatever the challenges do; 0 is the default; 10 is the most. */
static void test_self_healing(void **state)
{
	static struct config in_force, defaults;
	struct change change = {""};
	char dir[300];

	assert_int_equal(parse(HEAD PORT), 0);
	assert_false(config.heal_on);
	defaults = config;
	assert_int_equal(
		parse(HEALING("poll_interval_ms = 0\nverifier_fetch_attempts = 0\n"
			      "max_reconstructed_bytes = 0\nsequence_mismatch_max_attempts = 0\n")),
		0);
	assert_int_equal(config_apply(&defaults, &config, ignore_change, NULL), 0);
	assert_int_equal(config.heal_bytes_max, 4294967296);
	assert_int_equal(config.heal_sequence_attempts, 3);
	config_staging_dir(dir, sizeof(dir), &config);
	assert_string_equal(dir, "/var/lib/assay/heal-staging");
	assert_int_equal(parse(HEALING("enabled = true\nstaging_dir = \"/srv/x\"\n")), 0);
	assert_true(config.heal_on);
	config_staging_dir(dir, sizeof(dir), &config);
	assert_string_equal(dir, "/srv/x");
	in_force = config;
	assert_int_equal(parse(HEALING("sequence_mismatch_max_attempts = 5\n")), 0);
	assert_int_equal(config.heal_sequence_attempts, 5);
	assert_int_equal(parse(HEALING("enabled = true\nsequence_mismatch_max_attempts = 50\n"
				       "staging_dir = \"/srv/x\"\n")),
			 0);
	assert_int_equal(config_apply(&in_force, &config, note_change, &change), 1);
	assert_string_equal(change.text, "self_healing.sequence_mismatch_max_attempts+ ");
	assert_int_equal(in_force.heal_sequence_attempts, 10);
}

static void test_load(void **state)
{
	char path[] = "/tmp/assay-config-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(config_load(&config, "/nonexistent/x.conf", error), ASSAY_E_NOTFOUND);
	assert_string_equal(error, "/nonexistent/x.conf: No such file or directory; `assayctl "
				   "init` makes a configuration");
	assert_int_equal(write(fd, HEAD PORT, sizeof(HEAD PORT) - 1), sizeof(HEAD PORT) - 1);
	close(fd);
	assert_int_equal(config_load(&config, path, error), 0);
	assert_string_equal(config.path, path);
	unlink(path);
	assert_int_not_equal(config_load(&config, "/tmp", error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_run_dir_of_bad),
		cmocka_unit_test(test_zero_byte_and_length),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_print_reads_back),
		cmocka_unit_test(test_example_is_defaults),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_self_healing),
		cmocka_unit_test(test_load),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
