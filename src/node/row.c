/* SPDX-License-Identifier: Apache-2.0 */
#include "node/row.h"

#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "proof/derive.h"

void row_details(struct row *row, const char *text)
{
	size_t len = strnlen(text, ROW_DETAILS_MAX);

	/* Not in the middle of a character: its further bytes are 10xxxxxx. */
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(row->details, text, len);
	row->details[len] = '\0';
}

void row_no_eligible(struct row *row, uint64_t epoch, const char *challenger, const char *target,
		     unsigned bucket, const char *details)
{
	*row = (struct row){.epoch = epoch, .bucket = bucket, .result = RESULT_NO_ELIGIBLE_TICKET};
	strcpy(row->target, target);
	strcpy(row->challenger, challenger);
	row_details(row, details);
}

int row_transcript(struct row *row, const uint8_t *compound)
{
	char compound_hex[65] = "";
	uint8_t hash[32];
	int error;

	if (compound != NULL)
		hex_encode(compound_hex, compound, 32);
	error = transcript_hash(hash, &(struct transcript){
					      .epoch = row->epoch,
					      .challenger = row->challenger,
					      .target = row->target,
					      .ticket = row->ticket,
					      .artifact_key = row->key,
					      .derivation_hex = row->derivation,
					      .compound_hex = compound_hex,
					      .bucket = row->bucket,
					      .class = row->class,
					      .ordinal = row->ordinal,
				      });
	if (error == 0)
		hex_encode(row->transcript, hash, 32);
	return error;
}

int row_sign(struct row *row, const struct signer *signer)
{
	const uint8_t class = (uint8_t)row->result;
	const struct sha256_part parts[] = {{row->transcript, 64}, {"", 1}, {&class, 1}};
	uint8_t signature[64];
	int error;

	must(row->transcript[0] != '\0');
	error = signer->sign(signer->ctx, signature, TAG_ROW, parts, 3);
	if (error == 0)
		hex_encode(row->signature, signature, sizeof(signature));
	return error;
}

json_t *row_json(const struct row *row)
{
	json_t *json = json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:s, s:i, s:s, s:s, s:s, s:s}", "target",
		row->target, "challenger", row->challenger, "ticket", row->ticket, "bucket",
		(int)row->bucket, "class", (int)row->class, "ordinal", (json_int_t)row->ordinal,
		"count", (json_int_t)row->count, "key", row->key, "result", (int)row->result,
		"derivation", row->derivation, "transcript", row->transcript, "sig", row->signature,
		"details", row->details);

	must(json != NULL);
	return json;
}
