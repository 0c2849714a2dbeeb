/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every lie is caught, with the right verdict and because of the right step: over the simulated
 * network, and told by a process on a loopback socket (path of that program: first argument).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "client/wired.h"

#define SIZE	    65532
#define SEED	    42
#define PATIENCE_NS (60 * NS_PER_S) /* real or simulated */

static const char *liar_program;

static void scene_open(struct scene *s)
{
	wired_init(s, SEED, SIZE);
	if (wired_connect(s) != 0)
		fail_msg("%s", s->why);
}

static void tell(struct liar *liar, const struct lie *lie)
{
	liar->lie = lie;
	liar->told = 0;
	liar->saved_count = 0;
	liar->saved_request = 0;
}

static struct challenge_question question(const struct liar *liar, bool tree)
{
	struct challenge_question q = {
		.epoch = 7,
		.class = ASSAY_CLASS_SYMBOL,
		.bucket = ASSAY_BUCKET_RECENT,
		.size = SIZE,
		.tree = tree,
	};

	memcpy(q.key, liar->world.artifact[0].record.key, 32);
	return q;
}

static void expect_honest(struct assay_client *client, const struct challenge_question *q)
{
	struct challenge_answer a;
	enum assay_verdict want = q->tree ? ASSAY_PASS : ASSAY_PLAIN;

	assert_int_equal(challenge_run(client, &a, q), 0);
	assert_string_equal(assay_verdict_name(a.proof.report.verdict), assay_verdict_name(want));
	for (unsigned i = 0; i < ASSAY_STEP_COUNT; i++)
		if (q->tree || i != ASSAY_STEP_TREE)
			assert_int_equal(a.proof.report.step[i], ASSAY_GOOD);
	assert_true(a.evidence_good);
}

/* What must not come is waited for briefly, again and again until the liar has said something; what
 * must come, for as long as it takes. */
struct wait {
	uint64_t received;
	unsigned tries;
	bool brief;
};

static struct wait wait_begin(struct assay_client *client, const struct lie *lie)
{
	bool brief = lie->verdict == ASSAY_INCOMPLETE;

	client->answer_ns = brief ? 150 * MS : PATIENCE_NS;
	return (struct wait){assay_client_stats(client)->received, 0, brief};
}

/* True when (again) to ask; at the end the client is patient. */
static bool wait_again(struct assay_client *client, struct wait *wait)
{
	bool heard = assay_client_stats(client)->received > wait->received;

	if (wait->tries++ == 0 || (wait->brief && !heard)) {
		assert_true(wait->tries < 400);
		return true;
	}
	client->answer_ns = PATIENCE_NS;
	return false;
}

static void expect_caught(struct assay_client *client, const struct challenge_question *q,
			  const struct lie *lie)
{
	struct challenge_question same = *q;
	struct challenge_answer a;
	const struct assay_report *r = &a.proof.report;

	/* A replay is of the same ranges: only the nonce is new. */
	if (lie->again) {
		same.seed = (const uint8_t *)"again";
		same.seed_len = 5;
		q = &same;
		expect_honest(client, q);
	}
	for (struct wait wait = wait_begin(client, lie); wait_again(client, &wait);)
		assert_int_equal(challenge_run(client, &a, q), 0);
	if (r->verdict != lie->verdict)
		fail_msg("%s: %s (%s), want %s", lie->name, assay_verdict_name(r->verdict), r->why,
			 assay_verdict_name(lie->verdict));
	if (lie->step == ASSAY_STEP_TAG ? r->step[ASSAY_STEP_TAG] == ASSAY_GOOD
					: r->step[lie->step] != ASSAY_BAD)
		fail_msg("%s: not because of %s", lie->name, assay_step_name(lie->step));
	assert_non_null(r->why);
}

static void lies_of_prove(const struct lie *list, bool tree)
{
	struct scene s;
	struct challenge_question q;

	scene_open(&s);
	q = question(s.liar, tree);
	for (const struct lie *lie = list; lie->name != NULL; lie++) {
		tell(s.liar, lie);
		expect_caught(s.client, &q, lie);
		assert_true(s.liar->told > 0);
		tell(s.liar, NULL);
		expect_honest(s.client, &q);
	}
	wired_close(&s);
}

static void test_tree_lies(void **state)
{
	lies_of_prove(lies_tree, true);
}

static void test_plain_lies(void **state)
{
	lies_of_prove(lies_plain, false);
}

/* --- READ ----------------------------------------------------------------------------------- */

struct seen {
	const uint8_t *truth;
	uint64_t len;
};

static int see(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct seen *seen = arg;

	assert_int_equal(offset, seen->len);
	assert_memory_equal(data, seen->truth + offset, len);
	seen->len += len;
	return 0;
}

static int read_error(const struct lie *lie)
{
	return lie->verdict == ASSAY_INCOMPLETE ? ASSAY_E_TIMEOUT : ASSAY_E_CORRUPT;
}

static void expect_read_caught(struct assay_client *client, const struct liar *liar,
			       const struct lie *lie)
{
	const struct artifact *a = &liar->world.artifact[0].record;

	for (struct wait wait = wait_begin(client, lie); wait_again(client, &wait);) {
		struct seen seen = {liar->world.artifact[0].data, 0};

		assert_int_equal(assay_client_read(client, NULL, a->key, SIZE, see, &seen),
				 read_error(lie));
		assert_true(seen.len < SIZE);
	}
}

static void test_read_lies(void **state)
{
	struct scene s;
	const uint8_t *key;

	scene_open(&s);
	key = s.liar->world.artifact[0].record.key;
	for (const struct lie *lie = lies_read; lie->name != NULL; lie++) {
		struct seen seen = {s.liar->world.artifact[0].data, 0};
		uint64_t size = 0;

		tell(s.liar, lie);
		expect_read_caught(s.client, s.liar, lie);
		assert_int_equal(assay_client_size(s.client, &size, key), read_error(lie));
		assert_true(strlen(assay_client_why(s.client)) > 0);
		tell(s.liar, NULL);
		seen.len = 0;
		assert_int_equal(
			assay_client_read(s.client, NULL, key, ASSAY_SIZE_UNKNOWN, see, &seen), 0);
		assert_int_equal(seen.len, SIZE);
	}
	wired_close(&s);
}

/* --- as a process --------------------------------------------------------------------------- */

struct process {
	pid_t pid;
	int in;
	char address[32];
};

static void process_start(struct process *p, const char *kind, const char *lie)
{
	char size[16], seed[16], port[16] = "";
	int to[2], from[2];

	snprintf(size, sizeof(size), "%d", SIZE);
	snprintf(seed, sizeof(seed), "%d", SEED);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		for (unsigned i = 0; i < 2; i++) {
			close(to[i]);
			close(from[i]);
		}
		if (lie != NULL)
			execl(liar_program, "liar", seed, size, "node-a", WIRED_SECRET, kind, lie,
			      NULL);
		else
			execl(liar_program, "liar", seed, size, "node-a", WIRED_SECRET, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	p->in = to[1];
	assert_true(read(from[0], port, sizeof(port) - 1) > 0);
	close(from[0]);
	snprintf(p->address, sizeof(p->address), "127.0.0.1:%d", atoi(port));
}

static void process_stop(struct process *p)
{
	int status;

	close(p->in);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_int_equal(status, 0);
}

/* The same node in this process gives the keys and the bytes. */
static struct assay_client *process_client(const struct process *p, struct liar *node)
{
	struct assay_client_config config = {.answer_ms = PATIENCE_NS / MS};
	struct assay_client *client;
	char why[256] = "";

	assert_int_equal(hex_decode(config.session_secret, 32, WIRED_SECRET), 0);
	liar_config(node, &config, p->address);
	if (assay_client_open(&client, &config, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	return client;
}

static void process_lie(struct liar *node, const char *kind, const struct lie *lie)
{
	struct challenge_question q = question(node, strcmp(kind, "tree") == 0);
	struct assay_client *client;
	struct process p;
	uint64_t rtt;

	process_start(&p, kind, lie->name);
	client = process_client(&p, node);
	/* After this nothing but answers is on its way. */
	assert_int_equal(assay_client_ping(client, &rtt), 0);
	if (strcmp(kind, "read") != 0)
		expect_caught(client, &q, lie);
	else
		expect_read_caught(client, node, lie);
	assay_client_close(client);
	process_stop(&p);
}

static void test_process(void **state)
{
	uint8_t secret[32];
	struct liar *node;
	struct process p;
	struct assay_client *client;
	struct challenge_question q;
	uint64_t rtt;

	if (liar_program == NULL)
		skip();
	assert_int_equal(hex_decode(secret, 32, WIRED_SECRET), 0);
	node = liar_new(SEED, SIZE, "node-a", secret);
	q = question(node, true);
	q.size = ASSAY_SIZE_UNKNOWN;
	process_start(&p, NULL, NULL);
	client = process_client(&p, node);
	assert_int_equal(assay_client_ping(client, &rtt), 0);
	expect_honest(client, &q);
	assay_client_close(client);
	process_stop(&p);
	for (const struct lie *lie = lies_tree; lie->name != NULL; lie++)
		process_lie(node, "tree", lie);
	for (const struct lie *lie = lies_plain; lie->name != NULL; lie++)
		process_lie(node, "plain", lie);
	for (const struct lie *lie = lies_read; lie->name != NULL; lie++)
		process_lie(node, "read", lie);
	liar_free(node);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_lies),
		cmocka_unit_test(test_plain_lies),
		cmocka_unit_test(test_read_lies),
		cmocka_unit_test(test_process),
	};

	liar_program = argc > 1 ? argv[1] : NULL;
	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
