/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verifier makes of a healer's stream: the hash of whatever came, whole and of the ticket's
 * size, or why there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "control/heal_site.h"
#include "crypto/digest.h"
#include "ledger/text.h"

#define HEALER 2
#define OP     77
#define SIZE   1500000 /* several windows of chunks */

static struct heal_site site;
static struct world_artifact *staged;
static char hash[45]; /* of what is staged */

/* The healer has nothing but that file, and it has it by the key that the ledger names. */
static void find_staged(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = memcmp(staged->record.key, keys[i], 32) == 0 ? &staged->record : NULL;
}

static void grant(uint64_t op)
{
	struct world *w = &site.node[HEALER].world;
	struct view_grant *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	*g = (struct view_grant){.op = op, .may = ASSAY_MAY_READ, .until_epoch = UINT64_MAX};
	strcpy(g->account, site.net.nodes[0].account);
	memcpy(g->key, staged->record.key, 32);
	pthread_mutex_lock(&site.hold);
	w->settings.grants = g;
	w->settings.grant_count = 1;
	world_publish(w);
	pthread_mutex_unlock(&site.hold);
}

static int open_with(uint32_t answer_ms)
{
	struct world *w = &site.node[HEALER].world;

	heal_site_open(&site, answer_ms);
	pthread_mutex_lock(&site.hold);
	staged = world_artifact(w, SIZE, 5, 3);
	atomic_store(&staged->record.state, ARTIFACT_PRIVATE);
	w->source = (struct artifact_source){find_staged, NULL};
	pthread_mutex_unlock(&site.hold);
	heal_hash_text(hash, staged->record.key);
	grant(OP);
	return 0;
}

static int setup(void **state)
{
	return open_with(SITE_PATIENT);
}

static int setup_brief(void **state)
{
	return open_with(SITE_BRIEF);
}

/* Nobody would wait that long for one answer. */
static int setup_for_ever(void **state)
{
	return open_with(600000);
}

static struct heal_order order_of(const char *claimed, uint64_t size)
{
	struct heal_order order = site_order(&site, HEAL_HASH);

	order.op = OP;
	order.size = size;
	strcpy(order.hash, claimed);
	strcpy(order.healer, site.node[HEALER].account);
	return order;
}

static struct heal_done hash_as(const char *claimed, uint64_t size)
{
	struct heal_order order = order_of(claimed, size);

	return site_do(&site, &order);
}

static void expect_remote(const struct heal_done *done, const char *part)
{
	if (done->end != HEAL_END_REMOTE || strstr(done->why, part) == NULL)
		fail_msg("%d: %s", done->end, done->why);
}

static void test_honest(void **state)
{
	struct heal_done done = hash_as(hash, SIZE);

	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	assert_string_equal(done.hash, hash);
}

/* Bytes that are not those of the claim come under its key: the hash says what they are. */
static void test_other_bytes(void **state)
{
	uint32_t last = staged->record.chunks - 1;
	uint8_t claimed[32], digest[32];
	char text[45], want[45];

	memset(claimed, 0x11, 32);
	memcpy(staged->record.key, claimed, 32);
	/* Each chunk under a good tag, but not together. */
	staged->data[SIZE - 1] ^= 1;
	tree_chunk_value(staged->outboard + 32 * (size_t)last, staged->data + 1024 * (size_t)last,
			 SIZE - 1024 * last, last, false);
	digest_one(digest, NULL, staged->data, SIZE);
	heal_hash_text(want, digest);
	heal_hash_text(text, claimed);
	grant(OP);
	struct heal_done done = hash_as(text, SIZE);

	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	assert_string_equal(done.hash, want);
}

/* A file of another size than the ticket's is none, whatever it hashes to. */
static void test_size(void **state)
{
	static const uint64_t sizes[] = {SIZE - 1, SIZE + 1, SIZE - 1024, SIZE + 1024, 1048576};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct heal_done done = hash_as(hash, sizes[i]);

		expect_remote(&done, "octets came");
	}
}

/* What the healer says of its file. */
static void set_form(uint64_t size, uint32_t chunks)
{
	pthread_mutex_lock(&site.hold);
	staged->record.size = size;
	staged->record.chunks = chunks;
	pthread_mutex_unlock(&site.hold);
}

/* The healer says that its file is a TiB: nothing grows with that, and nothing is read. */
static void test_announces_much(void **state)
{
	set_form(1ull << 40, staged->record.chunks);
	struct heal_done done = hash_as(hash, SIZE);

	expect_remote(&done, "0 of 1500000 octets came");
}

/* It ends in the middle: the healer's file is shorter than it says. */
static void test_ends_early(void **state)
{
	set_form(SIZE, staged->record.chunks / 2);
	struct heal_done done = hash_as(hash, SIZE);

	expect_remote(&done, "octets came");
}

static void test_not_granted(void **state)
{
	grant(OP + 1);
	struct heal_done done = hash_as(hash, SIZE);

	expect_remote(&done, "grant");
}

static void test_limit(void **state)
{
	struct heal_done done = hash_as(hash, (4 << 20) + 1);

	assert_int_equal(done.end, HEAL_END_OURS);
	assert_non_null(strstr(done.why, "max_reconstructed_bytes"));
}

static void test_unknown_healer(void **state)
{
	struct heal_order order = order_of(hash, SIZE);
	struct heal_done done;

	strcpy(order.healer, "nobody");
	done = site_do(&site, &order);
	assert_int_equal(done.end, HEAL_END_OURS);
}

/* Where it cannot be reached by anybody: that is the healer's own doing. */
static void test_no_address(void **state)
{
	struct heal_done done;

	net_accept(&site.net, site.node[HEALER].account, "node_update",
		   json_pack("{ssss}", "account", site.node[HEALER].account, "address",
			     "nowhere.example"));
	done = hash_as(hash, SIZE);
	expect_remote(&done, "address");
}

/* A healer that hangs costs no more than the deadline. */
static void test_late(void **state)
{
	struct heal_order order = order_of(hash, SIZE);
	struct heal_done done;

	site.node[HEALER].silent = true;
	done = site_do_late(&site, &order, 300);
	assert_int_equal(done.end, HEAL_END_LATE);
	order.deadline_ns = 1; /* no thread was free: that is no fault of the healer */
	done = site_do(&site, &order);
	assert_int_equal(done.end, HEAL_END_OURS);
}

/* Every socket but those of the nodes becomes one that cannot be read; how many there were. */
static unsigned break_sockets(void)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned n = 0;

	assert_true(nothing >= 0);
	for (int fd = 3; fd < 256; fd++) {
		int type = 0;
		socklen_t len = sizeof(type);
		bool theirs = false;

		for (unsigned i = 0; i < SITE_NODES; i++)
			theirs |= site.node[i].fd == fd;
		if (theirs || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
		    type != SOCK_DGRAM)
			continue;
		assert_int_equal(dup2(nothing, fd), fd);
		n++;
	}
	close(nothing);
	return n;
}

/* This node's socket fails: that is no fault of the healer either. */
static void test_own_socket(void **state)
{
	struct heal_order order = order_of(hash, SIZE);
	struct heal_done done;
	unsigned broken = 0;
	uint64_t cookie;

	site.node[HEALER].silent = true;
	cookie = site_begin(&site, &order);
	for (unsigned ms = 0; ms < 60000 && broken == 0; ms++) {
		broken = break_sockets();
		usleep(1000);
	}
	assert_int_equal(broken, 1);
	done = site_wait(&site, cookie);
	if (done.end != HEAL_END_OURS)
		fail_msg("%d: %s", done.end, done.why);
}

/* Several at once, of which one hangs: the others end. */
static void test_beside(void **state)
{
	struct heal_order order = order_of(hash, SIZE), hanging = order;
	uint64_t cookie;
	struct heal_done done;

	strcpy(hanging.healer, site.node[HEALER + 1].account);
	site.node[HEALER + 1].silent = true;
	cookie = site_begin(&site, &hanging);
	for (unsigned i = 0; i < 3; i++) {
		done = site_do(&site, &order);
		assert_int_equal(done.end, HEAL_END_DONE);
	}
	site.port.cancel(site.port.ctx, cookie);
	done = site_wait(&site, cookie);
	assert_int_equal(done.end, HEAL_END_CLOSED);
}

/* The one place of the healer is somebody else's, who rests from then on. */
static void occupy(uint64_t for_ns)
{
	struct world *w = &site.node[HEALER].world;
	struct clock clock = clock_real();

	pthread_mutex_lock(&site.hold);
	assert_true(streams_take(&w->peer_sessions->streams, 1, OP, VIEW_PEERS_MAX - 1, 0xffff0001,
				 clock_mono(&clock) + for_ns));
	w->settings.streams_max = 1;
	pthread_mutex_unlock(&site.hold);
	grant(OP);
}

/* The healer serves somebody else first, for longer than one READ waits: this one waits for its
 * turn. */
static void test_turn(void **state)
{
	struct heal_done done;

	occupy(SITE_BRIEF * NS_PER_MS);
	done = hash_as(hash, SIZE);
	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	assert_true(world_refused(&site.node[HEALER].world, ASSAY_R_BUSY) > 0);
}

/* One that is busy for ever, and says so as often as it is asked, has no more than the deadline. */
static void test_busy_for_ever(void **state)
{
	struct heal_order order = order_of(hash, SIZE);
	struct heal_done done;

	occupy(3600 * NS_PER_S);
	done = site_do_late(&site, &order, 500);
	assert_int_equal(done.end, HEAL_END_LATE);
}

int main(void)
{
#define T(name) SITE_TEST(name, setup, site)
	const struct CMUnitTest tests[] = {
		T(test_honest),
		T(test_other_bytes),
		T(test_size),
		T(test_announces_much),
		T(test_ends_early),
		T(test_not_granted),
		T(test_limit),
		T(test_unknown_healer),
		T(test_no_address),
		T(test_late),
		T(test_beside),
		T(test_own_socket),
		SITE_TEST(test_turn, setup_brief, site),
		SITE_TEST(test_busy_for_ever, setup_for_ever, site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
