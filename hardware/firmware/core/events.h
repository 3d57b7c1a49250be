/* What the device says unasked, queued until the UART has room, numbered so that a gap shows. */
#ifndef BIASLOOP_EVENTS_H
#define BIASLOOP_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* After the head of number and time: the longest is TRIAL_DONE's. */
#define EVENT_DETAIL (NOTE_TRIAL_DONE_SIZE - NOTE_TRIAL_DONE_AT_ID)

void events_reset(void);
/* An input changed. Called by the edge interrupt. */
void events_edge(uint8_t line, bool level, uint32_t t_us);
/* Inputs changed unseen, so often that nobody could count it: counts as one edge that is lost.
 * Called with interrupts off. */
void events_lose(void);
/* Anything else; detail is what follows the head. Called with interrupts off. */
void events_note(uint8_t kind, uint32_t t_us, const uint8_t *detail, uint8_t length);
/* Send what there is room for. Loop only. */
void events_send(void);
/* The number that the next event gets, and edges that didn't fit since boot. */
uint16_t events_next(void);
uint32_t events_edges_lost(void);

#endif
