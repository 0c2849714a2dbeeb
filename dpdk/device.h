/* SPDX-License-Identifier: Apache-2.0 */
/* The text that names a DPDK device: "dpdk:net_af_packet0,iface=veth0" or "dpdk:0000:3b:00.0". */
#ifndef DPDK_DEVICE_H
#define DPDK_DEVICE_H

#include <stdbool.h>

struct device {
	char name[64]; /* "net_af_packet0", or the PCI address with its domain */
	bool is_pci;
	char driver[32];  /* virtual: "net_af_packet" */
	char args[256];	  /* virtual: what follows the first comma */
	char iface[32];	  /* of the kernel, that it works on or makes; "" when there is none */
	char socket[128]; /* memif */
};

/* 0 or ASSAY_E_INVAL. */
int device_parse(struct device *out, const char *text);
/* Value of key in "key=value,key=value"; false when it is not there or too long. */
bool device_arg(char *out, unsigned room, const char *args, const char *key);

#endif
