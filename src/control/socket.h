/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: connections of the same user, root or the socket's group, one line each way.
 */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include "control/control.h"

struct server;

struct server *server_new(struct control *c);
void server_free(struct server *s);
/* Makes run_dir/control.sock; 0, or a code with app->error set. */
int server_listen(struct server *s);
/* No new connections from here on. */
void server_stop_listening(struct server *s);
/* A connection that is already there, for tests and fuzzing; false when it was refused. Owns fd. */
bool server_adopt(struct server *s, int fd);
/* Once a second: closes what is idle, and listens again after a pause for want of descriptors. */
void server_sweep(struct server *s);
unsigned server_clients(const struct server *s);

/* Queues a message, takes its reference; lossy ones are left out when the reader is slow. */
void connection_send(struct connection *conn, json_t *message, bool lossy);

#endif
