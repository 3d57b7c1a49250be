/* The AVR's part that only the sketch calls. */
#ifndef BIASLOOP_AVR_BOARD_H
#define BIASLOOP_AVR_BOARD_H

/* Outputs off first, then clock, serial port and identity; interrupts stay without effect. */
void avr_board_begin(void);
/* Let interrupts and the watchdog begin. */
void avr_board_start(void);
/* Sleep until the next interrupt, unless there is something to do. */
void avr_board_rest(void);

#endif
