/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/heal_site.h"
#include "control/receipts.h"
#include "control/store_thread.h"
#include "crypto/digest.h"
#include "ledger/heal.h"
#include "ledger/placement.h"

#define PAUSE_MS 10

/* --- receipts, as a holder gives them --- */

struct bytes {
	uint8_t *data;
	size_t len, room;
};

static int take_bytes(void *ctx, const void *data, size_t len)
{
	struct bytes *b = ctx;

	if (len > b->room - b->len)
		return ASSAY_E_RANGE;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

static int read_artifact(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
			 uint64_t size_max)
{
	struct bytes b = {.data = NULL};
	struct store_output output = {take_bytes, &b};
	struct artifact_info info;

	if (store_stat(ctx, key, &info) != 0 || info.state != ARTIFACT_STORED)
		return ASSAY_E_NOTFOUND;
	if (info.size > size_max)
		return ASSAY_E_RANGE;
	b.room = info.size;
	b.data = malloc(b.room);
	assert_non_null(b.data);
	assert_int_equal(store_get(ctx, key, &output, NULL), 0);
	*data = b.data;
	*len = b.len;
	return 0;
}

static bool hold_artifact(void *ctx, const uint8_t key[32], uint64_t *size)
{
	struct artifact_info info;

	if (!store_hold(ctx, key) || store_stat(ctx, key, &info) != 0)
		return false;
	*size = info.size;
	return true;
}

static bool give_receipt(struct heal_site *s, struct site_node *n, struct call_job *job)
{
	const struct holder_bytes bytes = {read_artifact, hold_artifact, n->site.store};
	uint8_t *text, message[RECEIPT_ROOM], no_aux[32] = {0};
	struct sha256_part part = {message, 0};
	struct holder_answer answer;
	struct receipt_plan plan;
	size_t len;

	if (job->len != 32 ||
	    read_artifact(n->site.store, &text, &len, job->body, RECEIPT_DESCRIPTION) != 0)
		return false;
	enum holder_reason reason = receipt_plan_make(&plan, s->net.state, (const char *)text, len);
	free(text);
	if (reason != HOLDER_SIGNS)
		return false;
	holder_digest(&answer, &plan.told, n->account, &bytes);
	if (answer.reason == HOLDER_SIGNS) {
		part.len = receipt_message(message, plan.ticket, plan.placement_epoch, n->account,
					   answer.digest);
		memcpy(job->answer, answer.digest, 32);
		sign_tagged(job->answer + 32, &n->world.self.identity, TAG_RECEIPT, &part, 1,
			    no_aux);
	}
	receipt_plan_free(&plan);
	return answer.reason == HOLDER_SIGNS;
}

static void answer_calls(struct heal_site *s, struct site_node *n)
{
	struct world *w = &n->world;

	for (unsigned i = 0; i < w->call_count; i++) {
		struct call_job *job = w->call[i];
		bool good =
			n->refusals == 0 && job->method == CALL_RECEIPT && give_receipt(s, n, job);

		n->refusals -= n->refusals > 0;
		job->reason = ASSAY_R_NONE;
		job->status = good ? CALL_DONE : CALL_REFUSED;
		job->answer_len = good ? RECEIPT_ANSWER : 20;
		if (!good)
			memcpy(job->answer, "            not now.", 20);
		serve_called(world_serve(w, job->worker), job, w->time.mono_ns, w->time.wall_ns);
	}
	w->call_count = 0;
}

/* --- the nodes --- */

static void fetch_cold(struct site_node *n)
{
	struct world *w = &n->world;

	if (w->fetch_count == 0)
		return;
	store_read_cold(n->reader, w->fetch, w->fetch_count);
	for (unsigned i = 0; i < w->fetch_count; i++)
		serve_fetched(world_serve(w, w->fetch[i]->worker), w->fetch[i], w->time.mono_ns,
			      w->time.wall_ns);
	w->fetch_count = 0;
}

static void rest(struct heal_site *s, struct site_node *n)
{
	struct world *w = &n->world;

	do {
		world_turn(w, true);
		fetch_cold(n);
		world_write(w, w->write_count);
		answer_calls(s, n);
		world_rings(w);
		serve_handshake_slice(world_serve(w, 0), w->time.mono_ns, w->time.wall_ns);
	} while (!serve_idle(world_serve(w, 0)) || w->handed_count + w->hello_count > 0);
}

static void take_one(struct heal_site *s, struct site_node *n)
{
	struct clock clock = clock_real();
	struct path path = world_path(1, 1);
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t data[ASSAY_PAYLOAD_MAX];
	ssize_t len = recvfrom(n->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from,
			       &from_len);

	if (len < 0 || n->silent)
		return;
	memset(path.remote.ip, 0, 16);
	path.remote.ip[10] = path.remote.ip[11] = 0xff;
	memcpy(path.remote.ip + 12, &from.sin_addr, 4);
	path.remote.port = ntohs(from.sin_port);
	pthread_mutex_lock(&s->hold);
	n->world.time.mono_ns = clock_mono(&clock);
	n->world.time.wall_ns = clock_wall(&clock);
	world_in(&n->world, 0, &path, data, (size_t)len);
	rest(s, n);
	for (unsigned i = 0; i < n->world.sent_count; i++)
		sendto(n->fd, n->world.sent[i].data, n->world.sent[i].len, 0,
		       (struct sockaddr *)&from, from_len);
	world_forget(&n->world);
	pthread_mutex_unlock(&s->hold);
}

static void *serve_main(void *arg)
{
	struct heal_site *s = arg;
	struct pollfd p[SITE_NODES];

	while (!s->stop) {
		for (unsigned i = 0; i < SITE_NODES; i++)
			p[i] = (struct pollfd){.fd = s->node[i].fd, .events = POLLIN};
		if (poll(p, SITE_NODES, 20) <= 0)
			continue;
		for (unsigned i = 0; i < SITE_NODES; i++)
			if (p[i].revents != 0)
				take_one(s, &s->node[i]);
	}
	return NULL;
}

/* As the ledger's network makes them. */
static void session_secret(uint8_t out[32], unsigned number)
{
	char text[32];

	snprintf(text, sizeof(text), "session %u", number);
	digest_one(out, NULL, text, strlen(text));
}

static void take_identity(struct node_self *self, struct heal_site *s, unsigned number)
{
	strcpy(self->account, s->net.nodes[number].account);
	memcpy(self->network_id, s->net.net, 32);
	session_secret(self->session_secret, number);
	self->noise.network_id = self->network_id;
	self->noise.secret = self->session_secret;
	assert_true(public_key(self->noise.public, self->session_secret));
	self->identity = s->net.nodes[number].key;
}

static int open_socket(uint16_t *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = 4 << 20;

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
		    getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	*port = ntohs(sa.sin_port);
	return fd;
}

static void open_node(struct heal_site *s, unsigned number)
{
	struct site_node *n = &s->node[number];
	char address[32];
	uint16_t port;

	world_init(&n->world, number + 1, 1);
	site_init(&n->site, number + 100, &n->world.time);
	n->account = s->net.nodes[number].account;
	n->world.source = store_source(n->site.store);
	site_behind(&n->site, &n->world);
	assert_int_equal(store_reader_new(&n->reader, n->site.store), 0);
	take_identity(&n->world.self, s, number);
	world_peer(&n->world, s->net.nodes[0].account, s->net.nodes[0].session_key);
	world_publish(&n->world);
	n->fd = open_socket(&port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	net_accept(&s->net, n->account, "node_update",
		   json_pack("{ssss}", "account", n->account, "address", address));
}

static int64_t read_made(void *ctx, void *out, size_t len)
{
	struct bytes *b = ctx;
	size_t n = b->room - b->len < len ? b->room - b->len : len;

	memcpy(out, b->data + b->len, n);
	b->len += n;
	return (int64_t)n;
}

static struct store *store_of(struct heal_site *s, unsigned node)
{
	return node == 0 ? s->app.store : s->node[node].site.store;
}

/* The healer's store is its thread's. */
struct errand {
	struct store_task task; /* first */
	void (*run)(struct store *store, const void *arg);
	const void *arg;
	bool done;
};

static void run_errand(struct store_task *task, struct store *store)
{
	struct errand *e = (struct errand *)task;

	e->run(store, e->arg);
}

static void end_errand(struct store_task *task)
{
	((struct errand *)task)->done = true;
}

void site_store(struct heal_site *s, unsigned node,
		void (*run)(struct store *store, const void *arg), const void *arg)
{
	struct errand e = {.task = {.kind = STORE_ERRAND,
				    .fd = -1,
				    .errand = run_errand,
				    .finished = end_errand,
				    .dropped = end_errand},
			   .run = run,
			   .arg = arg};

	if (node != 0) {
		pthread_mutex_lock(&s->hold);
		run(store_of(s, node), arg);
		pthread_mutex_unlock(&s->hold);
		return;
	}
	store_thread_submit(s->app.store_thread, &e.task);
	while (!e.done) {
		site_pump(s);
		poll(NULL, 0, 1);
	}
}

static void store_made(struct store *store, const void *arg)
{
	const struct made_artifact *a = arg;
	struct bytes b = {a->data, 0, a->len};
	uint8_t key[32];

	assert_int_equal(store_put(store, key, &(struct store_input){read_made, &b, a->len}, NULL),
			 0);
	assert_memory_equal(key, a->id, 32);
}

bool site_stores(struct heal_site *s, unsigned node, unsigned class, uint32_t ordinal)
{
	struct artifact_info info;

	return store_stat(store_of(s, node), s->file.artifact[class][ordinal].id, &info) == 0 &&
	       info.state == ARTIFACT_STORED;
}

static void remove_made(struct store *store, const void *arg)
{
	store_remove(store, ((const struct made_artifact *)arg)->id);
}

void site_remove(struct heal_site *s, unsigned node, unsigned class, uint32_t ordinal)
{
	site_store(s, node, remove_made, &s->file.artifact[class][ordinal]);
}

/* --- the ticket --- */

static unsigned number_of(struct heal_site *s, const char *account)
{
	unsigned i = 0;

	while (strcmp(s->net.nodes[i].account, account) != 0)
		i++;
	return i;
}

unsigned site_holder(struct heal_site *s, unsigned position)
{
	return number_of(s, ticket_find(s->net.state, s->ticket)->holders.at[position]);
}

unsigned site_spare(struct heal_site *s, unsigned n)
{
	const struct ticket *t = ticket_find(s->net.state, s->ticket);

	for (unsigned i = 1; i < SITE_NODES; i++)
		if (ticket_position(t, s->net.nodes[i].account) < 0 && n-- == 0)
			return i;
	fail_msg("everybody holds the ticket");
	return 0;
}

/* False when the healer is none of its holders. */
static bool ticket_data(json_t **out, struct heal_site *s)
{
	const struct ticket_facts *f = &s->file.facts;
	json_t *ids = json_array(), *data;
	struct texts holders;
	bool held;

	for (uint32_t i = 0; i < f->max; i++)
		json_array_append_new(ids, json_string(f->index_ids[i]));
	ticket_id(s->ticket, s->net.nodes[1].account, f->data_hash, 0);
	data = json_pack("{sssssIsisisisosssbsisisIs[]s[]}", "ticket", s->ticket, "data_hash",
			 f->data_hash, "size", (json_int_t)f->size, "ic", f->ic, "max", f->max,
			 "ratio", f->ratio, "rq_ids_ids", ids, "signatures", f->signatures,
			 "public", 1, "index_artifact_count", s->file.counts[1],
			 "symbol_artifact_count", s->file.counts[2], "placement_epoch",
			 (json_int_t)state_epoch(s->net.state), "skip", "receipts");
	assert_non_null(data);
	assert_true(ticket_holders(s->net.state, &holders, s->ticket, data, false));
	json_object_set_new(data, "receipts",
			    net_receipts(&s->net, s->ticket, state_epoch(s->net.state), &holders));
	held = texts_have(&holders, s->net.nodes[0].account);
	texts_free(&holders);
	*out = data;
	return held;
}

static void record_ticket(struct heal_site *s)
{
	const struct ticket *t;
	json_t *data;

	/* Of the files that might be, one that lies with the healer too. */
	for (uint64_t seed = 7;; seed++) {
		made_make(&s->file, SITE_SIZE, seed, &s->net.nodes[1].key, 4);
		if (ticket_data(&data, s))
			break;
		json_decref(data);
		made_free(&s->file);
	}
	strcpy(s->hash, s->file.facts.data_hash);
	s->net.next_n = 0;
	net_accept(&s->net, s->net.nodes[1].account, "ticket", data);
	t = ticket_find(s->net.state, s->ticket);
	assert_int_equal(t->holders.n, SITE_WIDTH);
	for (unsigned c = 1; c <= 2; c++)
		for (uint32_t i = 0; i < s->file.counts[c]; i++)
			for (int p = 0; p < SITE_WIDTH; p++)
				if (ticket_places(t, c, i, p))
					site_store(s, site_holder(s, (unsigned)p), store_made,
						   &s->file.artifact[c][i]);
}

void site_tick(struct heal_site *s, unsigned epochs)
{
	pthread_mutex_lock(&s->hold);
	net_to_epoch(&s->net, state_epoch(s->net.state) + epochs);
	pthread_mutex_unlock(&s->hold);
}

/* --- the healer --- */

static bool count_pass(void *ctx, enum failpoint which)
{
	struct heal_site *s = ctx;

	__atomic_fetch_add(&s->passed[which], 1, __ATOMIC_RELAXED);
	return false;
}

static struct state *state_of(void *ctx)
{
	return ((struct heal_site *)ctx)->net.state;
}

static void no_log(void *ctx, enum log_level level, const char *component, const char *message,
		   const char *fields)
{
}

static void open_store(struct heal_site *s)
{
	struct app *app = &s->app;
	struct store_scrub scrub = {.on = false};
	struct store_config config = {.disk = &app->disk,
				      .clock = &app->clock,
				      .log = &app->log,
				      .grace = grace_immediate(),
				      .memory = store_memory_heap()};

	assert_int_equal(disk_real_open(&app->disk, s->dir), 0);
	assert_int_equal(store_open(&app->store, &config), 0);
	app->artifacts = store_source(app->store);
	assert_int_equal(store_thread_start(&app->store_thread, app->store, &app->clock, &scrub),
			 0);
}

static void open_healer(struct heal_site *s, uint32_t answer_ms)
{
	s->config = (struct heals_config){.app = &s->app,
					  .state = state_of,
					  .ctx = s,
					  .root = s->root,
					  .reconstructed_max = 4 << 20,
					  .failpoints = {count_pass, s},
					  .answer_ms = answer_ms,
					  .pause_ms = PAUSE_MS,
					  .share_batch = 2};

	app_init(&s->app, "");
	s->app.log = (struct log){no_log, LOG_ERROR_LEVEL, NULL};
	strcpy(s->dir, "/tmp/assay-heal-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->root, sizeof(s->root), "%s/heal-staging", s->dir);
	snprintf(s->app.config.state_dir, sizeof(s->app.config.state_dir), "%s", s->dir);
	take_identity(&s->app.self, s, 0);
	open_store(s);
	assert_int_equal(heals_new(&s->heals, &s->config), 0);
	s->port = heals_port(s->heals);
}

void heal_site_open(struct heal_site *s, uint32_t answer_ms)
{
	static const struct net_config config = {.nodes = SITE_NODES,
						 .members = 4,
						 .epoch_length = 10,
						 .params =
							 "{\"rq_ids_max\":4,\"placement_width\":4,"
							 "\"consecutive_epochs_to_postpone\":100}"};

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->hold, NULL);
	net_new(&s->net, &config);
	net_tick(&s->net);
	for (unsigned i = 0; i < SITE_NODES; i++)
		open_node(s, i);
	open_healer(s, answer_ms);
	record_ticket(s);
	assert_int_equal(heal_op_new(s->net.state, s->ticket, s->net.nodes[0].account, 0)->id,
			 SITE_OP);
	assert_int_equal(pthread_create(&s->thread, NULL, serve_main, s), 0);
}

void heal_site_close(struct heal_site *s)
{
	char command[96];

	heals_stop(s->heals);
	s->stop = true;
	pthread_join(s->thread, NULL);
	store_thread_stop(s->app.store_thread);
	heals_free(s->heals);
	store_close(s->app.store);
	disk_real_close(&s->app.disk);
	for (unsigned i = 0; i < SITE_NODES; i++) {
		close(s->node[i].fd);
		world_free(&s->node[i].world);
		store_reader_free(s->node[i].reader);
		site_free(&s->node[i].site);
	}
	made_free(&s->file);
	net_free(&s->net);
	snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	assert_int_equal(system(command), 0);
}

int site_setup(void **state)
{
	heal_site_open(*state, SITE_PATIENT);
	return 0;
}

int site_setup_brief(void **state)
{
	heal_site_open(*state, SITE_BRIEF);
	return 0;
}

int site_teardown(void **state)
{
	heal_site_close(*state);
	return 0;
}

/* --- orders --- */

struct heal_order site_order(const struct heal_site *s, enum heal_work work)
{
	struct clock clock = clock_real();
	struct heal_order order = {.work = work,
				   .op = SITE_OP,
				   .size = SITE_SIZE,
				   .deadline_ns = clock_mono(&clock) + 60 * NS_PER_S};

	strcpy(order.ticket, s->ticket);
	if (work != HEAL_BUILD) /* of what was not claimed before */
		strcpy(order.hash, s->hash);
	return order;
}

uint64_t site_begin(struct heal_site *s, const struct heal_order *order)
{
	pthread_mutex_lock(&s->hold);
	s->port.begin(s->port.ctx, ++s->cookie, order);
	pthread_mutex_unlock(&s->hold);
	return s->cookie;
}

void site_pump(struct heal_site *s)
{
	struct store_task *task;

	pthread_mutex_lock(&s->hold);
	while ((task = store_thread_take(s->app.store_thread)) != NULL)
		task->finished(task);
	pthread_mutex_unlock(&s->hold);
}

int site_look(struct heal_site *s, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	struct heal_done done;
	int error;

	for (unsigned ms = 0; ms < 60000; ms++) {
		error = s->port.staged(s->port.ctx, hash, op);
		if (error != ASSAY_E_AGAIN)
			return error;
		if (s->port.next(s->port.ctx, &done))
			assert_int_equal(done.cookie, 0);
		poll(NULL, 0, 1);
	}
	fail_msg("nobody has looked");
	return error;
}

unsigned site_restart(struct heal_site *s, heal_keep keep)
{
	unsigned left;

	heals_stop(s->heals);
	heals_free(s->heals);
	assert_int_equal(heals_new(&s->heals, &s->config), 0);
	s->port = heals_port(s->heals);
	assert_int_equal(s->port.sweep(s->port.ctx, &left, keep, NULL), 0);
	heals_follow(s->heals);
	return left;
}

struct heal_done site_wait(struct heal_site *s, uint64_t cookie)
{
	struct heal_done done;

	for (unsigned ms = 0; ms < 60000; ms++) {
		bool told;

		site_pump(s);
		pthread_mutex_lock(&s->hold);
		told = s->port.next(s->port.ctx, &done);
		pthread_mutex_unlock(&s->hold);
		if (told && done.cookie != 0) {
			assert_int_equal(done.cookie, cookie);
			return done;
		}
		poll(NULL, 0, 1);
	}
	fail_msg("nothing became of it");
	return done;
}

struct heal_done site_do(struct heal_site *s, const struct heal_order *order)
{
	return site_wait(s, site_begin(s, order));
}

struct heal_done site_do_late(struct heal_site *s, struct heal_order *order, uint64_t ms)
{
	struct clock clock = clock_real();
	struct heal_done done;

	do {
		order->deadline_ns = clock_mono(&clock) + ms * NS_PER_MS;
		done = site_do(s, order);
	} while (done.end == HEAL_END_OURS && strstr(done.why, "before the work began") != NULL);
	return done;
}

long site_staged(const struct heal_site *s, const char *name)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%d/%s", s->root, SITE_OP, name);
	return lstat(path, &st) == 0 ? (long)st.st_size : -1;
}

void site_symbol_name(const struct heal_site *s, char out[96], uint32_t ordinal)
{
	char id[BASE58_KEY_MAX];

	base58_encode(id, sizeof(id), s->file.artifact[2][ordinal].id, 32);
	snprintf(out, 96, "symbols/block_0/%s", id);
}

bool site_has_folder(const struct heal_site *s)
{
	return site_staged(s, "") >= 0;
}
