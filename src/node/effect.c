/* SPDX-License-Identifier: Apache-2.0 */
#include "node/effect.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

struct effect *effects_add(struct effects *e, enum effect_kind kind, uint64_t cookie,
			   const char *account)
{
	struct effect *effect;

	if (e->n == e->room) {
		e->room = e->room > 0 ? 2 * e->room : 8;
		e->list = realloc(e->list, e->room * sizeof(*e->list));
		must(e->list != NULL);
	}
	effect = &e->list[e->n++];
	*effect = (struct effect){.kind = kind, .cookie = cookie};
	must(strlen(account) < sizeof(effect->account));
	strcpy(effect->account, account);
	return effect;
}

void effects_entry(struct effects *e, uint64_t cookie, enum entry_class class, const char *type,
		   char *data)
{
	struct effect *effect = effects_add(e, EFFECT_ENTRY, cookie, "");

	effect->entry.class = class;
	effect->entry.type = type;
	effect->entry.data = data;
	effect->entry.n = ENTRY_FRESH;
}

void effects_clear(struct effects *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->list[i].kind == EFFECT_ENTRY)
			free(e->list[i].entry.data);
	e->n = 0;
}

void effects_free(struct effects *e)
{
	effects_clear(e);
	free(e->list);
	*e = (struct effects){0};
}
