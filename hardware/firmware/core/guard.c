#include "guard.h"

#include "board.h"
#include "bytes.h"
#include "events.h"
#include "outputs.h"
#include "trial.h"

#define STALLED_MS 60 /* longer than the loop's longest turn, which writes the EEPROM */
#define STUCK_TICKS 3 /* a pin needs some time to follow */

static struct guard guard;
static volatile bool alive;
static uint8_t still_ms, stuck_ticks;

const struct guard *guard_get(void) { return &guard; }

void guard_reset(void) {
    guard.state = STATE_SAFE;
    guard.fault = FAULT_NONE;
    guard.line = WIRE_NO_LINE;
    still_ms = stuck_ticks = 0;
}

void guard_arm(uint16_t lease_ms) {
    guard.lease_ms = lease_ms;
    guard.renewed_us = board_micros();
    guard.state = STATE_ARMED;
}

uint16_t guard_renew(void) {
    if (guard.state != STATE_ARMED)
        return 0;
    uint32_t now = board_micros();
    uint32_t past_ms = (now - guard.renewed_us) / 1000;
    guard.renewed_us = now;
    return past_ms < guard.lease_ms ? (uint16_t)(guard.lease_ms - past_ms) : 0;
}

void guard_disarm(void) {
    if (guard.state == STATE_ARMED)
        guard.state = STATE_SAFE;
    outputs_all_off();
    trial_stop(OUTCOME_CANCELLED);
}

void guard_fault(uint8_t fault, uint8_t line, uint32_t detail) {
    uint8_t note[NOTE_FAULT_SIZE - NOTE_FAULT_AT_FAULT];
    outputs_all_off();
    trial_stop(OUTCOME_FAULTED);
    if (guard.state == STATE_FAULT)
        return; /* the first one is what matters */
    guard.state = STATE_FAULT;
    guard.fault = fault;
    guard.line = line;
    note[0] = fault;
    note[NOTE_FAULT_AT_LINE - NOTE_FAULT_AT_FAULT] = line;
    put32(note + (NOTE_FAULT_AT_DETAIL - NOTE_FAULT_AT_FAULT), detail);
    events_note(NOTE_FAULT, board_micros(), note, sizeof note);
}

void guard_clear(void) {
    if (guard.state == STATE_FAULT)
        guard_reset();
}

void guard_refused(uint8_t status, uint8_t line, uint32_t asked) {
    if (status == STATUS_OVER_MAX)
        guard_fault(FAULT_OVER_MAX, line, asked);
    if (status == STATUS_TOO_SOON)
        guard_fault(FAULT_TOO_SOON, line, asked);
    if (status == STATUS_OVER_BUDGET)
        guard_fault(FAULT_OVER_BUDGET, line, asked);
}

uint8_t guard_allows(void) {
    if (guard.state == STATE_FAULT)
        return STATUS_FAULTED;
    return guard.state == STATE_ARMED ? STATUS_OK : STATUS_NOT_ARMED;
}

void guard_tick(void) {
    uint32_t past_us = board_micros() - guard.renewed_us;
    if (guard.state == STATE_ARMED && past_us >= guard.lease_ms * (uint32_t)1000)
        guard_fault(FAULT_LEASE, WIRE_NO_LINE, past_us);
    still_ms = alive ? 0 : (uint8_t)(still_ms + (still_ms < STALLED_MS));
    alive = false;
    if (still_ms == STALLED_MS && guard.state != STATE_FAULT)
        guard_fault(FAULT_STALLED, WIRE_NO_LINE, STALLED_MS);
    uint32_t stuck = board_stuck();
    stuck_ticks = stuck ? (uint8_t)(stuck_ticks + (stuck_ticks < STUCK_TICKS)) : 0;
    if (stuck_ticks == STUCK_TICKS && guard.state != STATE_FAULT) {
        uint8_t line = 0;
        while (!(stuck >> line & 1))
            line++;
        guard_fault(FAULT_STUCK, line, stuck);
    }
}

void guard_alive(void) { alive = true; }
