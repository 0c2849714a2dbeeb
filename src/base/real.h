/* SPDX-License-Identifier: Apache-2.0 */
/* The real seams: Linux clocks, getrandom, a directory, a UDP socket, Unix sockets. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#include "base/seam.h"

struct clock clock_real(void);
struct random random_real(void);

/* A disk rooted at dir, which must exist. 0 or a negative code; closed by disk_real_close. */
int disk_real_open(struct disk *out, const char *dir);
void disk_real_close(struct disk *disk);

/* A UDP socket that can reach remote; 0 or a negative code. The ctx owns the socket. */
int net_real_open(struct net *out, const struct net_addr *remote);
void net_real_close(struct net *net);
/* The socket's descriptor, for an event loop to watch. */
int net_real_fd(const struct net *net);

/*
 * A bus between processes of one machine: all that open one in the same directory, under different
 * names. 0; BUSY: somebody alive has the name; RANGE: the path is too long for a socket (107
 * bytes); IO.
 */
int bus_real_open(struct bus *out, const char *dir, const char *name);
void bus_real_close(struct bus *bus);

/* "192.0.2.1:9100", "[2001:db8::1]:9100"; numeric only. 0 or ASSAY_E_INVAL. */
int net_addr_parse(struct net_addr *out, const char *text);
/* Same text back; out has room for 64. */
void net_addr_format(char out[64], const struct net_addr *addr);

#endif
