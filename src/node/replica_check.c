/* SPDX-License-Identifier: Apache-2.0 */
/* The engine against the copy. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "ledger/rules.h"
#include "ledger/text.h"
#include "node/replica_impl.h"

void replica_mismatch(struct replica *r, const char *what, uint64_t seq, const uint8_t ours[32],
		      const uint8_t *theirs)
{
	char ours_hex[65], theirs_hex[65] = "nothing";
	int err;

	if (r->mismatch[0] != '\0' || r->failed)
		return;
	hex_encode(ours_hex, ours, 32);
	if (theirs != NULL)
		hex_encode(theirs_hex, theirs, 32);
	snprintf(r->mismatch, sizeof(r->mismatch), "%s: seq %" PRIu64 ", ours %s, theirs %s", what,
		 seq, ours_hex, theirs_hex);
	log_error(&r->config.log, "ledger",
		  "the log contradicts this node's copy; it writes nothing any more and goes on "
		  "serving; see `assayctl ledger accept-engine`",
		  "what=\"%s\" seq=%" PRIu64 " ours=%s theirs=%s", what, seq, ours_hex, theirs_hex);
	/* Within a transaction it is kept with what led to it. */
	err = copy_put(r->copy, "mismatch", r->mismatch, strlen(r->mismatch));
	if (err != 0)
		replica_fail(r, "the mismatch could not be written down", err);
}

void replica_compare(struct replica *r, uint64_t seq, const uint8_t *bytes, size_t len)
{
	uint8_t log[32], ours[32], theirs[32];
	const uint8_t *kept;
	size_t kept_len;
	int err = copy_entry(r->copy, seq, &kept, &kept_len, log);

	if (err == ASSAY_E_NOTFOUND)
		return; /* before the state that this copy began with */
	if (err != 0) {
		replica_fail(r, "an entry could not be read", err);
		return;
	}
	if (kept_len == len && (len == 0 || memcmp(kept, bytes, len) == 0))
		return;
	entry_hash(ours, kept, kept_len);
	entry_hash(theirs, bytes, len);
	replica_mismatch(r, "other bytes at a known place", seq, ours, theirs);
}

void replica_connected(struct replica *r, uint64_t floor, uint64_t head)
{
	uint8_t log[32];

	r->connected = true;
	r->trimmed = false;
	r->head = head;
	r->floor = floor;
	if (head >= state_seq(r->state))
		return;
	state_log(r->state, log);
	replica_mismatch(r, "the log ends before this node's copy", head + 1, log, NULL);
}

bool replica_tick_agrees(struct replica *r, const struct entry *tick, uint64_t seq)
{
	uint64_t at_seq = data_number(tick->data, "at_seq");
	uint8_t theirs[32], ours[32];
	struct state_origin origin;
	int err = 0;

	if (seq <= r->accepted || !hex_read(theirs, 32, data_text(tick->data, "at_log")))
		return true;
	state_origin(r->state, &origin);
	if (at_seq >= seq) { /* its author has seen more than there was */
		replica_mismatch(r, "a tick's author had a longer log", seq, origin.log, theirs);
		return false;
	}
	if (at_seq == 0)
		memcpy(ours, origin.net, sizeof(ours));
	else
		err = copy_log(r->copy, at_seq, ours);
	if (err == ASSAY_E_NOTFOUND || (err == 0 && memcmp(ours, theirs, sizeof(ours)) == 0))
		return true;
	if (err != 0)
		replica_fail(r, "an entry could not be read", err);
	else
		replica_mismatch(r, "a tick's author had another log", at_seq, ours, theirs);
	return false;
}
