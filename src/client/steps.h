/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of a client that go on while their caller does other things: started, then looked at
 * after each turn of the flight. The blocking calls of assay/client.h are made of these.
 */
#ifndef CLIENT_STEPS_H
#define CLIENT_STEPS_H

#include "client/client_impl.h"

/* --- PROVE */
struct proving {
	struct flight_request request; /* done says when to look */
	struct assay_check *check;
	size_t at; /* the caller's */
	/*
	 * Refused because of its epoch, it is asked again until the deadline: the node may be a
	 * moment behind. Set before the start.
	 */
	bool wait_for_epoch;
};
/* 0, or as assay_client_prove; then there is nothing to end. */
int proving_start(struct assay_client *client, struct proving *p,
		  const struct assay_prove_request *q);
void proving_result(struct proving *p, struct assay_prove_result *out);
void proving_end(struct assay_client *client, struct proving *p);

/* --- READ of the last chunk, which proves the size */
struct sizing;
/* NULL when there is no memory or no room; assay_client_why. */
struct sizing *sizing_start(struct assay_client *client, const uint8_t key[32]);
struct sizing *sizing_start_granted(struct assay_client *client, const uint8_t key[32],
				    uint64_t grant);
/* AGAIN while there is no answer; 0; or as assay_client_size. */
int sizing_result(struct sizing *s, uint64_t *size);
void sizing_end(struct sizing *s);

/* --- READ of all of it, of a size that is known */
struct reading;
/* As assay_client_read. */
int reading_start(struct reading **out, struct assay_client *client, const uint8_t key[32],
		  uint64_t size, assay_sink sink, void *arg);
/* By a grant instead of by permission; before the first step. */
void reading_grant(struct reading *r, uint64_t grant);
/* The sink gets also what is not the key's; before the first step. */
void reading_unchecked(struct reading *r);
/* After a turn of the flight: AGAIN while there is more to come; 0; or as assay_client_read. */
int reading_step(struct reading *r);
const struct assay_read_stats *reading_stats(const struct reading *r);
void reading_end(struct reading *r);

/* --- CALL */
struct calling;
/* The body is copied. 0, RANGE (too long) or NOMEM. */
int calling_start(struct calling **out, struct assay_client *client,
		  const struct assay_question *question);
/* AGAIN; 0; or as assay_client_call. */
int calling_result(struct calling *c, struct assay_reply *reply);
void calling_end(struct calling *c);

#endif
