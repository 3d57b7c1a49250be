/* What the host asks: each request once, its answer as often as it is asked again. */
#ifndef BIASLOOP_REQUESTS_H
#define BIASLOOP_REQUESTS_H

#include "frames.h"

/* The longest answer, which must have room before a request is taken. */
#define REPLY_MAX (2 + REP_LEDGER_SIZE)

void requests_reset(void);
void requests_take(const struct frame *frame);

#endif
