/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/entry.h"
#include "ledger/jcs.h"
#include "ledger/text.h"

static bool number_of(uint64_t *out, const json_t *v)
{
	*out = (uint64_t)json_integer_value(v);
	return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool read_body(struct entry *e, const json_t *body)
{
	const json_t *version = json_object_get(body, "v");

	e->author = json_string_value(json_object_get(body, "author"));
	e->type = json_string_value(json_object_get(body, "type"));
	e->net = json_string_value(json_object_get(body, "net"));
	e->data = json_object_get(body, "data");
	return json_object_size(body) == 7 && e->author != NULL && e->type != NULL &&
	       e->net != NULL && e->data != NULL &&
	       number_of(&e->epoch, json_object_get(body, "epoch")) &&
	       number_of(&e->n, json_object_get(body, "n")) && json_is_integer(version) &&
	       json_integer_value(version) == 1;
}

static void body_id(uint8_t out[32], const struct buf *body)
{
	sha256_tagged(out, TAG_ENTRY, &(struct sha256_part){body->at, body->len}, 1);
}

static bool canonical(const json_t *document, const uint8_t *bytes, size_t len)
{
	struct buf text = {0};
	bool same;

	jcs_write(&text, document);
	same = text.len == len && memcmp(text.at, bytes, len) == 0;
	buf_free(&text);
	return same;
}

bool entry_parse(struct entry *e, const uint8_t *bytes, size_t len)
{
	struct buf text = {0};
	enum jcs_error error;
	const json_t *body;

	*e = (struct entry){0};
	e->document = jcs_parse(&error, (const char *)bytes, len, ENTRY_MAX);
	body = json_object_get(e->document, "body");
	if (json_object_size(e->document) != 2 || !read_body(e, body) ||
	    !hex_read(e->sig, 64, json_string_value(json_object_get(e->document, "sig"))) ||
	    !canonical(e->document, bytes, len))
		return false;
	jcs_write(&text, body);
	body_id(e->id, &text);
	buf_free(&text);
	return true;
}

void entry_free(struct entry *e)
{
	json_decref(e->document);
	*e = (struct entry){0};
}

static void write_body(struct buf *out, const struct entry_body *body)
{
	json_t *v = json_pack("{sssOsIsIsssssi}", "author", body->author, "data", body->data,
			      "epoch", (json_int_t)body->epoch, "n", (json_int_t)body->n, "net",
			      body->net, "type", body->type, "v", 1);

	must(v != NULL);
	jcs_write(out, v);
	json_decref(v);
}

int entry_sign(struct buf *out, uint8_t id[32], const struct sign_key *key,
	       const struct entry_body *body, const uint8_t aux[32])
{
	struct buf text = {0};
	uint8_t sig[64];
	char sig_hex[129];
	int status = ASSAY_E_RANGE;

	write_body(&text, body);
	body_id(id, &text);
	sign_tagged(sig, key, TAG_ENTRY, &(struct sha256_part){text.at, text.len}, 1, aux);
	hex_encode(sig_hex, sig, 64);
	if (text.len + strlen("{\"body\":,\"sig\":\"\"}") + 128 <= ENTRY_MAX) {
		buf_text(out, "{\"body\":");
		buf_add(out, text.at, text.len);
		buf_text(out, ",\"sig\":\"");
		buf_text(out, sig_hex);
		buf_text(out, "\"}");
		status = 0;
	}
	buf_free(&text);
	return status;
}

void entry_hash(uint8_t out[32], const uint8_t *bytes, size_t len)
{
	digest_one(out, NULL, bytes, len);
}

void log_hash(uint8_t out[32], const uint8_t previous[32], uint64_t seq, const uint8_t hash[32])
{
	uint8_t message[72];
	struct writer w = writer_of(message, sizeof(message));

	write_bytes(&w, previous, 32);
	write_u64be(&w, seq);
	write_bytes(&w, hash, 32);
	digest_one(out, NULL, message, sizeof(message));
}

void log_hash_genesis(uint8_t out[32], const json_t *document)
{
	struct buf text = {0};

	buf_text(&text, "assay/genesis/v1");
	jcs_write(&text, document);
	digest_one(out, NULL, text.at, text.len);
	buf_free(&text);
}
