/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: where datagrams come in and leave. Two kinds behind one set of calls: any ethdev of DPDK
 * (frames) and kernel UDP sockets. Both move datagrams in mbufs, in bursts. Used by the workers and
 * by the load generator; this header shows no DPDK.
 *
 * A port has one queue per worker. The calls with a worker number belong to that worker alone.
 */
#ifndef DPDK_PORTS_H
#define DPDK_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "dpdk/finding.h"
#include "dpdk/frame.h"
#include "proof/plane.h"

#define PORTS_MAX 16

struct port_config {
	char name[32];
	char device[256]; /* "udp:127.0.0.1:4600", "dpdk:net_tap0,iface=x", "dpdk:0000:3b:00.0" */
	bool is_udp;
	struct net_addr listen; /* udp: */
	unsigned address_count; /* dpdk: the addresses, each with the UDP port */
	struct net_addr address[FRAME_ADDRESSES_MAX];
};

struct ports_config {
	const struct port_config *port;
	unsigned count;
	unsigned workers;
	int worker_numa[SERVE_WORKERS_MAX];
	bool serves[SERVE_WORKERS_MAX]; /* this worker polls ports; the others never call them */
	uint16_t payload_max;		/* largest datagram */
	bool interrupts;		/* workers may want to sleep until a frame comes */
	const struct log *log;
};

struct ports;
struct port;

/* Opens and starts all; EAL runs. 0, or a negative code and trouble. */
int ports_open(struct ports **out, const struct ports_config *config, struct finding *trouble);
void ports_close(struct ports *ports);
unsigned ports_count(const struct ports *ports);
struct port *ports_at(struct ports *ports, unsigned index);
/* What the operator sees of one. */
void port_info(struct port *port, struct plane_port *out);
/* The name of the config. */
const char *port_name(const struct port *port);

/*
 * At most room datagrams; frames that are none are answered or dropped, and counted, here. *frames
 * is increased by what came from the device.
 */
unsigned port_receive(struct port *port, unsigned worker, struct dgram *out, unsigned room,
		      uint64_t now, unsigned *frames);
/* n buffers with room for the payload; all or nothing. */
bool port_alloc(struct port *port, unsigned worker, struct dgram *out, unsigned n);
/* Takes n filled buffers, in order. They leave with port_flush, or before. */
void port_send(struct port *port, unsigned worker, struct dgram *out, unsigned n);
void port_flush(struct port *port, unsigned worker);
/* Gives buffers back: those of port_receive that were not passed on, those of port_alloc not sent.
 * Entries whose buffer is NULL are skipped. */
void ports_release(struct dgram *in, unsigned n);

/* A datagram as one pointer, for a ring to another worker, and back. */
void *dgram_pack(const struct dgram *in);
void dgram_unpack(struct dgram *out, void *packed);

/*
 * Sleeping until a frame comes. port_wait_add puts the port into the calling thread's epoll set;
 * false when the device cannot wake anybody. port_wait_arm before each sleep and again with false
 * after it.
 */
bool port_wait_add(struct port *port, unsigned worker);
void port_wait_arm(struct port *port, unsigned worker, bool on);

#endif
