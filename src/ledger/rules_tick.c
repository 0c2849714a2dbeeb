/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks: height, time, the beacon, and the ends and starts of epochs. */
#include "base/must.h"
#include "base/text.h"
#include "ledger/beacon.h"
#include "ledger/state_impl.h"

/* Authors of this many last ticks must not tick. */
static size_t turns_excluded(const struct committee *c)
{
	return (c->member_count - 1) / 3;
}

static bool time_allowed(struct state *s, uint64_t time)
{
	const struct meta *meta = s->meta;
	uint64_t interval = s->params->tick_interval_ms;

	if (meta->height == 0)
		return time >= meta->time;
	return time >= meta->time && 2 * (time - meta->time) >= interval &&
	       time - meta->time <= 3 * interval;
}

static bool reveals(const struct committee_member *member, const char *reveal_hex)
{
	uint8_t reveal[32], digest[32];
	char tip[65];

	if (!hex_read(reveal, 32, reveal_hex))
		return false;
	beacon_link(digest, reveal);
	hex_encode(tip, digest, 32);
	return strcmp(tip, text_of(member->tip)) == 0;
}

static const char *tick_refusal(struct state *s, const char *author, const json_t *data)
{
	if (data_number(data, "height") != s->meta->height + 1)
		return "HEIGHT";
	if (texts_have(&s->meta->tick_authors, author))
		return "TURN";
	if (!time_allowed(s, data_number(data, "time")))
		return "TIME";
	if (!reveals(committee_member(s->committee, author), data_text(data, "reveal")))
		return "REVEAL";
	return NULL;
}

static void beacon_step(struct meta *meta, const char *reveal_hex)
{
	uint8_t beacon[32], reveal[32];
	char hex[65];

	must(hex_read(beacon, 32, meta->beacon) && hex_read(reveal, 32, reveal_hex));
	beacon_next(beacon, beacon, reveal);
	hex_encode(hex, beacon, 32);
	text_set(&meta->beacon, hex);
}

static void note_author(struct state *s, const char *author)
{
	struct texts *authors = &s->meta->tick_authors;

	texts_add(authors, author);
	while (authors->n > turns_excluded(s->committee))
		texts_remove_first(authors);
}

unsigned apply_tick(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		    const char **reason)
{
	const char *refusal = tick_refusal(s, ctx->author, data);
	const char *new_tip = data_text(data, "new_tip");
	struct committee_member *member = committee_member(s->committee, ctx->author);
	struct committee *committee = s->committee;
	uint64_t epoch = state_epoch(s);
	bool ends = s->meta->height == state_epoch_last(s, epoch), starts;

	if (refusal != NULL)
		return refuse(reason, VERDICT_TICK, refusal);
	if (ends)
		epoch_end(s, epoch);
	table_touch(s->tables, s->meta);
	table_touch(s->tables, committee);
	s->meta->height++;
	s->meta->time = data_number(data, "time");
	text_set(&member->tip, new_tip[0] != '\0' ? new_tip : data_text(data, "reveal"));
	beacon_step(s->meta, data_text(data, "reveal"));
	if (ends)
		committee_rotate(s, epoch);
	note_author(s, ctx->author);
	starts = ends || s->meta->height == s->params->epoch_zero_height;
	if (starts)
		epoch_start(s, state_epoch(s));
	return VERDICT_OK;
}
