/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node's decisions are made of. A part is told an event and answers with effects; whoever
 * runs it, the daemon or a simulator, carries the effects out and tells their outcome as events
 * with the same cookie. Nothing here reads a clock: the moment comes with the event.
 */
#ifndef NODE_EFFECT_H
#define NODE_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/client.h"

#define ACCOUNT_ROOM (ASSAY_ACCOUNT_MAX + 1)
#define TICKET_ROOM  65 /* ids have 1..64 bytes */
#define SEED_ROOM    64
#define NS_PER_MS    1000000ull

struct moment {
	uint64_t mono_ns;
	uint64_t wall_ms; /* Unix time */
};

/* --- effects
 * -------------------------------------------------------------------------------------------------
 */

/* The n of an entry that is like no other one (node/core.h). */
#define ENTRY_FRESH UINT64_MAX

/* Classes of the outbox, in the order in which they go out (docs/ledger.md, "Outbox"). */
enum entry_class {
	ENTRY_TICK,
	ENTRY_ATTEST,
	ENTRY_SEAL,
	ENTRY_HEAL,
	ENTRY_REPORT,
	ENTRY_RECHECK,
	ENTRY_TICKET,
	ENTRY_OTHER,
};

/* A PROVE with tree. Offsets and derivation hash follow from seed and ticket. */
struct question {
	struct assay_prove_request request; /* draw is NULL here: it is seed and ticket */
	uint8_t seed[SEED_ROOM];
	size_t seed_len;
	char ticket[TICKET_ROOM];
};

enum effect_kind {
	EFFECT_ENTRY,	    /* sign and send an entry: EVENT_ENTRY */
	EFFECT_RESOLVE,	    /* key and size of an artifact of a ticket: EVENT_RESOLVED */
	EFFECT_ASK,	    /* challenge a node: EVENT_ASKED */
	EFFECT_FETCH,	    /* all bytes of an artifact from a node: EVENT_FETCHED */
	EFFECT_SIZE,	    /* the size of an artifact, proved by a node: EVENT_SIZED */
	EFFECT_PROBE,	    /* connect to a TCP port of a node: EVENT_PROBED */
	EFFECT_HEAL,	    /* long work of a heal op (node/heal_port.h): EVENT_HEALED */
	EFFECT_HEAL_CANCEL, /* ... is not wanted any more; it ends all the same */
};

enum heal_work {
	HEAL_BUILD, /* the ticket's file and all artifacts, into the op's staging folder */
	HEAL_HASH,  /* of what the healer has staged, read from it alone */
	HEAL_PLACE, /* all staged artifacts to the ticket's holders, with their receipts */
	HEAL_CLEAN, /* the op's staging folder goes */
	HEAL_WORKS
};
/* How it ended. */
enum heal_end {
	HEAL_END_DONE,
	HEAL_END_REMOTE, /* others: too few symbols, no or wrong bytes, no receipt; why says which
			  */
	HEAL_END_WRONG,	 /* BUILD: decoded, but not the ticket's file or ids; HASH: cannot be hashed
			  */
	HEAL_END_LOST,	 /* PLACE: the staged files are missing or damaged */
	HEAL_END_OURS,	 /* this node: disk, memory, its copy of the ledger */
	HEAL_END_LATE,	 /* the deadline came first */
	HEAL_END_CLOSED, /* cancelled, or the node stops */
	HEAL_ENDS
};
struct heal_order {
	enum heal_work work;
	uint64_t op;
	char ticket[TICKET_ROOM];
	char healer[ACCOUNT_ROOM]; /* HASH */
	char hash[45];		   /* base64, of the file as it was claimed; "" before (BUILD) */
	uint64_t size;		   /* HASH: of the file */
	uint64_t deadline_ns;	   /* 0: none */
};

struct effect {
	enum effect_kind kind;
	uint64_t cookie;
	char account[ACCOUNT_ROOM]; /* of the other node; all but ENTRY */
	uint64_t deadline_ns;	    /* ASK, FETCH, SIZE, PROBE */
	union {
		struct {
			enum entry_class class;
			const char *type; /* static */
			char *data;	  /* JSON text, owned by the list */
			uint64_t n;	  /* as in core_put; ENTRY_FRESH unless set */
		} entry;
		struct {
			char ticket[TICKET_ROOM];
			unsigned class;
			uint32_t ordinal;
		} artifact; /* RESOLVE; account is the target */
		struct question question;
		struct {
			uint8_t key[32];
			uint64_t size_max;
		} bytes;       /* FETCH, SIZE */
		uint16_t port; /* PROBE */
		struct heal_order heal;
	};
};

struct heal_done;
struct effects {
	struct effect *list;
	size_t n, room;
};

/* The new effect is zero but for these. */
struct effect *effects_add(struct effects *e, enum effect_kind kind, uint64_t cookie,
			   const char *account);
/* data is malloc'd and becomes the list's. */
void effects_entry(struct effects *e, uint64_t cookie, enum entry_class class, const char *type,
		   char *data);
void effects_clear(struct effects *e); /* empty, memory kept */
void effects_free(struct effects *e);

/* --- outcomes
 * ------------------------------------------------------------------------------------------------
 */

enum ask_outcome {
	ASK_PASS,	   /* tree, compound hash and seal verify */
	ASK_HASH_MISMATCH, /* tree or compound hash wrong, under the target's own tag */
	ASK_INVALID,	   /* wrong shape or seal, or another answer that proves nothing */
	ASK_REFUSED,	   /* the target said no */
	ASK_TIMEOUT,	   /* no answer, or not all of it, before the deadline */
	ASK_OURS,	   /* could not be asked, and the target has no part in it */
};
struct ask_result {
	enum ask_outcome outcome;
	unsigned refused;     /* enum assay_reason of REFUSED, if one came */
	const char *why;      /* of any outcome but PASS; may be NULL */
	uint8_t compound[32]; /* of PASS, as recomputed from the verified bytes */
};

/* What became of an entry. */
enum entry_end {
	ENTRY_VERDICT_CAME, /* code and reason; 0 is accepted */
	ENTRY_OPEN,	    /* no verdict in time; it may still come */
	ENTRY_EXPIRED,	    /* never to be accepted any more */
};
struct entry_outcome {
	enum entry_end end;
	unsigned code;
	const char *reason; /* a fixed word of docs/ledger.md, "" when there is none */
};

/* A key as hashes and rows have it, its bytes, and the size of what it names. */
#define KEY_TEXT_ROOM 65
struct resolved {
	char text[KEY_TEXT_ROOM];
	uint8_t key[32];
	uint64_t size;
};
enum resolve_end { RESOLVE_DONE, RESOLVE_NO_KEY, RESOLVE_NO_SIZE };

enum port_state { PORT_UNKNOWN, PORT_OPEN, PORT_CLOSED };

/* --- events */

enum event_kind {
	EVENT_TURN,    /* time has passed */
	EVENT_APPLIED, /* entries were applied to the node's copy of the ledger */
	EVENT_ASKED,
	EVENT_FETCHED,
	EVENT_SIZED,
	EVENT_PROBED,
	EVENT_ENTRY,
	EVENT_HEALED,
	EVENT_STOP, /* the node is about to stop; what is under way ends without a row */
};
struct node_event {
	enum event_kind kind;
	uint64_t cookie; /* of the effect */
	union {
		struct {
			bool caught_up;	    /* nothing is known that is not applied */
			bool heals_changed; /* heal ops are among what changed */
		};			    /* APPLIED */
		struct ask_result asked;
		struct {
			int error; /* 0 or a code; data is valid during the call */
			const uint8_t *data;
			size_t len;
		} fetched;
		struct {
			int error;
			uint64_t size;
		} sized;
		enum port_state probed;
		struct entry_outcome entry;
		const struct heal_done *healed; /* node/heal_port.h; valid during the call */
	};
};

#endif
