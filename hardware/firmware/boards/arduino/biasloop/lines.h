/* The wiring: edit this, flash, and the host reads it from the device.
 *
 * LINES(X) lists X(name, kind, pin, max_us, gap_us, budget_us), inputs first. A name has at most
 * 12 letters. For outputs the numbers are ceilings: the longest pulse, the shortest time between
 * two, and the time on in all since the board's start. A host can ask for less, never for more.
 *
 * Valves: 1 s a pulse, 10 min in all. Puffs: .5 s, .5 s apart, 1 min in all. Light, tone, odour:
 * as long as a trial may need; 4 000 s in all is near what the device can count.
 *
 * All outputs are off when low: valve drivers need a pull-down, so that they are off while the
 * board restarts. Inputs need a driver of their own (no pull-up is switched on), on pins with a
 * pin-change interrupt: all of an Uno's; 10-15, 50-53 and A8-A15 of a Mega. The tone's pin has to
 * be OC2A: 11 on an Uno, 10 on a Mega.
 */
#ifndef BIASLOOP_LINES_H
#define BIASLOOP_LINES_H

#if defined(__AVR_ATmega2560__)
#define LINES(X)                                                   \
    X(lick_left, INPUT, 62, 0, 0, 0)                               \
    X(lick_right, INPUT, 63, 0, 0, 0)                              \
    X(photodiode, INPUT, 64, 0, 0, 0)                              \
    X(door, INPUT, 65, 0, 0, 0)                                    \
    X(valve_left, VALVE, 6, 1000000, 20000, 600000000)             \
    X(valve_right, VALVE, 7, 1000000, 20000, 600000000)            \
    X(puff, PUFF, 8, 500000, 500000, 60000000)                     \
    X(led, LED, 9, 60000000, 0, 4000000000)                        \
    X(tone, TONE, 10, 10000000, 0, 4000000000)                     \
    X(odour_1, ODOUR, 22, 10000000, 0, 4000000000)                 \
    X(odour_2, ODOUR, 23, 10000000, 0, 4000000000)                 \
    X(sync, SYNC, 24, 1000000, 0, 4000000000)
#else
#define LINES(X)                                                   \
    X(lick_left, INPUT, 2, 0, 0, 0)                                \
    X(lick_right, INPUT, 3, 0, 0, 0)                               \
    X(photodiode, INPUT, 4, 0, 0, 0)                               \
    X(door, INPUT, 5, 0, 0, 0)                                     \
    X(valve_left, VALVE, 6, 1000000, 20000, 600000000)             \
    X(valve_right, VALVE, 7, 1000000, 20000, 600000000)            \
    X(puff, PUFF, 8, 500000, 500000, 60000000)                     \
    X(led, LED, 9, 60000000, 0, 4000000000)                        \
    X(tone, TONE, 11, 10000000, 0, 4000000000)                     \
    X(odour_1, ODOUR, 12, 10000000, 0, 4000000000)                 \
    X(odour_2, ODOUR, 14, 10000000, 0, 4000000000)                 \
    X(sync, SYNC, 15, 1000000, 0, 4000000000)
#endif

#endif
