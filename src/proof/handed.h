/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that a worker hands to another thread and answers when they come back: WRITE_* to the
 * fetch role, CALL to control. Fixed slots, owned by the worker before and after.
 */
#ifndef PROOF_HANDED_H
#define PROOF_HANDED_H

#include <stdint.h>

#include "assay/wire.h"

#define WRITE_SLOTS	 1024 /* of a worker: datagrams of WRITE on their way to the disk */
#define CALL_SLOTS	 64
#define CALL_SESSION_MAX 2
#define CALL_BODY_MAX	 1344

enum write_state { WRITE_OPENED = 1, WRITE_CHECKING, WRITE_DURABLE, WRITE_FAILED };

/* Body of a WRITE_STATE. */
struct write_status {
	uint32_t transfer;
	uint16_t state; /* enum write_state */
	uint16_t code;	/* reason of a WRITE_FAILED */
	uint32_t first_missing;
	uint32_t window;
	uint64_t set; /* bit i: chunk first_missing + 1 + i is there */
};

/* One WRITE_OPEN, WRITE_DATA or WRITE_COMMIT. */
struct write_job {
	/* In. */
	uint8_t type;			  /* enum assay_type */
	uint16_t worker;		  /* who gets it back */
	uint32_t owner;			  /* the worker's own note */
	uint32_t account;		  /* slot of the writer's key: whose quota it is */
	uint32_t session;		  /* its index */
	uint8_t key[32];		  /* OPEN */
	uint64_t size;			  /* OPEN */
	uint32_t transfer, chunk, length; /* DATA; COMMIT has the first */
	uint8_t data[ASSAY_CHUNK];
	/* Out. */
	uint16_t reason; /* NONE: the status holds; else it is refused */
	uint32_t wait_ms, parameter;
	struct write_status status;
};

/* What a RESULT says in its status. */
enum call_status {
	CALL_DONE,    /* the body is the method's answer */
	CALL_METHOD,  /* there is no such method here */
	CALL_BODY,    /* the request's body is not of the method's form */
	CALL_REFUSED, /* the method says in its body why not */
	CALL_FAILED,  /* trouble of the node's own; the same call may succeed later */
};

/* One CALL. */
struct call_job {
	/* In. */
	uint16_t worker;
	uint32_t owner;
	char account[ASSAY_ACCOUNT_MAX + 1]; /* the caller's */
	uint16_t method;
	uint8_t nonce[16];
	uint16_t len;
	uint8_t body[CALL_BODY_MAX];
	/* Out. */
	uint16_t reason; /* NONE: the RESULT holds; else it is refused */
	uint32_t wait_ms;
	uint16_t status; /* enum call_status */
	uint16_t answer_len;
	uint8_t answer[CALL_BODY_MAX];
};

#endif
