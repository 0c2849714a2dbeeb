/* SPDX-License-Identifier: Apache-2.0 */
/* Between control and the data plane, which do not know each other. */
#ifndef GLUE_H
#define GLUE_H

#include "control/app.h"
#include "dpdk/dataplane.h"

/* What the data plane needs to know of the configuration. app lives longer than out. */
void glue_config(struct dataplane_config *out, const struct app *app);

/* Parts of main.c's list: EAL with memory; ports, workers and the fetch role. */
int glue_plane_start(struct app *app);
void glue_plane_stop(struct app *app);
int glue_workers_start(struct app *app);
void glue_workers_stop(struct app *app);

#endif
