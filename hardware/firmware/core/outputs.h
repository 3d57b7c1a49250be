/* The outputs: nothing is switched on but by outputs_start, for a bounded time, within limits. */
#ifndef BIASLOOP_OUTPUTS_H
#define BIASLOOP_OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* Longest gap, half of what the clock counts. */
#define GAP_MAX_US 0x7FFFFFFFUL

struct output {
    struct limits limits;
    uint32_t pulses, on_us;              /* ended ones, since boot */
    uint32_t id, start_us, width_us;     /* of the last; the width is what was asked while it is on */
    uint32_t end_us;
    bool on;
    bool recent;                         /* the last one ended less than GAP_MAX_US ago */
};

/* All off, nothing allowed. */
void outputs_reset(void);
bool outputs_is(uint8_t line);
struct output *outputs_get(uint8_t line);
/* Whether a pulse would be within maximum and budget; extra_us is on the same line besides. */
uint8_t outputs_check(uint8_t line, uint32_t width_us, uint32_t extra_us);
/* Switch on; the status says why not. The following are called with interrupts off. */
uint8_t outputs_start(uint8_t line, uint32_t id, uint32_t width_us);
/* Switch off before its time is over; nothing happens when it is off. */
void outputs_cut(uint8_t line);
void outputs_all_off(void);
/* End what is due, and have the alarm set for what is due next. */
void outputs_due(void);
/* Every millisecond: forget ends that are long ago. */
void outputs_age(void);
/* Outputs that are on, one bit a line. */
uint32_t outputs_on(void);

#endif
