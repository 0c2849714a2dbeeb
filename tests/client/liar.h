/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that lies: the real responder, whose answers are changed on their way out. It holds all
 * its own keys, so it can put the right tag on a lie, and sign what it likes.
 */
#ifndef TESTS_CLIENT_LIAR_H
#define TESTS_CLIENT_LIAR_H

#include "assay/client.h"
#include "proof/world.h"

#define LIAR_ASKED_MAX 512
#define LIAR_SAVED_MAX 64

struct asked { /* a request as it came */
	uint64_t counter;
	uint16_t len;
	uint8_t data[272];
};

struct answer { /* a datagram on its way out */
	uint8_t data[ASSAY_PAYLOAD_DEFAULT];
	size_t len;
	const struct asked *asked; /* what it answers; NULL: nothing that was kept */
	bool withheld;
};

struct liar;
struct lie {
	const char *name;
	/* Changes an answer; false: this one stays as it is. */
	bool (*tell)(struct liar *liar, struct answer *answer);
	bool retag;		    /* with the right key afterwards */
	bool other;		    /* the responder is made to answer for another artifact */
	bool again;		    /* shows only in the second answer */
	enum assay_verdict verdict; /* that a challenger must come to ... */
	enum assay_step step;	    /* ... because of this step */
};

struct liar {
	struct world world;
	const struct lie *lie; /* NULL: honest */
	struct view_peer *peer;
	struct sign_key stranger; /* an identity that is not the node's */
	struct asked asked[LIAR_ASKED_MAX];
	unsigned asked_next;
	struct answer saved[LIAR_SAVED_MAX]; /* the first answer, for replays */
	unsigned saved_count;
	uint64_t saved_request;
	uint64_t told; /* datagrams that were changed */
	void (*send)(void *ctx, const struct net_addr *to, const void *data, size_t len);
	void *ctx;
};

/* One worker and two artifacts of size bytes; the client's key may open sessions. */
struct liar *liar_new(uint64_t seed, uint64_t size, const char *client, const uint8_t secret[32]);
void liar_free(struct liar *liar);
/* What a client of this node is configured with; strings are static. */
void liar_config(const struct liar *liar, struct assay_client_config *config, const char *address);
/* A datagram came; answers go to send. */
void liar_take(struct liar *liar, const struct net_addr *from, const void *data, size_t len);

/* Of lies.c. */
void liar_seal(struct liar *liar, struct answer *answer, const struct sign_key *identity,
	       const uint8_t network_id[32]);
void liar_retag(struct liar *liar, struct answer *answer);

/* Ends with a NULL name. Lies about PROVE with tree; about plain PROVE; about READ. */
extern const struct lie lies_tree[], lies_plain[], lies_read[];
const struct lie *lie_find(const struct lie *list, const char *name);

#endif
