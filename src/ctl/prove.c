/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges from the command line: who is asked for what, and every verdict of every answer. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/sign.h"
#include "ctl/ctl.h"
#include "ctl/prove.h"

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
	char text[2 * 64 + 1];

	hex_encode(text, bytes, len);
	return json_string(text);
}

static json_t *steps_json(const enum assay_outcome step[ASSAY_STEP_COUNT])
{
	static const char *const outcomes[] = {"not checked", "good", "bad"};
	json_t *out = json_object();

	for (unsigned i = 0; i < ASSAY_STEP_COUNT; i++)
		json_object_set_new(out, assay_step_name((enum assay_step)i),
				    json_string(outcomes[step[i]]));
	return out;
}

static void note_json(struct asking *a, const char *peer, const uint8_t key[32],
		      const struct challenge_answer *answer)
{
	const struct assay_report *r = &answer->proof.report;
	json_t *proof = json_pack(
		"{s:s,s:o,s:s,s:s,s:o,s:o,s:b,s:I,s:i,s:I}", "peer", peer, "key", hex_json(key, 32),
		"verdict", assay_verdict_name(r->verdict), "why", r->why != NULL ? r->why : "",
		"steps", steps_json(r->step), "evidence", steps_json(answer->evidence),
		"evidence_good", (int)answer->evidence_good, "took_us",
		(json_int_t)(answer->proof.took_ns / 1000), "asked", (int)answer->proof.asked,
		"answered_bytes", (json_int_t)answer->proof.answered_bytes);

	json_object_set_new(proof, "seed", hex_json(answer->seed, answer->seed_len));
	json_object_set_new(proof, "ticket", json_string(answer->ticket));
	json_object_set_new(proof, "size", json_integer((json_int_t)answer->request.size));
	json_object_set_new(proof, "challenge_id", hex_json(answer->challenge_id, 32));
	if (r->refused != ASSAY_R_NONE)
		json_object_set_new(proof, "refused", json_string(assay_reason_name(r->refused)));
	if (r->step[ASSAY_STEP_COMPOUND] == ASSAY_GOOD)
		json_object_set_new(proof, "compound", hex_json(r->compound, 32));
	if (r->step[ASSAY_STEP_TRANSCRIPT] == ASSAY_GOOD)
		json_object_set_new(proof, "transcript", hex_json(r->transcript, 32));
	json_array_append_new(a->proofs, proof);
}

static void note_row(struct asking *a, const char *peer, const uint8_t key[32],
		     const struct challenge_answer *answer)
{
	static const char *const outcomes[] = {"-", "ok", "BAD"};
	const struct assay_report *r = &answer->proof.report;
	char hex[65];

	hex_encode(hex, key, 32);
	table_cell(a->table, "%s", peer);
	table_cell(a->table, "%.16s", hex);
	table_cell(a->table, "%s", assay_verdict_name(r->verdict));
	table_cell(a->table, "%.2f", (double)answer->proof.took_ns / 1e6);
	for (unsigned i = 0; i < ASSAY_STEP_COUNT; i++)
		table_cell(a->table, "%s", outcomes[r->step[i]]);
	table_cell(a->table, "%s",
		   r->refused != ASSAY_R_NONE ? assay_reason_text(r->refused)
		   : r->why != NULL	      ? r->why
					      : "");
}

/* A question that could not be asked is a failure with a row of its own. */
static void note_error(struct asking *a, const char *peer, const uint8_t key[32], const char *why)
{
	char hex[65];

	hex_encode(hex, key, 32);
	if (a->ctl->json)
		json_array_append_new(a->proofs, json_pack("{s:s,s:s,s:s,s:s}", "peer", peer, "key",
							   hex, "verdict", "ERROR", "why", why));
	else
		ctl_fail(CTL_FAILED, "%s, %.16s: %s", peer, hex, why);
}

/* The next seed follows from the first one, so that a run can be repeated. */
static void next_seed(struct asking *a)
{
	for (size_t i = a->question.seed_len; a->question.seed != NULL && i-- > 0;)
		if (++a->seed[i] != 0)
			return;
}

static bool is_good(const struct asking *a, const struct challenge_answer *answer)
{
	enum assay_verdict wanted = a->question.tree ? ASSAY_PASS : ASSAY_PLAIN;

	return answer->proof.report.verdict == wanted && answer->evidence_good;
}

static void ask(struct asking *a, struct assay_client *client, const char *peer,
		const uint8_t key[32])
{
	struct challenge_answer answer;

	a->asked++;
	memcpy(a->question.key, key, 32);
	if (challenge_run(client, &answer, &a->question) != 0) {
		note_error(a, peer, key, assay_client_why(client));
	} else {
		a->good += is_good(a, &answer);
		if (a->ctl->json)
			note_json(a, peer, key, &answer);
		else
			note_row(a, peer, key, &answer);
	}
	next_seed(a);
}

static void ask_peer(struct asking *a, const struct registry_entry *peer)
{
	struct assay_client *client;
	char why[512];

	a->client.peer.account = peer->account;
	a->client.peer.address = peer->address;
	memcpy(a->client.peer.session_key, peer->session_key, 33);
	memcpy(a->client.peer.identity, peer->key, 32);
	if (assay_client_open(&client, &a->client, why, sizeof(why)) != 0) {
		a->asked += a->key_count * a->count;
		for (unsigned k = 0; k < a->key_count; k++)
			note_error(a, peer->account, a->keys[k], why);
		return;
	}
	for (uint64_t n = 0; n < a->count; n++)
		for (unsigned k = 0; k < a->key_count; k++)
			ask(a, client, peer->account, a->keys[k]);
	assay_client_close(client);
}

static int ask_peers(struct asking *a)
{
	const char *wanted = a->ctl->option[OPT_PEER];
	unsigned peers = 0;

	if (strcmp(wanted, a->client.account) == 0)
		return ctl_fail(CTL_USAGE, "%s is who asks; name another node with --peer", wanted);
	for (unsigned i = 0; i < a->registry.count; i++) {
		const struct registry_entry *e = &a->registry.entries[i];
		bool chosen = strcmp(wanted, "all") == 0
				      ? strcmp(e->account, a->client.account) != 0
				      : strcmp(e->account, wanted) == 0;

		if (!e->node || !chosen)
			continue;
		ask_peer(a, e);
		peers++;
	}
	if (peers > 0)
		return CTL_OK;
	return ctl_fail(CTL_FAILED, "no node %s in the registry; assayctl registry list shows them",
			strcmp(wanted, "all") == 0 ? "to ask" : wanted);
}

static int report(struct asking *a)
{
	int code = a->good == a->asked ? CTL_OK : CTL_FAILED;

	if (a->ctl->json)
		return ctl_print_json(json_pack("{s:O,s:I,s:I}", "proofs", a->proofs, "asked",
						(json_int_t)a->asked, "good", (json_int_t)a->good),
				      code);
	table_print(a->table);
	a->table = NULL;
	printf("asked %lu, %s %lu, other %lu\n", a->asked, a->question.tree ? "PASS" : "PLAIN",
	       a->good, a->asked - a->good);
	return code;
}

static struct table *verdict_table(void)
{
	char titles[256] = "PEER ARTIFACT VERDICT >MS";

	for (unsigned i = 0; i < ASSAY_STEP_COUNT; i++) {
		strcat(titles, " ");
		strcat(titles, assay_step_name((enum assay_step)i));
	}
	strcat(titles, " WHY");
	for (char *p = titles; *p != 0; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
	return table_new(titles);
}

int command_prove(struct ctl *ctl, char **arguments, unsigned count)
{
	struct asking a = {.ctl = ctl};
	int code;

	if (ctl->option[OPT_PEER] == NULL)
		return ctl_fail(CTL_USAGE, "name a node with --peer, or --peer all");
	code = asking_read(&a);
	if (code == CTL_OK) {
		a.proofs = json_array();
		a.table = ctl->json ? NULL : verdict_table();
		code = ask_peers(&a);
		if (code == CTL_OK)
			code = report(&a);
		else if (a.table != NULL)
			table_print(a.table);
		json_decref(a.proofs);
	}
	wipe(a.client.session_secret, sizeof(a.client.session_secret));
	registry_free(&a.registry);
	free(a.keys);
	return code;
}
