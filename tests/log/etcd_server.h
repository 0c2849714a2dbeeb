/* SPDX-License-Identifier: Apache-2.0 */
/* etcd members on loopback, for tests. */
#ifndef TESTS_LOG_ETCD_SERVER_H
#define TESTS_LOG_ETCD_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define ETCD_MEMBERS_MAX 3

struct etcd_server {
	unsigned members;
	pid_t pid[ETCD_MEMBERS_MAX]; /* 0: not running */
	char url[ETCD_MEMBERS_MAX][64], peer[ETCD_MEMBERS_MAX][64];
	const char *endpoint[ETCD_MEMBERS_MAX];
	char dir[64];
};

/* False when etcd is not installed. */
bool etcd_installed(void);
/* Starts them; asserts. Ends with the test process. */
void etcd_server_start(struct etcd_server *s, unsigned members);
void etcd_server_kill(struct etcd_server *s, unsigned member);
void etcd_server_restart(struct etcd_server *s, unsigned member);
void etcd_server_pause(struct etcd_server *s, unsigned member, bool paused);
/* Kills all and removes their files. */
void etcd_server_stop(struct etcd_server *s);

#endif
