/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"

static int load(struct ctl *ctl, struct files *f)
{
	char why[REGISTRY_WHY_MAX];
	int result = registry_load(&f->registry, &f->disk, why);

	if (result == ASSAY_E_NOTFOUND) {
		registry_init(&f->registry, ctl->config->network);
		return CTL_OK;
	}
	if (result != 0)
		return ctl_fail(CTL_FAILED, "%s/%s", ctl->config->state_dir, why);
	if (strcmp(f->registry.network, ctl->config->network) == 0)
		return CTL_OK;
	return ctl_fail(CTL_FAILED, "%s/%s is of network %s, the configuration says %s",
			ctl->config->state_dir, REGISTRY_NAME, f->registry.network,
			ctl->config->network);
}

int files_open(struct ctl *ctl, struct files *out)
{
	int code = ctl_config(ctl);

	memset(out, 0, sizeof(*out));
	out->lock = -1;
	if (code != CTL_OK)
		return code;
	if (disk_real_open(&out->disk, ctl->config->state_dir) != 0)
		return ctl_fail(CTL_FAILED, "%s: %s; `assayctl init` makes it",
				ctl->config->state_dir, strerror(errno));
	out->lock = open(ctl->config->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->lock < 0 || flock(out->lock, LOCK_EX) != 0)
		code = ctl_fail(CTL_FAILED, "%s: %s", ctl->config->state_dir, strerror(errno));
	else
		code = load(ctl, out);
	if (code != CTL_OK)
		files_close(out);
	return code;
}

/* Root may change the registry of a daemon that runs as somebody else and has to read it. */
static int give_to_owner(const struct files *f)
{
	struct stat st;

	if (geteuid() != 0 ||
	    (fstat(f->lock, &st) == 0 &&
	     fchownat(f->lock, REGISTRY_NAME, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) == 0))
		return CTL_OK;
	return ctl_fail(CTL_FAILED, "%s: %s", REGISTRY_NAME, strerror(errno));
}

int files_save(struct files *f)
{
	char why[REGISTRY_WHY_MAX];

	if (registry_save(&f->registry, &f->disk, why) != 0)
		return ctl_fail(CTL_FAILED, "%s", why);
	return give_to_owner(f);
}

void files_close(struct files *f)
{
	registry_free(&f->registry);
	if (f->lock >= 0)
		close(f->lock);
	disk_real_close(&f->disk);
}
