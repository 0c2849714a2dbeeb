/* SPDX-License-Identifier: Apache-2.0 */
#include "node/settings.h"

#include <inttypes.h>
#include <stdio.h>

const char *settings_wrong(const struct settings *s)
{
	if (s->lep6 && !s->challenges)
		return "lep6.enabled needs storage_challenge.enabled";
	if (s->recheck_on && (!s->challenges || !s->lep6))
		return "recheck.enabled needs storage_challenge.enabled and lep6.enabled";
	return NULL;
}

void settings_warn(const struct settings *s, const struct heal_left *left, const struct log *log)
{
	char off[128], heals[128] = "";
	int n = snprintf(off, sizeof(off), "%s%s%s%s", s->challenges ? "" : " storage_challenge",
			 s->lep6 ? "" : " lep6", s->recheck_on ? "" : " recheck",
			 s->heal.on ? "" : " self_healing");

	if (!s->heal.on && (left->claims > 0 || left->folders > 0))
		snprintf(heals, sizeof(heals), " heal_claims=%" PRIu64 " staging_folders=%u",
			 left->claims, left->folders);
	if (n > 0)
		log_warning(log, "challenge", "services that are off in the configuration",
			    "off=\"%s\"%s", off + 1, heals);
}
