/* Clock, pins, interrupts, serial port and EEPROM of an ATmega328P or ATmega2560 at 16 MHz.
 *
 * Timer 1 counts half microseconds, and its compare ends pulses. Timer 0 is the tick, on its own, so
 * that a pulse ends a millisecond late at most whatever becomes of the other; it is taken from the
 * Arduino core, whose delay() and millis() stand still. Timer 2 makes the tone. */
#include "avr_board.h"

#include <Arduino.h>
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <string.h>

#include "board.h"
#include "core.h"

#ifndef FIRMWARE_BUILD
#define FIRMWARE_BUILD 0
#endif
#if defined(USART0_RX_vect)
#define RX_VECT USART0_RX_vect
#define UDRE_VECT USART0_UDRE_vect
#else
#define RX_VECT USART_RX_vect
#define UDRE_VECT USART_UDRE_vect
#endif

#define TICK_TOP 249 /* of 4 us: a millisecond */
#define BACKWARDS 0xF000
#define NEAR_US 8    /* closer than this a compare could be missed while it is set */
#define AHEAD_US 2500
#define RING 128     /* bytes, a power of two */
#define EDGES_A_TICK 8
#define EEPROM_DEVICE_ID ((uint8_t *)0)
#define EEPROM_BOOT_ID ((uint32_t *)8)

struct pin {
    volatile uint8_t *in, *out;
    uint8_t mask;
};

#define LINE_ENTRY(name, kind, pin, max_us, gap_us, budget_us) \
    {#name, KIND_##kind, pin, {max_us, gap_us, budget_us##UL}},
static const struct line lines[] PROGMEM = {LINES(LINE_ENTRY)};

static struct pin pins[LINE_COUNT];
static uint32_t driven;  /* outputs that were switched on, one bit a line */
static uint32_t seen;    /* inputs as last seen */
static uint32_t now_us;  /* as counted when it was asked for last */
static uint16_t counted; /* what the timer showed then */
static uint32_t boot_id;
static uint8_t reset_cause;
static uint8_t edge_banks, edges_seen; /* pin change interrupts in use; how many since the tick */
static uint8_t tone_top, tone_clock; /* of timer 2; no clock: steady */
static volatile uint8_t received[RING], received_put, received_taken;
static volatile uint8_t sending[RING], sending_put, sending_taken;

/* Before main: a watchdog that has fired stays on, with its shortest time. The boot loader may have
 * cleared the cause; it is unknown then. */
static uint8_t mcusr __attribute__((section(".noinit")));
void keep_reset_cause(void) __attribute__((naked, used, section(".init3")));
void keep_reset_cause(void) {
    mcusr = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

uint8_t board_lock(void) {
    uint8_t was = SREG;
    cli();
    return was;
}

void board_unlock(uint8_t was) { SREG = was; }

static uint8_t kind_of(uint8_t line) { return pgm_read_byte(&lines[line].kind); }

void board_line(uint8_t line, struct line *copy) { memcpy_P(copy, &lines[line], sizeof *copy); }

uint32_t board_micros(void) {
    uint8_t was = board_lock();
    uint16_t passed = TCNT1 - counted;
    if (passed < BACKWARDS) { /* else it hasn't moved on since: the tick reads it all the time */
        now_us += passed >> 1;
        counted += passed & 0xFFFE;
    }
    uint32_t now = now_us;
    board_unlock(was);
    return now;
}

static void alarm(void) {
    TIMSK1 &= (uint8_t)~_BV(OCIE1A);
    core_alarm();
}

ISR(TIMER1_COMPA_vect) { alarm(); }

void board_alarm(uint32_t t_us) {
    int32_t ahead = (int32_t)(t_us - board_micros());
    if (ahead > AHEAD_US)
        return;
    OCR1A = ahead > NEAR_US ? (uint16_t)(t_us << 1) : (uint16_t)(TCNT1 + 2 * NEAR_US);
    TIFR1 = _BV(OCF1A);
    TIMSK1 |= _BV(OCIE1A);
}

static void tone_on(void) {
    TCNT2 = 0;
    OCR2A = tone_top;
    TCCR2A = _BV(COM2A0) | _BV(WGM21); /* toggle at the top */
    TCCR2B = tone_clock;
}

static void tone_off(void) {
    TCCR2B = 0;
    TCCR2A = 0;
}

void board_output(uint8_t line, bool on) {
    uint32_t bit = (uint32_t)1 << line;
    bool toggles = kind_of(line) == KIND_TONE && tone_clock != 0;
    if (on && toggles) {
        tone_on();
    } else if (on) {
        *pins[line].out |= pins[line].mask;
        driven |= bit;
    } else {
        if (kind_of(line) == KIND_TONE)
            tone_off();
        *pins[line].out &= (uint8_t)~pins[line].mask;
        driven &= ~bit;
    }
}

static uint32_t read_pins(uint8_t from, uint8_t to) {
    uint32_t high = 0;
    for (uint8_t line = from; line < to; line++)
        if (*pins[line].in & pins[line].mask)
            high |= (uint32_t)1 << line;
    return high;
}

uint32_t board_inputs(void) { return read_pins(0, INPUTS); }

uint32_t board_outputs(void) { return read_pins(INPUTS, LINE_COUNT); }

uint32_t board_stuck(void) {
    uint32_t differ = board_outputs() ^ driven;
    if (TCCR2A != 0) /* a tone toggles by itself */
        for (uint8_t line = INPUTS; line < LINE_COUNT; line++)
            if (kind_of(line) == KIND_TONE)
                differ &= ~((uint32_t)1 << line);
    return differ;
}

uint16_t board_tone(uint8_t line, uint16_t frequency_hz) {
    static const uint8_t shifts[] PROGMEM = {0, 3, 5, 6, 7, 8, 10}; /* of prescalers 1 to 7 */
    (void)line;
    tone_clock = 0;
    if (frequency_hz == 0)
        return 0;
    uint32_t half = F_CPU / 2 / frequency_hz;
    for (uint8_t at = 0; at < sizeof shifts; at++) {
        uint32_t top = half >> pgm_read_byte(&shifts[at]);
        if (top >= 1 && top <= 256) {
            tone_clock = (uint8_t)(at + 1);
            tone_top = (uint8_t)(top - 1);
            return (uint16_t)(F_CPU / 2 / (top << pgm_read_byte(&shifts[at])));
        }
    }
    return 0; /* too slow for the timer: steady */
}

static void read_inputs(void) {
    uint32_t t_us = board_micros();
    uint32_t now = board_inputs(), changed = now ^ seen;
    seen = now;
    for (uint8_t line = 0; changed; line++, changed >>= 1)
        if (changed & 1)
            core_edge(line, now >> line & 1, t_us);
}

/* Pin changes go before the timers' interrupts. An input that chatters faster than it is read would
 * keep them from ever ending a pulse: it is listened to so often a tick and no more, and what is
 * due meanwhile is done here. */
static void inputs_changed(void) {
    read_inputs();
    if (++edges_seen == EDGES_A_TICK)
        PCICR = 0;
    if (TIMSK1 & TIFR1 & _BV(OCF1A))
        alarm();
}

static void listen_again(void) {
    edges_seen = 0;
    if (PCICR == edge_banks)
        return;
    bool unseen = PCIFR & edge_banks;
    PCIFR = edge_banks;
    PCICR = edge_banks;
    if (unseen)
        core_edges_lost(); /* one or many, or only the one that is read now: rather said than not */
    read_inputs();
}

ISR(PCINT0_vect) { inputs_changed(); }
ISR(PCINT1_vect) { inputs_changed(); }
ISR(PCINT2_vect) { inputs_changed(); }
ISR(TIMER0_COMPA_vect) {
    core_tick();
    listen_again();
}

ISR(RX_VECT) {
    uint8_t byte = UDR0;
    if ((uint8_t)(received_put - received_taken) < RING) /* else lost: the checksum shows it */
        received[received_put++ % RING] = byte;
}

ISR(UDRE_VECT) {
    if (sending_put == sending_taken)
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
    else
        UDR0 = sending[sending_taken++ % RING];
}

bool board_take(uint8_t *byte) {
    if (received_put == received_taken)
        return false;
    *byte = received[received_taken % RING];
    received_taken++;
    return true;
}

uint8_t board_room(void) { return (uint8_t)(RING - (uint8_t)(sending_put - sending_taken)); }

void board_put(uint8_t byte) {
    sending[sending_put % RING] = byte;
    sending_put++;
    uint8_t was = board_lock();
    UCSR0B |= _BV(UDRIE0);
    board_unlock(was);
}

uint64_t board_device_id(void) {
    uint64_t id;
    eeprom_read_block(&id, EEPROM_DEVICE_ID, sizeof id);
    return id;
}

void board_identify(uint64_t device_id) {
    eeprom_update_block(&device_id, EEPROM_DEVICE_ID, sizeof device_id);
}

uint32_t board_boot_id(void) { return boot_id; }

uint32_t board_build(void) { return FIRMWARE_BUILD; }

uint8_t board_reset_cause(void) { return reset_cause; }

static void find_pins(void) {
    for (uint8_t line = 0; line < LINE_COUNT; line++) {
        uint8_t number = pgm_read_byte(&lines[line].pin), port = digitalPinToPort(number);
        pins[line].mask = digitalPinToBitMask(number);
        pins[line].in = portInputRegister(port);
        pins[line].out = portOutputRegister(port);
        *pins[line].out &= (uint8_t)~pins[line].mask; /* low before it becomes an output */
        if (line >= INPUTS)
            *portModeRegister(port) |= pins[line].mask;
    }
}

static uint8_t cause(void) {
    if (mcusr & _BV(WDRF))
        return RESET_WATCHDOG;
    if (mcusr & _BV(BORF))
        return RESET_BROWN_OUT;
    if (mcusr & _BV(EXTRF))
        return RESET_EXTERNAL;
    return mcusr & _BV(PORF) ? RESET_POWER : RESET_UNKNOWN;
}

void avr_board_begin(void) {
    cli();
    find_pins();
    TIMSK0 = 0;
    TCCR0A = _BV(WGM01); /* begins anew at the top, so that no tick can be missed */
    TCCR0B = _BV(CS01) | _BV(CS00);
    OCR0A = TICK_TOP;
    TCCR1A = 0;
    TCCR1B = _BV(CS11); /* an eighth of 16 MHz */
    TCNT1 = 0;
    tone_off();
    reset_cause = cause();
    boot_id = eeprom_read_dword(EEPROM_BOOT_ID) + 1;
    eeprom_update_dword(EEPROM_BOOT_ID, boot_id);
    UCSR0A = _BV(U2X0);
    UBRR0 = 3; /* 500 000 baud */
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

void avr_board_start(void) {
    for (uint8_t line = 0; line < INPUTS; line++) {
        int number = pgm_read_byte(&lines[line].pin);
        edge_banks |= (uint8_t)_BV(digitalPinToPCICRbit(number));
        *digitalPinToPCMSK(number) |= (uint8_t)_BV(digitalPinToPCMSKbit(number));
    }
    PCICR = edge_banks;
    seen = board_inputs();
    TIFR1 = _BV(OCF1A);
    TIFR0 = _BV(OCF0A);
    TIMSK0 = _BV(OCIE0A);
    set_sleep_mode(SLEEP_MODE_IDLE);
    wdt_enable(WDTO_120MS);
    sei();
}

void avr_board_rest(void) {
    cli();
    if (received_put == received_taken) {
        sleep_enable();
        sei(); /* takes effect after the next instruction, so no interrupt is slept over */
        sleep_cpu();
        sleep_disable();
    }
    sei();
}
