/* SPDX-License-Identifier: Apache-2.0 */
#include "control/own_share.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "ledger/jcs.h"
#include "ledger/placement.h"

#define BLOCK 65536

static int64_t read_fd(void *ctx, void *out, size_t len)
{
	ssize_t n = read(*(int *)ctx, out, len);

	return n >= 0 ? n : ASSAY_E_IO;
}

/* CORRUPT when nothing else will come of another try. */
static int unreadable(int error)
{
	return delivery_lost(error) ? ASSAY_E_CORRUPT : ASSAY_E_IO;
}

/* 0 when the file's bytes are those of the key. */
static int check_bytes(int fd, const uint8_t key[32])
{
	struct digest_stream stream;
	uint8_t block[BLOCK], digest[32];
	ssize_t n;

	digest_stream_init(&stream, NULL);
	while ((n = read(fd, block, sizeof(block))) > 0)
		digest_stream_add(&stream, block, (size_t)n);
	digest_stream_end(&stream, digest);
	if (n < 0 || lseek(fd, 0, SEEK_SET) != 0)
		return unreadable(errno);
	return memcmp(digest, key, 32) == 0 ? 0 : ASSAY_E_CORRUPT;
}

static int store_one(struct store *store, const char *path, const uint8_t key[32])
{
	struct store_input input = {.read = read_fd};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), error;

	if (fd < 0 || fstat(fd, &st) != 0) {
		error = unreadable(errno);
		if (fd >= 0)
			close(fd);
		return error;
	}
	error = check_bytes(fd, key);
	if (error == 0) {
		input.ctx = &fd;
		input.size = (uint64_t)st.st_size;
		error = store_put_placed(store, key, &input);
	}
	close(fd);
	return error;
}

int own_share_store(struct own_share *s, struct store *store, unsigned n)
{
	const struct ticket_deal *d = s->deal;
	uint32_t position = deal_own(d);
	int error = 0;

	for (; s->class <= 2 && position < d->holders; s->class ++, s->ordinal = 0)
		for (; s->class != 0 && s->ordinal < d->counts[s->class]; s->ordinal++) {
			char path[DELIVERY_PATH_ROOM];

			if (!placement_on(s->ordinal, d->copies[s->class], d->holders, position))
				continue;
			if (n-- == 0)
				return ASSAY_E_AGAIN;
			s->path(s->ctx, path, s->class, s->ordinal);
			error = store_one(store, path, s->keys[s->class][s->ordinal]);
			if (error != 0)
				return error;
		}
	return 0;
}

/* Of the keys of this node's artifacts, INDEX then SYMBOL, ascending. */
static void share_digest(uint8_t out[32], const struct own_share *s)
{
	const struct ticket_deal *d = s->deal;
	uint32_t position = deal_own(d);
	struct digest_stream stream;

	digest_stream_init(&stream, NULL);
	for (unsigned c = 1; c <= 2; c++)
		for (uint32_t i = 0; i < d->counts[c]; i++)
			if (placement_on(i, d->copies[c], d->holders, position))
				digest_stream_add(&stream, s->keys[c][i], 32);
	digest_stream_end(&stream, out);
}

static json_t *receipt(const char *account, const uint8_t digest[32], const uint8_t signature[64])
{
	char digest_hex[65], signature_hex[129];

	hex_encode(digest_hex, digest, 32);
	hex_encode(signature_hex, signature, 64);
	return json_pack("{s:s,s:s,s:s}", "account", account, "digest", digest_hex, "sig",
			 signature_hex);
}

static json_t *own_receipt(const struct own_share *s, const struct receipt_signer *signer,
			   const char *ticket, uint64_t placement_epoch)
{
	uint8_t message[RECEIPT_ROOM], digest[32], signature[64], aux[32];
	struct sha256_part part = {message, 0};

	share_digest(digest, s);
	part.len = receipt_message(message, ticket, placement_epoch, signer->account, digest);
	random_fill(signer->random, aux, sizeof(aux));
	sign_tagged(signature, signer->identity, TAG_RECEIPT, &part, 1, aux);
	return receipt(signer->account, digest, signature);
}

json_t *share_receipts(const struct own_share *s, const struct delivered *delivered,
		       const bool *sign, const struct receipt_signer *signer, const char *ticket,
		       uint64_t placement_epoch)
{
	json_t *receipts = json_array();

	for (uint32_t i = 0; i < s->deal->holders; i++) {
		uint32_t node = s->deal->node[i];

		if (sign != NULL && !sign[i])
			continue;
		json_array_append_new(receipts,
				      node == SELF ? own_receipt(s, signer, ticket, placement_epoch)
						   : receipt(s->deal->other[node].account,
							     delivered[node].digest,
							     delivered[node].signature));
	}
	return receipts;
}

char *share_description(size_t *len, uint8_t key[32], const char *type, const char *author,
			json_t *data)
{
	json_t *description =
		json_pack("{s:s,s:s,s:O}", "type", type, "author", author, "data", data);
	struct buf text = {0};

	jcs_write(&text, description);
	json_decref(description);
	digest_one(key, NULL, text.at, text.len);
	*len = text.len;
	return (char *)text.at;
}
