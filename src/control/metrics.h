/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text from one snapshot, and the list of its names. */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "control/control.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* The whole text, malloc'd; NULL when out of memory. */
char *metrics_text(const struct control *c);
/* The table of docs/metrics.md. */
void metrics_document(FILE *out);
/* metrics_network.c: lines of a node that follows a ledger; nothing for others. */
struct network;
void metrics_network(FILE *out, const struct app *app);

/* http.c */
struct http;
/* 0 (also when switched off, *out is then NULL), or a code with app->error set. */
int http_start(struct http **out, struct control *c);
void http_stop(struct http *h);

#endif
