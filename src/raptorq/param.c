/* SPDX-License-Identifier: Apache-2.0 */
/* Object, blocks and sub-blocks (RFC 6330, 3.3 and 4.4.1). */
#include "assay/raptorq.h"

#include <string.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "raptorq/code.h"

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

static int refuse(const char **why, const char *text)
{
	if (why != NULL)
		*why = text;
	return ASSAY_E_INVAL;
}

int assay_rq_params_check(const struct assay_rq_params *p, const char **why)
{
	uint64_t symbols;

	if (p->length == 0)
		return refuse(why, "the object is empty");
	if (p->length > ASSAY_RQ_LENGTH_MAX)
		return refuse(why, "the object is longer than 942574504275 octets");
	if (p->symbol_size == 0 || p->symbol_size > ASSAY_RQ_SYMBOL_MAX)
		return refuse(why, "the symbol size is not 1..65535");
	if (p->alignment == 0 || p->alignment > 255)
		return refuse(why, "the alignment is not 1..255");
	if (p->symbol_size % p->alignment != 0)
		return refuse(why, "the symbol size is not a multiple of the alignment");
	if (p->blocks == 0 || p->blocks > 255)
		return refuse(why, "the number of source blocks is not 1..255");
	if (p->sub_blocks == 0 || p->sub_blocks > p->symbol_size / p->alignment)
		return refuse(why, "the number of sub-blocks is not 1..symbol size/alignment");
	symbols = ceil_div(p->length, p->symbol_size);
	if (symbols < p->blocks)
		return refuse(why, "there are more source blocks than symbols");
	if (ceil_div(symbols, p->blocks) > ASSAY_RQ_SYMBOLS_MAX)
		return refuse(why, "a source block would have more than 56403 symbols");
	return 0;
}

/* KL(n): symbols of a block that the memory holds when it is cut into n sub-blocks. */
static uint32_t symbols_fit(const struct assay_rq_params *p, uint64_t memory, uint32_t n)
{
	return rq_code_floor(memory /
			     (p->alignment * ceil_div(p->symbol_size, (uint64_t)p->alignment * n)));
}

int assay_rq_params_derive(struct assay_rq_params *p, const char **why, uint64_t length,
			   uint32_t packet_max, uint64_t memory)
{
	struct assay_rq_params r = {.length = length, .alignment = packet_max >= 64 ? 8 : 1};
	uint64_t symbols, blocks;
	uint32_t n_max, n = 1;

	if (length == 0 || length > ASSAY_RQ_LENGTH_MAX)
		return refuse(why, "the length is not 1..942574504275");
	if (packet_max == 0 || packet_max > ASSAY_RQ_SYMBOL_MAX)
		return refuse(why, "the payload of a packet is not 1..65535 octets");
	r.symbol_size = packet_max - packet_max % r.alignment;
	symbols = ceil_div(length, r.symbol_size);
	n_max = r.symbol_size / (r.alignment * r.alignment); /* a sub-symbol has at least Al * Al */
	if (symbols_fit(&r, memory, n_max) == 0)
		return refuse(why, "the decoder's memory does not hold the smallest block");
	blocks = ceil_div(symbols, symbols_fit(&r, memory, n_max));
	if (blocks > 255)
		return refuse(why, "more than 255 source blocks: more decoder memory or longer "
				   "packets are needed");
	while (ceil_div(symbols, blocks) > symbols_fit(&r, memory, n))
		n++;
	r.blocks = blocks;
	r.sub_blocks = n;
	*p = r;
	return assay_rq_params_check(p, why);
}

void assay_rq_oti_write(uint8_t oti[ASSAY_RQ_OTI], const struct assay_rq_params *p)
{
	struct writer w = writer_of(oti, ASSAY_RQ_OTI);

	write_u8(&w, p->length >> 32);
	write_u32be(&w, (uint32_t)p->length);
	write_u8(&w, 0);
	write_u16be(&w, p->symbol_size);
	write_u8(&w, p->blocks);
	write_u16be(&w, p->sub_blocks);
	write_u8(&w, p->alignment);
}

int assay_rq_oti_read(struct assay_rq_params *p, const char **why, const uint8_t oti[ASSAY_RQ_OTI])
{
	struct reader r = reader_of(oti, ASSAY_RQ_OTI);
	struct assay_rq_params got = {0};

	got.length = (uint64_t)read_u8(&r) << 32;
	got.length |= read_u32be(&r);
	if (read_u8(&r) != 0)
		return refuse(why, "the reserved octet of the OTI is not zero");
	got.symbol_size = read_u16be(&r);
	got.blocks = read_u8(&r);
	got.sub_blocks = read_u16be(&r);
	got.alignment = read_u8(&r);
	*p = got;
	return assay_rq_params_check(p, why);
}

int assay_rq_payload_id_write(uint8_t id[ASSAY_RQ_PAYLOAD_ID], uint32_t sbn, uint32_t esi)
{
	struct writer w = writer_of(id, ASSAY_RQ_PAYLOAD_ID);

	if (sbn > 255 || esi > ASSAY_RQ_ESI_MAX)
		return ASSAY_E_RANGE;
	write_u32be(&w, sbn << 24 | esi);
	return 0;
}

void assay_rq_payload_id_read(uint32_t *sbn, uint32_t *esi, const uint8_t id[ASSAY_RQ_PAYLOAD_ID])
{
	struct reader r = reader_of(id, ASSAY_RQ_PAYLOAD_ID);
	uint32_t both = read_u32be(&r);

	*sbn = both >> 24;
	*esi = both & ASSAY_RQ_ESI_MAX;
}

/* Partition[total, parts]: the first *longer parts have *size + 1, the rest *size. */
static void partition(uint64_t *size, uint64_t *longer, uint64_t total, uint64_t parts)
{
	*size = total / parts;
	*longer = total % parts;
}

int assay_rq_block(struct assay_rq_block *b, const struct assay_rq_params *p, uint32_t sbn)
{
	uint64_t size, longer, first, end;
	struct rq_code code;

	if (assay_rq_params_check(p, NULL) != 0 || sbn >= p->blocks)
		return ASSAY_E_RANGE;
	partition(&size, &longer, ceil_div(p->length, p->symbol_size), p->blocks);
	first = sbn * size + (sbn < longer ? sbn : longer);
	b->symbols = size + (sbn < longer);
	if (rq_code(&code, b->symbols) != 0)
		return ASSAY_E_RANGE;
	b->extended = code.kp;
	b->offset = first * p->symbol_size;
	end = b->offset + (uint64_t)b->symbols * p->symbol_size;
	b->length = (end < p->length ? end : p->length) - b->offset;
	return 0;
}

int assay_rq_piece(struct assay_rq_piece *piece, const struct assay_rq_params *p,
		   const struct assay_rq_block *b, uint32_t number)
{
	uint64_t size, longer;

	if (number >= p->sub_blocks)
		return ASSAY_E_RANGE;
	partition(&size, &longer, p->symbol_size / p->alignment, p->sub_blocks);
	piece->offset = (number * size + (number < longer ? number : longer)) * p->alignment;
	piece->size = (size + (number < longer)) * p->alignment;
	piece->start = (uint64_t)piece->offset * b->symbols;
	return 0;
}

void assay_rq_source_symbol(uint8_t *symbol, const struct assay_rq_params *p,
			    const struct assay_rq_block *b, const uint8_t *block, uint32_t esi)
{
	for (uint32_t j = 0; j < p->sub_blocks; j++) {
		struct assay_rq_piece piece;
		uint64_t at, have;

		assay_rq_piece(&piece, p, b, j);
		at = piece.start + (uint64_t)esi * piece.size;
		have = at < b->length ? b->length - at : 0;
		have = have < piece.size ? have : piece.size;
		if (have > 0)
			memcpy(symbol + piece.offset, block + at, have);
		memset(symbol + piece.offset + have, 0, piece.size - have);
	}
}
