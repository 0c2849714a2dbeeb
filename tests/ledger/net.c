/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/net.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/beacon.h"
#include "ledger/jcs.h"
#include "ledger/placement.h"
#include "ledger/state_impl.h"
#include "ledger/trailer.h"

static const uint8_t no_aux[32];

static void fill(void *ctx, void *out, size_t len)
{
	struct ledger_net *n = ctx;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)net_random(n);
}

uint64_t net_random(struct ledger_net *n)
{
	uint64_t z = (n->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void make_key(struct sign_key *key, const char *what, unsigned number)
{
	uint8_t secret[32];
	char text[64];

	snprintf(text, sizeof(text), "%s %u", what, number);
	digest_one(secret, NULL, text, strlen(text));
	must(sign_key_from_secret(key, secret) == 0);
}

static json_t *hex(const void *bytes, size_t len)
{
	char text[1024];

	must(len < sizeof(text) / 2);
	hex_encode(text, bytes, len);
	return json_string(text);
}

static void make_node(struct net_node *node, unsigned number)
{
	const struct sha256_part parts[] = {
		{node->account, strlen("n00000") + 1},
		{node->key.public, 32},
	};
	struct sign_key session, enc;

	snprintf(node->account, sizeof(node->account), "n%05u", number);
	make_key(&node->key, "identity", number);
	make_key(&session, "session", number);
	make_key(&enc, "enc", number);
	must(public_key(node->session_key, session.secret) &&
	     public_key(node->enc_key, enc.secret));
	sign_tagged(node->session_pop, &session, TAG_SESSION_KEY, parts, 2, no_aux);
}

static json_t *node_data(const struct net_node *node)
{
	char address[64];

	snprintf(address, sizeof(address), "%s.example:4000", node->account);
	return json_pack("{sssosososossss}", "account", node->account, "key",
			 hex(node->key.public, 32), "session_key", hex(node->session_key, 33),
			 "session_pop", hex(node->session_pop, 64), "enc_key",
			 hex(node->enc_key, 33), "address", address, "operator", "op");
}

json_t *net_stranger(struct ledger_net *n, unsigned number)
{
	must(number < NET_STRANGERS);
	return node_data(&n->nodes[n->config.nodes + number]);
}

static void member_value(uint8_t out[32], unsigned member, uint32_t steps)
{
	struct sign_key key;

	make_key(&key, "chain", member);
	beacon_value(out, key.secret, steps);
}

void net_write_secret(const struct disk *disk, const char *path, unsigned member)
{
	struct sign_key key;
	char text[128], hex[65];
	int file, len;

	make_key(&key, "chain", member);
	hex_encode(hex, key.secret, 32);
	len = snprintf(text, sizeof(text), "{\"v\":1,\"secret\":\"%s\"}\n", hex);
	file = disk->open(disk->ctx, path, DISK_CREATE_SECRET);
	must(file >= 0 && disk->write(disk->ctx, file, text, (size_t)len, 0) == 0 &&
	     disk->sync(disk->ctx, file) == 0 && disk->sync_dir(disk->ctx, ".") == 0);
	disk->close(disk->ctx, file);
}

static json_t *committee_data(struct ledger_net *n)
{
	json_t *members = json_array();
	uint8_t tip[32], zero[32] = {0};

	for (unsigned i = 0; i < n->config.members; i++) {
		member_value(tip, i, NET_CHAIN);
		n->reveals_left[i] = NET_CHAIN;
		json_array_append_new(members, json_pack("{sssiso}", "account", n->nodes[i].account,
							 "id", i + 1, "tip", hex(tip, 32)));
	}
	return json_pack("{sososiso}", "key_group_id", hex("a key group of a test's network.", 32),
			 "output_key", hex(n->config.keyed ? n->group.public : zero, 32), "t",
			 n->config.members / 2 + 1, "members", members);
}

static json_t *object_of(const char *text)
{
	enum jcs_error error;
	json_t *v = text != NULL ? jcs_parse(&error, text, strlen(text), SIZE_MAX) : json_object();

	must(v != NULL);
	return v;
}

static void write_document(struct ledger_net *n)
{
	json_t *document = json_object(), *params = object_of(n->config.params);
	json_t *nodes = json_array();

	json_object_set_new(params, "epoch_length_blocks", json_integer(n->config.epoch_length));
	json_object_set_new(params, "required_open_ports", json_array());
	for (unsigned i = 0; i < n->config.nodes; i++)
		json_array_append_new(nodes, node_data(&n->nodes[i]));
	json_object_set_new(document, "v", json_integer(1));
	json_object_set_new(document, "name", json_string("test"));
	json_object_set_new(document, "time", json_integer((json_int_t)NET_GENESIS_MS));
	json_object_set_new(document, "authority", hex(n->authority.public, 32));
	json_object_set_new(document, "params", params);
	json_object_set_new(document, "nodes", nodes);
	json_object_set_new(document, "committee", committee_data(n));
	json_object_set_new(document, "state", object_of(n->config.state));
	jcs_write(&n->document, document);
	json_decref(document);
}

void net_new(struct ledger_net *n, const struct net_config *config)
{
	const struct random random = {fill, n};
	char why[300];

	*n = (struct ledger_net){.config = *config, .random = 1};
	sign_init(&random);
	n->random = 1;
	n->nodes = calloc(config->nodes + NET_STRANGERS, sizeof(*n->nodes));
	n->reveals_left = calloc(config->members, sizeof(*n->reveals_left));
	must(n->nodes != NULL && n->reveals_left != NULL);
	make_key(&n->authority, "authority", 0);
	make_key(&n->group, "group", 0);
	for (unsigned i = 0; i < config->nodes + NET_STRANGERS; i++)
		make_node(&n->nodes[i], i);
	write_document(n);
	n->state = state_new(&(struct state_config){0});
	if (state_genesis(n->state, why, sizeof(why), n->document.at, n->document.len) != 0) {
		fprintf(stderr, "genesis: %s\n", why);
		abort();
	}
	memcpy(n->net, n->state->origin.net, 32);
}

void net_free(struct ledger_net *n)
{
	state_free(n->state);
	free(n->nodes);
	free(n->reveals_left);
	buf_free(&n->document);
	buf_free(&n->entry);
}

struct net_node *net_find(struct ledger_net *n, const char *account)
{
	unsigned number;

	if (sscanf(account, "n%u", &number) != 1 || number >= n->config.nodes + NET_STRANGERS)
		return NULL;
	return &n->nodes[number];
}

void net_sign(struct ledger_net *n, const char *author, const char *type, json_t *data)
{
	const struct net_node *node = net_find(n, author);
	const struct sign_key *key = node != NULL ? &node->key : &n->authority;
	char net_hex[65];
	uint8_t id[32];

	hex_encode(net_hex, n->net, 32);
	buf_clear(&n->entry);
	must(entry_sign(&n->entry, id, key,
			&(struct entry_body){
				.author = author,
				.type = type,
				.net = net_hex,
				.epoch = state_epoch(n->state),
				.n = n->next_n++,
				.data = data,
			},
			no_aux) == 0);
	json_decref(data);
}

struct entry_result net_apply(struct ledger_net *n, const char *author, const char *type,
			      json_t *data)
{
	struct entry_result result;

	net_sign(n, author, type, data);
	state_apply(n->state, &result, (const uint8_t *)n->entry.at, n->entry.len);
	return result;
}

void net_accept(struct ledger_net *n, const char *author, const char *type, json_t *data)
{
	struct entry_result r = net_apply(n, author, type, data);

	if (r.kind == ENTRY_VERDICT && r.code == 0)
		return;
	fprintf(stderr, "%s by %s: kind %d code %u %s\n", type, author, r.kind, r.code, r.reason);
	abort();
}

json_t *net_tick_data(struct ledger_net *n, unsigned *member)
{
	struct state *s = n->state;
	uint8_t reveal[32], log[32];

	*member = 0;
	while (texts_have(&s->meta->tick_authors, n->nodes[*member].account))
		++*member;
	must(*member < n->config.members && n->reveals_left[*member] > 0);
	member_value(reveal, *member, n->reveals_left[*member] - 1);
	state_log(s, log);
	return json_pack("{sIsIsosIso}", "height", (json_int_t)(state_height(s) + 1), "time",
			 (json_int_t)(s->meta->time + NET_TICK_MS), "reveal", hex(reveal, 32),
			 "at_seq", (json_int_t)state_seq(s), "at_log", hex(log, 32));
}

void net_tick(struct ledger_net *n)
{
	unsigned member;
	json_t *data = net_tick_data(n, &member);

	net_accept(n, n->nodes[member].account, "tick", data);
	n->reveals_left[member]--;
}

void net_to_epoch(struct ledger_net *n, uint64_t epoch)
{
	while (state_epoch(n->state) < epoch || state_height(n->state) == 0)
		net_tick(n);
}

/* "index . signature" as the creator signs it. */
static json_t *signatures(const struct net_node *creator, const char *index)
{
	uint8_t sig[64], text[200];
	size_t len = strlen(index);

	sign_tagged(sig, &creator->key, "assay/artifact/v1", &(struct sha256_part){index, len}, 1,
		    no_aux);
	memcpy(text, index, len);
	text[len] = '.';
	EVP_EncodeBlock(text + len + 1, sig, 64);
	return json_string((char *)text);
}

json_t *net_receipts(struct ledger_net *n, const char *ticket, uint64_t placement_epoch,
		     const struct texts *holders)
{
	json_t *receipts = json_array();

	for (size_t i = 0; i < holders->n; i++) {
		const struct net_node *holder = net_find(n, holders->at[i]);
		uint8_t digest[32], message[RECEIPT_ROOM], sig[64];
		struct sha256_part part = {message, 0};

		digest_one(digest, NULL, holder->account, strlen(holder->account));
		part.len =
			receipt_message(message, ticket, placement_epoch, holder->account, digest);
		sign_tagged(sig, &holder->key, TAG_RECEIPT, &part, 1, no_aux);
		json_array_append_new(receipts,
				      json_pack("{sssoso}", "account", holder->account, "digest",
						hex(digest, 32), "sig", hex(sig, 64)));
	}
	return receipts;
}

static json_t *index_ids(uint64_t max)
{
	json_t *ids = json_array();
	char id[24];

	for (uint64_t i = 0; i < max; i++) {
		snprintf(id, sizeof(id), "id%" PRIu64, i);
		json_array_append_new(ids, json_string(id));
	}
	return ids;
}

json_t *net_ticket_data(struct ledger_net *n, unsigned creator, uint64_t file, uint64_t size)
{
	const struct net_node *node = &n->nodes[creator];
	const struct params *p = state_params(n->state);
	const uint64_t epoch = state_epoch(n->state);
	const uint64_t symbols = ticket_symbols(size, p->redundancy_ratio);
	struct texts active = {0}, none = {0}, holders = {0};
	char id[TICKET_ID_LEN + 1], hash_text[45], key[KEY_ROOM];
	uint8_t hash[32];
	json_t *data;

	digest_one(hash, NULL, &file, sizeof(file));
	EVP_EncodeBlock((uint8_t *)hash_text, hash, 32);
	n->next_n = 0;
	ticket_id(id, node->account, hash_text, 0);
	texts_copy(&active, &((struct anchor *)table_find(n->state->tables, T_ANCHORS,
							  key_epoch(key, epoch)))
				     ->active);
	placement_new(&holders, id, &active, &none,
		      placement_width_of(p->placement_width, 2 * p->rq_ids_max, symbols));
	data = json_pack("{sssssIsisIsIsososbsIsIsIs[]so}", "ticket", id, "data_hash", hash_text,
			 "size", (json_int_t)size, "ic", 1, "max", (json_int_t)p->rq_ids_max,
			 "ratio", (json_int_t)p->redundancy_ratio, "rq_ids_ids",
			 index_ids(p->rq_ids_max), "signatures", signatures(node, "aW5kZXg="),
			 "public", 1, "index_artifact_count", (json_int_t)(2 * p->rq_ids_max),
			 "symbol_artifact_count", (json_int_t)symbols, "placement_epoch",
			 (json_int_t)epoch, "skip", "receipts",
			 net_receipts(n, id, epoch, &holders));
	must(data != NULL);
	texts_free(&active);
	texts_free(&holders);
	return data;
}

/* As trailer_digest says, in the words of sign_tagged. */
static void sign_trailer(uint8_t sig[64], const struct sign_key *key, uint64_t epoch,
			 const uint8_t id[32])
{
	char request[4 + 32] = {0};
	int len = snprintf(request + 4, 32, "epoch-%" PRIu64, epoch);
	const struct sha256_part parts[] = {{request, 4 + (size_t)len}, {id, 32}};

	request[3] = (char)len;
	sign_tagged(sig, key, "assay/sign/epoch-trailer/v1", parts, 2, no_aux);
}

void net_seal(struct ledger_net *n, uint64_t epoch)
{
	struct tables *t = n->state->tables;
	char key[KEY_ROOM];
	const struct epoch_root *root = table_find(t, T_ROOTS, key_epoch(key, epoch));
	const struct seal *seal;
	uint8_t body[TRAILER_BODY], id[32], sig[64], trailer[TRAILER_LEN];

	for (unsigned i = 0; i < n->config.members; i++) {
		seal = table_find(t, T_SEALS, key);
		if (seal == NULL || seal->body == NULL)
			net_accept(n, n->nodes[i].account, "attest",
				   json_pack("{sIss}", "epoch", (json_int_t)epoch, "root",
					     root->root));
	}
	seal = table_find(t, T_SEALS, key);
	must(hex_read(body, sizeof(body), seal->body));
	trailer_id(id, body);
	sign_trailer(sig, &n->group, epoch, id);
	memcpy(trailer, body, sizeof(body));
	memcpy(trailer + sizeof(body), sig, 64);
	net_accept(n, n->nodes[0].account, "seal",
		   json_pack("{sIso}", "epoch", (json_int_t)epoch, "trailer",
			     hex(trailer, sizeof(trailer))));
}
