/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the daemon below the loop. */
#include "control/app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "assay/status.h"
#include "client/keys.h"
#include "control/garbage.h"
#include "control/network.h"
#include "control/registry.h"
#include "control/store_thread.h"
#include "crypto/digest.h"
#include "crypto/self_test.h"
#include "crypto/sign.h"

#define DESCRIPTORS 65536

void app_init(struct app *app, const char *config_path)
{
	memset(app, 0, sizeof(*app));
	app->config_path = config_path;
	app->log = log_stderr(LOG_INFO_LEVEL, LOG_PLAIN);
	app->clock = clock_real();
	app->random = random_real();
	app->grace = grace_immediate();
	app->memory = store_memory_heap();
	app->lock_fd = -1;
	app->exit_code = EXIT_FAILURE;
	digest_init(); /* the network id is a digest */
}

int app_fail(struct app *app, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(app->error, sizeof(app->error), format, args);
	va_end(args);
	return code;
}

int app_config_start(struct app *app)
{
	int result = config_load(&app->config, app->config_path, app->error);
	int format = app->config.log_format;

	if (result == 0)
		result = failpoints_env(&app->failpoints, app->error, sizeof(app->error));
	if (result != 0) {
		app->exit_code = EX_CONFIG;
		return result;
	}
	if (format < 0)
		format = getenv("JOURNAL_STREAM") != NULL ? LOG_JOURNAL : LOG_PLAIN;
	app->log = log_stderr((enum log_level)app->config.log_level, (enum log_format)format);
	return 0;
}

static int make_dir(struct app *app, const char *path, const char *key, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return app_fail(app, ASSAY_E_IO, "%s: %s; make the directory or set %s to another one",
			path, errno == EEXIST ? "not a directory" : strerror(errno), key);
}

static int take_lock(struct app *app)
{
	char path[300], pid[32] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "%s/assayd.lock", app->config.state_dir);
	app->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (app->lock_fd < 0)
		return app_fail(app, ASSAY_E_IO, "%s: %s", path, strerror(errno));
	if (flock(app->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		n = pread(app->lock_fd, pid, sizeof(pid) - 1, 0);
		app->exit_code = EX_TEMPFAIL;
		if (n > 0)
			pid[strcspn(pid, "\n")] = 0;
		return app_fail(app, ASSAY_E_BUSY,
				"%s: in use by another assayd (pid %s); stop it or use another "
				"state_dir",
				app->config.state_dir, pid[0] != 0 ? pid : "unknown");
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(app->lock_fd, 0) != 0 || pwrite(app->lock_fd, pid, (size_t)n, 0) != n)
		return app_fail(app, ASSAY_E_IO, "%s: %s", path, strerror(errno));
	return 0;
}

/* As many as the administrator allows, whatever a shell begins with: without one for a folder that
 * has to be synced the node stops. */
static void take_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int app_lock_start(struct app *app)
{
	int result;

	take_descriptors();
	result = make_dir(app, app->config.state_dir, "state_dir", 0700);
	if (result == 0)
		result = make_dir(app, app->config.run_dir, "run_dir", 0755);
	if (result == 0)
		result = take_lock(app);
	if (result == 0 && disk_real_open(&app->disk, app->config.state_dir) != 0)
		result = app_fail(app, ASSAY_E_IO, "%s: cannot be opened", app->config.state_dir);
	return result;
}

void app_lock_stop(struct app *app)
{
	if (app->disk.ctx != NULL)
		disk_real_close(&app->disk);
	if (app->lock_fd >= 0)
		close(app->lock_fd);
	app->lock_fd = -1;
}

int app_self_start(struct app *app)
{
	struct node_self *self = &app->self;
	char path[300], why[KEYS_WHY_MAX];
	struct keys keys;
	const char *wrong;
	int result;

	digest_init();
	sign_init(&app->random);
	wrong = crypto_self_test();
	if (wrong != NULL)
		return app_fail(app, ASSAY_E_CRYPTO,
				"self test: %s gives a wrong answer on this machine; nothing that "
				"it proves could be trusted",
				wrong);
	snprintf(path, sizeof(path), "%s/node-keys.json", app->config.state_dir);
	result = keys_load(&keys, path, why);
	if (result != 0)
		return app_fail(app, result, "%s%s", why,
				result == ASSAY_E_NOTFOUND ? "; `assayctl init` makes it" : "");
	result = keys.node ? sign_key_from_secret(&self->identity, keys.identity) : ASSAY_E_CRYPTO;
	memcpy(self->session_secret, keys.session, 32);
	keys_wipe(&keys);
	if (result != 0 || !public_key(self->noise.public, self->session_secret))
		return app_fail(app, ASSAY_E_CRYPTO,
				"%s: not the keys of a node; `assayctl init` "
				"makes them",
				path);
	snprintf(self->account, sizeof(self->account), "%s", app->config.account);
	memcpy(self->network_id, app->config.network_id, 32);
	self->noise.network_id = self->network_id;
	self->noise.secret = self->session_secret;
	return 0;
}

void app_self_stop(struct app *app)
{
	sign_key_wipe(&app->self.identity);
	wipe(app->self.session_secret, sizeof(app->self.session_secret));
}

/* An entry with this node's account must have this node's keys. */
static int check_own(struct app *app, const struct registry *r)
{
	const struct registry_entry *own = registry_find(r, app->self.account);

	if (strcmp(r->network, app->config.network) != 0)
		return app_fail(
			app, ASSAY_E_INVAL, "%s/%s is of network %s, the configuration says %s",
			app->config.state_dir, REGISTRY_NAME, r->network, app->config.network);
	if (own != NULL && (!own->node || memcmp(own->key, app->self.identity.public, 32) != 0 ||
			    memcmp(own->session_key, app->self.noise.public, 33) != 0))
		return app_fail(app, ASSAY_E_INVAL,
				"%s/%s has other keys for %s than node-keys.json; account and "
				"keys belong together for ever",
				app->config.state_dir, REGISTRY_NAME, app->self.account);
	return 0;
}

int app_registry_read(struct app *app, struct registry *out)
{
	char why[REGISTRY_WHY_MAX];
	int result = registry_load(out, &app->disk, why);

	if (result == ASSAY_E_NOTFOUND) {
		registry_init(out, app->config.network);
		result = 0;
	}
	if (result != 0)
		return app_fail(app, result, "%s/%.400s", app->config.state_dir, why);
	if (app->network != NULL)
		result = network_registry(app->network, out);
	if (result == 0)
		result = check_own(app, out);
	if (result != 0)
		registry_free(out);
	return result;
}

int app_registry_start(struct app *app)
{
	int result;

	app->registry = calloc(1, sizeof(*app->registry));
	if (app->registry == NULL)
		return app_fail(app, ASSAY_E_NOMEM, "registry: out of memory");
	result = app_registry_read(app, app->registry);
	if (result == 0)
		log_info(&app->log, "registry", "read", "entries=%u", app->registry->count);
	return result;
}

void app_registry_stop(struct app *app)
{
	if (app->registry != NULL)
		registry_free(app->registry);
	free(app->registry);
	app->registry = NULL;
}

/* The store keeps a copy of its log; so the level is looked at here, where a reload sets it. */
static void store_log(void *ctx, enum log_level level, const char *component, const char *message,
		      const char *fields)
{
	const struct log *log = ctx;

	if (level <= __atomic_load_n(&log->level, __ATOMIC_RELAXED))
		log->write(log->ctx, level, component, message, fields);
}

static struct state *ledger_now(void *ctx)
{
	const struct app *app = ctx;
	struct core *core = network_core(app->network);
	struct replica_status status;

	replica_status(core_replica(core), &status);
	return status.condition == REPLICA_CURRENT ? core_state(core) : NULL;
}

static void to_store_thread(void *ctx, struct store_task *task)
{
	const struct app *app = ctx;

	store_thread_submit(app->store_thread, task);
}

static int start_garbage(struct app *app)
{
	const struct garbage_config config = {
		.self = app->self.account,
		.store = app->store,
		.clock = &app->clock,
		.log = app->log,
		.state = ledger_now,
		.submit = to_store_thread,
		.ctx = app,
	};

	app->garbage = garbage_start(&config);
	return app->garbage != NULL ? 0 : app_fail(app, ASSAY_E_NOMEM, "store: out of memory");
}

int app_store_start(struct app *app)
{
	const struct log log = {store_log, LOG_DEBUG_LEVEL, &app->log};
	const struct store_config config = {
		.disk = &app->disk,
		.clock = &app->clock,
		.log = &log,
		.random = &app->random,
		.grace = app->grace,
		.memory = app->memory,
		.resident_max = app->config.resident_mib << 20,
		.reserve_bytes = app->config.reserve_mib << 20,
		.staging_bytes = app->config.staging_mib << 20,
	};
	const struct store_scrub scrub = {app->config.scrub, app->config.scrub_age_s * 1000000000u};
	int result = store_open(&app->store, &config);

	if (result != 0)
		return app_fail(app, result, "%s/artifacts: %s", app->config.state_dir,
				assay_error_text(result));
	app->artifacts = store_source(app->store);
	if (store_thread_start(&app->store_thread, app->store, &app->clock, &scrub) != 0)
		return app_fail(app, ASSAY_E_NOMEM, "store: no thread could be started");
	return app->network != NULL ? start_garbage(app) : 0;
}

void app_store_stop(struct app *app)
{
	if (app->store_thread != NULL)
		store_thread_stop(app->store_thread);
	garbage_stop(app->garbage);
	if (app->store != NULL)
		store_close(app->store);
	app->garbage = NULL;
	app->store_thread = NULL;
	app->store = NULL;
}
