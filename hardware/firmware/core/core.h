/* The device's program without its board: what a board calls, and when. */
#ifndef BIASLOOP_CORE_H
#define BIASLOOP_CORE_H

#include <stdbool.h>
#include <stdint.h>

/* Once, when the board is ready and every output is off. */
void core_boot(void);
/* As often as possible, interrupts on; true while there may be more to do at once. */
bool core_loop(void);
/* Interrupt, every millisecond: ends pulses, the lease and stalls, even if the loop hangs. */
void core_tick(void);
/* Interrupt, at the time that board_alarm was given: ends pulses exactly. */
void core_alarm(void);
/* Interrupt: an input has changed at this time. */
void core_edge(uint8_t line, bool level, uint32_t t_us);
/* Interrupt: inputs have changed faster than they are read; the next edges tell where they stand. */
void core_edges_lost(void);

#endif
