/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams into the checker of a READ: no bytes may verify against a key that nobody knows. */
#include "base/must.h"
#include "fuzz/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void feed_one(struct assay_read_check *check, struct assay_inbound *session, uint64_t known,
		     uint8_t *datagram, size_t len)
{
	const struct assay_chunk *m = (const void *)datagram;
	uint64_t size;

	if (len >= sizeof(*m) && m->head.head.type == ASSAY_CHUNK_MSG) {
		size = known != ASSAY_SIZE_UNKNOWN ? known : m->size;
		answers_tag_chunk((void *)datagram, len,
				  size <= TREE_SIZE_MAX && tree_chunks(size) == 1);
	} else if (len >= sizeof(struct assay_session_head)) {
		message_tag_general(datagram, len, answers_key);
	}
	assay_read_feed(check, session, datagram, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint64_t sizes[] = {ASSAY_SIZE_UNKNOWN, ASSAY_SIZE_UNKNOWN, 1, 65532};
	struct reader r = reader_of(data, len);
	uint8_t settings = read_u8(&r), datagram[ASSAY_PAYLOAD_DEFAULT];
	struct assay_read_params params = {
		.key = {1},
		.first = settings & 4 ? ASSAY_NO_CHUNK : 0,
		.count = (uint16_t)(1 + (settings >> 4)),
		.size = sizes[settings & 3],
	};
	struct assay_read_result result;
	struct assay_read_check *check;
	struct assay_inbound session;
	size_t n;

	assay_init();
	must(assay_read_new(&check, &params) == 0);
	must(assay_read_counter(check, ANSWERS_REQUEST) == 0);
	assay_inbound_init(&session, answers_key, ANSWERS_INDEX, ASSAY_PAYLOAD_DEFAULT);
	for (uint64_t i = 1; (n = answers_next(&r, datagram, i)) > 0; i++)
		feed_one(check, &session, params.size, datagram, n);
	assay_read_result(check, &result);
	must(!result.verified && !result.proves_size && assay_read_chunk(check, 0, &n) == NULL);
	assay_read_free(check);
	return 0;
}
