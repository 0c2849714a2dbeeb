/* SPDX-License-Identifier: Apache-2.0 */
/* Placement on synthetic machines: who gets which CPU, and that every CPU has its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "dpdk/placement.h"

static struct placement plan;
static struct finding trouble;

static struct placement_config machine(const char *synthetic)
{
	return (struct placement_config){.synthetic = synthetic, .control_cpu = -1};
}

static void assert_row(unsigned row, const char *role, const char *why)
{
	assert_true(row < plan.rows);
	assert_string_equal(plan.row[row].role, role);
	if (strstr(plan.row[row].why, why) == NULL)
		fail_msg("CPU %d: \"%s\" does not say \"%s\"", plan.row[row].cpu, plan.row[row].why,
			 why);
}

static void one_cpu_is_shared(void **state)
{
	struct placement_config config = machine("core:1 pu:1");

	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.workers, 1);
	assert_int_equal(plan.worker[0].cpu, plan.control_cpu);
	assert_true(plan.shared);
	assert_int_equal(plan.warnings, 1);
	assert_non_null(strstr(plan.warning[0].what, "share CPU 0"));
	assert_row(0, "control, fetch, worker 0: serve verify codec", "no other CPU");
}

static void two_cpus_are_one_each(void **state)
{
	struct placement_config config = machine("core:2 pu:1");

	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.control_cpu, 0);
	assert_int_equal(plan.workers, 1);
	assert_int_equal(plan.worker[0].cpu, 1);
	assert_false(plan.shared);
	assert_int_equal(plan.warnings, 0);
	assert_row(0, "control, fetch", "first whole core");
}

/* One core with two threads: better than sharing one thread. */
static void sibling_before_sharing(void **state)
{
	struct placement_config config = machine("core:1 pu:2");

	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.worker[0].cpu, 1);
	assert_false(plan.shared);
	assert_row(1, "worker 0: serve verify codec", "shares one with CPU 0");
}

static void whole_cores_first(void **state)
{
	struct placement_config config = machine("core:4 pu:2");

	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.workers, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(plan.worker[i].cpu, 2 * (i + 1));
	assert_row(1, "free", "shares a core with CPU 0");
	config.workers = 5;
	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.workers, 5);
	assert_int_equal(plan.worker[2].cpu, 6);
	assert_int_not_equal(plan.worker[3].cpu % 2, 0);
	config.workers = 1;
	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_row(4, "free", "enough workers");
}

static void every_cpu_has_a_reason(void **state)
{
	struct placement_config config = machine("numa:2 core:8 pu:2");

	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.workers, 15);
	assert_int_equal(plan.rows, 32);
	for (unsigned i = 0; i < plan.rows; i++) {
		assert_true(strlen(plan.row[i].role) > 0);
		assert_true(strlen(plan.row[i].why) > 0);
	}
	assert_int_equal(plan.worker[14].numa, 1);
}

static void too_many_workers_are_refused(void **state)
{
	struct placement_config config = machine("core:2 pu:1");

	config.workers = 2;
	assert_int_equal(placement_plan(&plan, &config, &trouble), ASSAY_E_RANGE);
	assert_non_null(strstr(trouble.what, "2 workers"));
	assert_non_null(strstr(trouble.remedy, "count = 1"));
}

static void list_is_obeyed(void **state)
{
	struct placement_config config = machine("core:4 pu:2");

	config.cpus = 2;
	config.cpu[0] = 0;
	config.cpu[1] = 5;
	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_int_equal(plan.worker[0].cpu, 0);
	assert_int_equal(plan.worker[1].cpu, 5);
	assert_int_equal(plan.control_cpu, 2); /* first whole core that is left */
	assert_row(5, "worker 1: serve verify codec", "named in the config");
	config.control_cpu = 5;
	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_true(plan.shared);
	config.cpu[1] = 0;
	assert_int_equal(placement_plan(&plan, &config, &trouble), ASSAY_E_INVAL);
	assert_non_null(strstr(trouble.what, "two workers on CPU 0"));
	config.cpu[1] = 8;
	assert_int_equal(placement_plan(&plan, &config, &trouble), ASSAY_E_INVAL);
	assert_non_null(strstr(trouble.what, "may not use CPU 8"));
	config.cpus = 0;
	config.control_cpu = 9;
	assert_int_equal(placement_plan(&plan, &config, &trouble), ASSAY_E_INVAL);
}

static void roles_are_given_and_checked(void **state)
{
	struct placement_config config = machine("core:4 pu:1");

	config.roles = 2;
	config.role[0] = ROLE_SERVE;
	config.role[1] = ROLE_VERIFY | ROLE_FETCH;
	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_row(0, "control", "first whole core"); /* fetch is with worker 1 */
	assert_row(1, "worker 0: serve", "own");
	assert_row(2, "worker 1: verify fetch", "own");
	assert_row(3, "worker 2: serve verify codec", "own");
	config.workers = 2;
	config.role[1] = ROLE_FETCH;
	assert_int_equal(placement_plan(&plan, &config, &trouble), ASSAY_E_INVAL);
	assert_non_null(strstr(trouble.what, "verify"));
}

/* CPUs 0 and 1 on one NUMA node, 2 and 3 on the other with a NIC, as hwloc reads it from a file. */
static void workers_are_near_the_device(void **state)
{
	static const char *const names[] = {"0000:3b:00.0", "ens1f0"};

	assert_int_equal(setenv("HWLOC_XMLFILE", TEST_FOLDER "/two_nodes.xml", 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct placement_config config = machine(NULL);

		config.devices[config.device_count++] = names[i];
		assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
		assert_int_equal(plan.control_cpu, 0);
		assert_int_equal(plan.workers, 2);
		assert_int_equal(plan.worker[0].cpu, 2);
		assert_int_equal(plan.worker[1].cpu, 3);
		assert_int_equal(plan.worker[0].numa, 1);
		assert_int_equal(plan.warnings, 0);
		assert_row(1, "free", "far from the devices");
		assert_row(2, "worker 0: serve verify codec", "NUMA node 1 of a device");
		config.workers = 3; /* a number is obeyed, and the far one comes last */
		assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
		assert_int_equal(plan.worker[2].cpu, 1);
		assert_int_equal(plan.warnings, 1);
		assert_non_null(strstr(plan.warning[0].what, "1 of 3 workers"));
	}
	unsetenv("HWLOC_XMLFILE");
}

/* The real machine, whatever it is: the plan uses only CPUs that this process may use. */
static void this_machine_has_a_plan(void **state)
{
	struct placement_config config = machine(NULL);

	assert_int_equal(placement_plan(&plan, &config, &trouble), 0);
	assert_true(plan.workers >= 1);
	assert_true(plan.rows >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu_is_shared),
		cmocka_unit_test(two_cpus_are_one_each),
		cmocka_unit_test(sibling_before_sharing),
		cmocka_unit_test(whole_cores_first),
		cmocka_unit_test(every_cpu_has_a_reason),
		cmocka_unit_test(too_many_workers_are_refused),
		cmocka_unit_test(list_is_obeyed),
		cmocka_unit_test(roles_are_given_and_checked),
		cmocka_unit_test(workers_are_near_the_device),
		cmocka_unit_test(this_machine_has_a_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
