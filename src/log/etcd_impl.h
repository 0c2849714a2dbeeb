/* SPDX-License-Identifier: Apache-2.0 */
/* The etcd engine's inside: requests, calls over several endpoints, the watch. One thread. */
#ifndef LOG_ETCD_IMPL_H
#define LOG_ETCD_IMPL_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "log/etcd_json.h"
#include "log/log.h"

#define ETCD_ANSWER_MAX	 (24u << 20) /* 256 entries of 64 KiB in base64, and their frame */
#define ETCD_AHEAD_MAX	 1024	     /* entries a watch brought and nobody read yet */
#define ETCD_AHEAD_BYTES (4u << 20)
#define ETCD_PREFIX_MAX	 64
#define ETCD_KEY_ROOM	 (ETCD_PREFIX_MAX + 70)
#define ETCD_MS		 1000000ull

struct buffer {
	char *p;
	size_t len, room;
};

struct endpoint {
	char url[256];
	uint64_t retry_ns; /* not before */
	unsigned backoff_ms;
};

struct watch {
	CURL *easy;
	bool on, ended;
	bool useful;				  /* brought anything at all */
	bool overflow;				  /* a line too long */
	unsigned endpoint;			  /* it runs on */
	struct buffer lines;			  /* received, not parsed */
	struct etcd_kv ahead[ETCD_AHEAD_MAX];	  /* contiguous, first is for engine.next */
	size_t ahead_n, ahead_first, ahead_bytes; /* a ring */
};

struct etcd {
	struct engine_etcd_params params; /* its texts are not used after open */
	char prefix[ETCD_PREFIX_MAX + 1];
	struct endpoint endpoint[ENGINE_ETCD_ENDPOINTS];
	unsigned endpoint_count, current;
	char *ca_file, *cert_file, *key_file;
	CURLM *multi;
	CURL *call;
	struct curl_slist *headers, *watch_headers;
	bool call_done;
	CURLcode call_result;
	struct buffer body, answer;
	atomic_bool stop, woken;

	uint64_t next;	   /* what the reader needs next */
	uint64_t head;	   /* highest known to be there */
	uint64_t floor;	   /* last known */
	uint64_t revision; /* of the last complete range: the watch starts after it */
	bool complete;	   /* the last range reached the end */
	bool changed;	   /* the store did what a log must not do */
	uint64_t news_ns;  /* when the watch was last known to be good */
	struct watch watch;
	struct log_health health;
};

/* --- etcd_request.c: JSON bodies; the text is in e->body --- */
void buffer_add(struct buffer *b, const void *data, size_t len);
const char *request_append(struct etcd *e, uint64_t next, const uint8_t hash[32],
			   const uint8_t *entry, size_t len);
/* Entries from..(upto - 1), or to the end with upto = 0. */
const char *request_page(struct etcd *e, uint64_t from, uint64_t upto, unsigned max);
/* The floor's text, and how many entries there are from `floor` on. */
const char *request_head(struct etcd *e, uint64_t floor);
/* Sets the floor if it is still `old` (1: also if it was never set). */
const char *request_floor(struct etcd *e, uint64_t old, uint64_t floor);
const char *request_drop(struct etcd *e, const struct etcd_range *entries);
const char *request_compact(struct etcd *e, uint64_t revision);
const char *request_watch(struct etcd *e, uint64_t revision);
/* The number of a log key, or 0 when it is none. */
uint64_t log_key_seq(const struct etcd *e, const char *key);

/* --- etcd_http.c --- */
int etcd_http_open(struct etcd *e, char *why, size_t why_room);
void etcd_http_close(struct etcd *e);
/*
 * Posts to one endpoint after the other until one answers. 0 with *reply, to be freed; REFUSED:
 * said no, and did nothing; IO. unclear is set when one may have done it all the same.
 */
int etcd_call(struct etcd *e, struct etcd_reply *reply, const char *path, const char *body,
	      bool *unclear);
static inline bool etcd_ask(struct etcd *e, struct etcd_reply *reply, const char *path,
			    const char *body, bool *unclear)
{
	return etcd_call(e, reply, path, body, unclear) == 0;
}
/* Lets transfers go on for up to timeout_ms, less when something happens or after wake. */
void etcd_pump(struct etcd *e, unsigned timeout_ms);
/* An endpoint that is not in trouble, from the current one on, or -1. */
int etcd_endpoint(struct etcd *e);
void etcd_endpoint_failed(struct etcd *e, unsigned endpoint, const char *why);
void etcd_easy_setup(struct etcd *e, CURL *easy, unsigned endpoint, const char *path,
		     const char *body);

/* --- etcd_watch.c --- */
int etcd_watch_start(struct etcd *e);
void etcd_watch_stop(struct etcd *e);
/* Takes up what was received. */
void etcd_watch_take(struct etcd *e);
/* Gives up to max entries to the reader. */
int etcd_watch_read(struct etcd *e, unsigned max, log_each each, void *arg);

/* --- calls of the engine: etcd.c, etcd_write.c --- */
int etcd_head(void *ctx, uint64_t *floor, uint64_t *head);
enum log_result etcd_append(void *ctx, uint64_t *seq, const uint8_t *entry, size_t len);
int etcd_trim(void *ctx, uint64_t upto);

#endif
