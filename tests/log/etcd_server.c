/* SPDX-License-Identifier: Apache-2.0 */
#include "log/etcd_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

bool etcd_installed(void)
{
	return access("/usr/bin/etcd", X_OK) == 0;
}

/* Ports that are free now; held together so that they differ. */
static void free_ports(uint16_t *port, unsigned n)
{
	int fd[2 * ETCD_MEMBERS_MAX];

	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_in addr = {.sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(addr);

		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fd[i] >= 0);
		assert_int_equal(bind(fd[i], (struct sockaddr *)&addr, sizeof(addr)), 0);
		assert_int_equal(getsockname(fd[i], (struct sockaddr *)&addr, &len), 0);
		port[i] = ntohs(addr.sin_port);
	}
	for (unsigned i = 0; i < n; i++)
		close(fd[i]);
}

/* Never returns. */
static void run_member(const struct etcd_server *s, unsigned member)
{
	char name[8], data[96], log[96], cluster[320] = "";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < s->members; i++)
		snprintf(cluster + strlen(cluster), sizeof(cluster) - strlen(cluster), "%sm%u=%s",
			 i > 0 ? "," : "", i, s->peer[i]);
	snprintf(name, sizeof(name), "m%u", member);
	snprintf(data, sizeof(data), "%s/%s", s->dir, name);
	snprintf(log, sizeof(log), "%s/%s.log", s->dir, name);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	dup2(fd, 1);
	dup2(fd, 2);
	/* A kill leaves the page cache alone: without syncs nothing is lost, and it is quick. */
	execl("/usr/bin/etcd", "etcd", "--name", name, "--data-dir", data, "--listen-client-urls",
	      s->url[member], "--advertise-client-urls", s->url[member], "--listen-peer-urls",
	      s->peer[member], "--initial-advertise-peer-urls", s->peer[member],
	      "--initial-cluster", cluster, "--unsafe-no-fsync", "--heartbeat-interval", "50",
	      "--election-timeout", "500", (char *)NULL);
	_exit(127);
}

void etcd_server_restart(struct etcd_server *s, unsigned member)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		run_member(s, member);
	s->pid[member] = pid;
}

void etcd_server_start(struct etcd_server *s, unsigned members)
{
	uint16_t port[2 * ETCD_MEMBERS_MAX];

	memset(s, 0, sizeof(*s));
	s->members = members;
	snprintf(s->dir, sizeof(s->dir), "/tmp/assay-etcd-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	free_ports(port, 2 * members);
	for (unsigned i = 0; i < members; i++) {
		snprintf(s->url[i], sizeof(s->url[i]), "http://127.0.0.1:%u", port[2 * i]);
		snprintf(s->peer[i], sizeof(s->peer[i]), "http://127.0.0.1:%u", port[2 * i + 1]);
		s->endpoint[i] = s->url[i];
	}
	for (unsigned i = 0; i < members; i++)
		etcd_server_restart(s, i);
}

void etcd_server_kill(struct etcd_server *s, unsigned member)
{
	int status;

	if (s->pid[member] == 0)
		return;
	kill(s->pid[member], SIGKILL);
	waitpid(s->pid[member], &status, 0);
	s->pid[member] = 0;
}

void etcd_server_pause(struct etcd_server *s, unsigned member, bool paused)
{
	assert_int_equal(kill(s->pid[member], paused ? SIGSTOP : SIGCONT), 0);
}

void etcd_server_stop(struct etcd_server *s)
{
	char command[96];

	for (unsigned i = 0; i < s->members; i++)
		etcd_server_kill(s, i);
	snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	assert_int_equal(system(command), 0);
}
