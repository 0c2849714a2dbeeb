/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/kernel.h"

#include <string.h>

#include "assay/raptorq.h"
#include "assay/status.h"

static const struct rq_kernel *const all[] = {&rq_kernel_avx512, &rq_kernel_avx2, &rq_kernel_plain};
static const struct rq_kernel *chosen;

/* Preferred first; NULL behind the last that this CPU can run. */
static const struct rq_kernel *usable(unsigned number)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->usable() && number-- == 0)
			return all[i];
	return NULL;
}

__attribute__((constructor)) static void choose(void)
{
	__builtin_cpu_init();
	chosen = usable(0);
}

const struct rq_kernel *rq_kernel(void)
{
	return chosen;
}

const char *assay_rq_kernel_name(unsigned number)
{
	const struct rq_kernel *kernel = usable(number);

	return kernel != NULL ? kernel->name : NULL;
}

int assay_rq_kernel_use(const char *name)
{
	const struct rq_kernel *kernel;

	for (unsigned i = 0; (kernel = usable(i)) != NULL; i++)
		if (strcmp(kernel->name, name) == 0) {
			chosen = kernel;
			return 0;
		}
	return ASSAY_E_NOTFOUND;
}

static uint8_t *place_of(const struct rq_port *p, const struct rq_step *s, size_t *room)
{
	uint8_t *own = p->symbol != NULL ? p->symbol[s->place] : NULL, *at;

	*room = p->width;
	if (own != NULL)
		return own + p->offset;
	at = p->object + s->esi * p->stride;
	if (at >= p->end)
		*room = 0;
	else if (*room > (size_t)(p->end - at))
		*room = p->end - at;
	return at;
}

const uint8_t *rq_port_read(const struct rq_port *p, const struct rq_step *s)
{
	size_t room;
	const uint8_t *at = place_of(p, s, &room);

	if (room == p->row)
		return at;
	memset(p->spare + room, 0, p->row - room);
	if (room > 0)
		memcpy(p->spare, at, room);
	return p->spare;
}

void rq_port_write(const struct rq_port *p, const struct rq_step *s, const uint8_t *row)
{
	size_t room;
	uint8_t *at = place_of(p, s, &room);

	if (room > 0)
		memcpy(at, row, room);
}

uint8_t *rq_port_at(const struct rq_port *p, const struct rq_step *s)
{
	size_t room;

	return place_of(p, s, &room);
}
