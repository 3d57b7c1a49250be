/* What the core needs of a board. A board is AVR hardware, or a computer's simulation of it. */
#ifndef BIASLOOP_BOARD_H
#define BIASLOOP_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "lines.h"
#include "wire.h"

#define LINE_NUMBER(name, kind, pin, max_us, gap_us, budget_us) LINE_##name,
#define LINE_IS_INPUT(name, kind, pin, max_us, gap_us, budget_us) +(KIND_##kind == KIND_INPUT)
#define LINE_IS_LATE_INPUT(name, kind, pin, max_us, gap_us, budget_us) \
    +(KIND_##kind == KIND_INPUT && (int)LINE_##name >= (int)INPUTS)
enum { LINES(LINE_NUMBER) LINE_COUNT };
enum { INPUTS = 0 LINES(LINE_IS_INPUT), OUTPUTS = LINE_COUNT - INPUTS };
/* A negative size stops the compiler when an input stands after an output in lines.h. */
typedef char inputs_stand_first[(0 LINES(LINE_IS_LATE_INPUT)) ? -1 : 1];

struct limits {
    uint32_t max_us, gap_us, budget_us;
};

struct line {
    char name[12];
    uint8_t kind, pin;
    struct limits ceiling;
};

/* Time since boot; wraps. Called from everywhere. */
uint32_t board_micros(void);
/* Interrupts off, and back to what they were. */
uint8_t board_lock(void);
void board_unlock(uint8_t was);

/* What was compiled in for a line. */
void board_line(uint8_t line, struct line *copy);
/* Switch an output line; the only way to a pin. Called with interrupts off. */
void board_output(uint8_t line, bool on);
/* Outputs whose pin reads high, one bit a line. */
uint32_t board_outputs(void);
/* Outputs whose pin doesn't read as it was driven, one bit a line. Called by the tick. */
uint32_t board_stuck(void);
/* Inputs that are high, one bit a line. */
uint32_t board_inputs(void);
/* Let a tone's line toggle while it is on, 0 for steady: the frequency that comes nearest. */
uint16_t board_tone(uint8_t line, uint16_t frequency_hz);
/* Have core_alarm called at this time; may be forgotten when it is more than 2 ms away, since the
 * tick asks again. Called with interrupts off. */
void board_alarm(uint32_t t_us);

/* Bytes from and to the host: false when there is none; how many can be put without waiting, of
 * which there must be enough for the longest answer and the longest event together. */
bool board_take(uint8_t *byte);
uint8_t board_room(void);
void board_put(uint8_t byte);

/* What outlives a reset. */
uint64_t board_device_id(void);
void board_identify(uint64_t device_id);
uint32_t board_boot_id(void);
uint8_t board_reset_cause(void);
/* Hash of the sources that it was built from. */
uint32_t board_build(void);

#endif
