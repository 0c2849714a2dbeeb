/* SPDX-License-Identifier: Apache-2.0 */
#include "client/told.h"

#include <string.h>

#include "client/client_impl.h"

int told_counter(void *object, uint64_t counter)
{
	return 0;
}

enum assay_reason told_feed(void *object, struct assay_inbound *session, const void *datagram,
			    size_t len)
{
	const struct assay_head *head = datagram;
	const struct assay_refused *refused = datagram;
	struct told *told = object;
	enum assay_reason reason;

	if (head->type != ASSAY_WRITE_STATE && head->type != ASSAY_REFUSED)
		return ASSAY_R_ROLE;
	reason = assay_inbound_general(session, datagram, len);
	if (reason != ASSAY_R_NONE)
		return reason;
	if (head->type == ASSAY_WRITE_STATE) {
		memcpy(&told->state, datagram, sizeof(told->state));
		told->there = true;
		told->refused = ASSAY_R_NONE;
	} else {
		told->refused = refused->answer.status;
		told->wait_ms = refused->wait_ms;
	}
	return ASSAY_R_NONE;
}

bool told_settled(void *object)
{
	const struct told *told = object;

	return told->there || (told->refused != ASSAY_R_NONE && !client_may_wait(told->refused));
}

bool told_wait(void *object, uint32_t *wait_ms)
{
	const struct told *told = object;

	*wait_ms = told->wait_ms;
	return told->refused != ASSAY_R_NONE;
}
