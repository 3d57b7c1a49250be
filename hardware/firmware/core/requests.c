#include "requests.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "events.h"
#include "guard.h"
#include "outputs.h"
#include "trial.h"

#define FIRMWARE 0x01000000UL /* 1.0.0 */
#define HEAD REP_PING_SIZE    /* status, applied, time */

struct reply {
    uint8_t body[REPLY_MAX];
    uint8_t length;
};

static struct reply last; /* sent again when its request comes again */
static bool greeted;
static uint32_t nonce, last_id;

void requests_reset(void) {
    greeted = false;
    last_id = 0;
    last.length = 0;
}

/* One function for each request: writes what follows the head to `more`, its length to *length,
 * the applied value to *applied, and returns the status. Called with interrupts off. */
struct answer {
    uint8_t *more;
    uint8_t length;
    uint32_t applied;
};

static uint8_t on_hello(const uint8_t *in, struct answer *out) {
    (void)in;
    uint8_t *at = out->more;
    put64(at, board_device_id());
    put32(at + REP_HELLO_AT_FIRMWARE - HEAD, FIRMWARE);
    put32(at + REP_HELLO_AT_BUILD - HEAD, board_build());
    put32(at + REP_HELLO_AT_INTERFACE - HEAD, WIRE_INTERFACE);
    put32(at + REP_HELLO_AT_BOOT_ID - HEAD, board_boot_id());
    at[REP_HELLO_AT_RESET - HEAD] = board_reset_cause();
    at[REP_HELLO_AT_LINES - HEAD] = LINE_COUNT;
    at[REP_HELLO_AT_STATE - HEAD] = guard_get()->state;
    at[REP_HELLO_AT_VERSION - HEAD] = WIRE_VERSION;
    out->length = REP_HELLO_SIZE - HEAD;
    out->applied = WIRE_INTERFACE;
    return STATUS_OK;
}

static uint8_t on_line(const uint8_t *in, struct answer *out) {
    struct line line;
    uint8_t *at = out->more;
    if (in[0] >= LINE_COUNT)
        return STATUS_BAD_LINE;
    board_line(in[0], &line);
    at[REP_LINE_AT_KIND - HEAD] = line.kind;
    at[REP_LINE_AT_PIN - HEAD] = line.pin;
    put32(at + REP_LINE_AT_MAX_US - HEAD, line.ceiling.max_us);
    put32(at + REP_LINE_AT_GAP_US - HEAD, line.ceiling.gap_us);
    put32(at + REP_LINE_AT_BUDGET_US - HEAD, line.ceiling.budget_us);
    memcpy(at + REP_LINE_AT_NAME - HEAD, line.name, sizeof line.name);
    out->length = REP_LINE_SIZE - HEAD;
    out->applied = in[0];
    return STATUS_OK;
}

static uint8_t on_ping(const uint8_t *in, struct answer *out) {
    out->applied = get32(in);
    return STATUS_OK;
}

static uint8_t on_limits(const uint8_t *in, struct answer *out) {
    struct limits asked = {get32(in + REQ_LIMITS_AT_MAX_US), get32(in + REQ_LIMITS_AT_GAP_US),
                           get32(in + REQ_LIMITS_AT_BUDGET_US)};
    struct line line;
    if (!outputs_is(in[0]))
        return STATUS_BAD_LINE;
    if (asked.gap_us > GAP_MAX_US)
        return STATUS_BAD_VALUE;
    board_line(in[0], &line);
    if (asked.max_us > line.ceiling.max_us || asked.budget_us > line.ceiling.budget_us ||
        asked.gap_us < line.ceiling.gap_us)
        return STATUS_OVER_CEILING;
    struct limits *now = &outputs_get(in[0])->limits;
    if (guard_get()->state == STATE_ARMED &&
        (asked.max_us > now->max_us || asked.budget_us > now->budget_us ||
         asked.gap_us < now->gap_us))
        return STATUS_LOOSER;
    *now = asked;
    out->applied = asked.max_us;
    return STATUS_OK;
}

static uint8_t on_arm(const uint8_t *in, struct answer *out) {
    uint16_t lease_ms = get16(in);
    if (guard_get()->state == STATE_FAULT)
        return STATUS_FAULTED;
    if (lease_ms < LEASE_MIN_MS || lease_ms > LEASE_MAX_MS)
        return STATUS_BAD_VALUE;
    guard_arm(lease_ms);
    out->applied = lease_ms;
    return STATUS_OK;
}

static uint8_t on_disarm(const uint8_t *in, struct answer *out) {
    (void)in, (void)out;
    guard_disarm();
    return STATUS_OK;
}

static uint8_t on_heartbeat(const uint8_t *in, struct answer *out) {
    (void)in;
    out->applied = guard_renew();
    out->more[REP_HEARTBEAT_AT_STATE - HEAD] = guard_get()->state;
    out->more[REP_HEARTBEAT_AT_FAULT - HEAD] = guard_get()->fault;
    put16(out->more + REP_HEARTBEAT_AT_NEXT_EVENT - HEAD, events_next());
    out->length = REP_HEARTBEAT_SIZE - HEAD;
    return STATUS_OK;
}

static uint8_t on_pulse(const uint8_t *in, struct answer *out) {
    uint32_t id = get32(in + REQ_PULSE_AT_ID), width_us = get32(in + REQ_PULSE_AT_WIDTH_US);
    uint8_t line = in[REQ_PULSE_AT_LINE], status = guard_allows();
    if (status != STATUS_OK)
        return status;
    if (id <= last_id)
        return STATUS_OLD_ID;
    status = outputs_start(line, id, width_us);
    guard_refused(status, line, width_us);
    if (status != STATUS_OK)
        return status;
    last_id = id;
    out->applied = width_us;
    return STATUS_OK;
}

static uint8_t on_all_off(const uint8_t *in, struct answer *out) {
    (void)in, (void)out;
    outputs_all_off();
    trial_stop(OUTCOME_CANCELLED);
    return STATUS_OK;
}

static uint8_t on_status(const uint8_t *in, struct answer *out) {
    (void)in;
    uint8_t *at = out->more;
    at[REP_STATUS_AT_STATE - HEAD] = guard_get()->state;
    at[REP_STATUS_AT_FAULT - HEAD] = guard_get()->fault;
    at[REP_STATUS_AT_FAULT_LINE - HEAD] = guard_get()->line;
    put32(at + REP_STATUS_AT_OUTPUTS - HEAD, board_outputs());
    put32(at + REP_STATUS_AT_INPUTS - HEAD, board_inputs());
    put16(at + REP_STATUS_AT_NEXT_EVENT - HEAD, events_next());
    put32(at + REP_STATUS_AT_EDGES_LOST - HEAD, events_edges_lost());
    put16(at + REP_STATUS_AT_BAD_FRAMES - HEAD, frames_bad());
    put32(at + REP_STATUS_AT_TRIAL - HEAD, trial_id());
    put32(at + REP_STATUS_AT_LAST_ID - HEAD, last_id);
    out->length = REP_STATUS_SIZE - HEAD;
    return STATUS_OK;
}

static uint8_t on_ledger(const uint8_t *in, struct answer *out) {
    uint8_t *at = out->more;
    if (!outputs_is(in[0]))
        return STATUS_BAD_LINE;
    const struct output *output = outputs_get(in[0]);
    put32(at + REP_LEDGER_AT_PULSES - HEAD, output->pulses);
    put32(at + REP_LEDGER_AT_ON_US - HEAD, output->on_us);
    put32(at + REP_LEDGER_AT_LAST_ID - HEAD, output->id);
    put32(at + REP_LEDGER_AT_LAST_START_US - HEAD, output->start_us);
    put32(at + REP_LEDGER_AT_LAST_WIDTH_US - HEAD, output->width_us);
    put32(at + REP_LEDGER_AT_MAX_US - HEAD, output->limits.max_us);
    put32(at + REP_LEDGER_AT_GAP_US - HEAD, output->limits.gap_us);
    put32(at + REP_LEDGER_AT_BUDGET_US - HEAD, output->limits.budget_us);
    out->length = REP_LEDGER_SIZE - HEAD;
    out->applied = output->on;
    return STATUS_OK;
}

static uint8_t on_clear(const uint8_t *in, struct answer *out) {
    (void)in, (void)out;
    if (guard_get()->state == STATE_ARMED)
        return STATUS_ARMED;
    guard_clear();
    return STATUS_OK;
}

static uint8_t on_trial(const uint8_t *in, struct answer *out) {
    uint32_t id = get32(in + REQ_TRIAL_AT_ID), asked = 0;
    uint8_t line = WIRE_NO_LINE, status = guard_allows();
    if (status != STATUS_OK)
        return status;
    if (id <= last_id || id == UINT32_MAX)
        return STATUS_OLD_ID;
    status = trial_load(in, &line, &asked);
    guard_refused(status, line, asked);
    if (status != STATUS_OK)
        return status;
    last_id = id + 1; /* its outcome's */
    out->applied = id;
    return STATUS_OK;
}

static uint8_t on_cancel(const uint8_t *in, struct answer *out) {
    (void)in;
    out->applied = trial_id();
    trial_cancel();
    return STATUS_OK;
}

static uint8_t on_report(const uint8_t *in, struct answer *out) {
    (void)in;
    if (!trial_report(out->more))
        return STATUS_BAD_VALUE;
    out->length = REP_REPORT_SIZE - HEAD;
    return STATUS_OK;
}

static uint8_t on_identify(const uint8_t *in, struct answer *out) {
    (void)out;
    if (guard_get()->state != STATE_SAFE)
        return guard_get()->state == STATE_FAULT ? STATUS_FAULTED : STATUS_ARMED;
    board_identify(get64(in));
    return STATUS_OK;
}

static uint8_t on_tone(const uint8_t *in, struct answer *out) {
    struct line line;
    if (!outputs_is(in[REQ_TONE_AT_LINE]))
        return STATUS_BAD_LINE;
    board_line(in[REQ_TONE_AT_LINE], &line);
    if (line.kind != KIND_TONE)
        return STATUS_BAD_LINE;
    if (outputs_get(in[REQ_TONE_AT_LINE])->on)
        return STATUS_BUSY;
    out->applied = board_tone(in[REQ_TONE_AT_LINE], get16(in + REQ_TONE_AT_FREQUENCY_HZ));
    return STATUS_OK;
}

/* The size of a request, and its function; false for a type that there isn't. */
static bool find(uint8_t kind, uint8_t *size, uint8_t (**handler)(const uint8_t *, struct answer *)) {
#define REQUEST(name, function)                                                                    \
    case REQ_##name:                                                                               \
        *size = REQ_##name##_SIZE;                                                                 \
        *handler = function;                                                                       \
        return true;
    switch (kind) {
        REQUEST(HELLO, on_hello)
        REQUEST(LINE, on_line)
        REQUEST(PING, on_ping)
        REQUEST(LIMITS, on_limits)
        REQUEST(ARM, on_arm)
        REQUEST(DISARM, on_disarm)
        REQUEST(HEARTBEAT, on_heartbeat)
        REQUEST(PULSE, on_pulse)
        REQUEST(ALL_OFF, on_all_off)
        REQUEST(STATUS, on_status)
        REQUEST(LEDGER, on_ledger)
        REQUEST(CLEAR, on_clear)
        REQUEST(TRIAL, on_trial)
        REQUEST(CANCEL, on_cancel)
        REQUEST(REPORT, on_report)
        REQUEST(IDENTIFY, on_identify)
        REQUEST(TONE, on_tone)
    }
    return false;
}

/* Zeros at its end leave a frame's checksum right: one flipped bit of the zero behind it makes some.
 * It is as good as damaged, and comes again. */
static bool has_its_size(const struct frame *frame) {
    uint8_t (*handler)(const uint8_t *, struct answer *);
    uint8_t size;
    return !find(frame->kind, &size, &handler) || size == frame->length;
}

static void execute(const struct frame *frame, uint8_t status, struct reply *reply) {
    struct answer answer = {reply->body + 2 + HEAD, 0, 0};
    uint8_t (*handler)(const uint8_t *, struct answer *) = 0;
    uint8_t size = 0;
    if (status == STATUS_OK && !find(frame->kind, &size, &handler))
        status = STATUS_UNKNOWN_TYPE;
    uint8_t was = board_lock();
    uint32_t now = board_micros();
    if (status == STATUS_OK)
        status = handler(frame->payload, &answer);
    board_unlock(was);
    reply->body[0] = (uint8_t)(frame->kind | WIRE_REPLY);
    reply->body[1] = frame->sequence;
    reply->body[2 + REP_PING_AT_STATUS] = status;
    put32(reply->body + 2 + REP_PING_AT_APPLIED, answer.applied);
    put32(reply->body + 2 + REP_PING_AT_T_US, now);
    reply->length = (uint8_t)(2 + HEAD + (status == STATUS_OK ? answer.length : 0));
    frames_send(reply->body, reply->length);
}

static void hello(const struct frame *frame) {
    struct reply reply;
    if (frame->payload[REQ_HELLO_AT_VERSION] != WIRE_VERSION) {
        execute(frame, STATUS_WRONG_VERSION, &reply);
        return;
    }
    uint32_t new_nonce = get32(frame->payload + REQ_HELLO_AT_NONCE);
    if (greeted && new_nonce == nonce) { /* the same one again: changes nothing */
        execute(frame, STATUS_OK, &reply);
        return;
    }
    nonce = new_nonce;
    greeted = true;
    uint8_t was = board_lock();
    guard_disarm();
    board_unlock(was);
    execute(frame, STATUS_OK, &last);
}

void requests_take(const struct frame *frame) {
    struct reply reply;
    if (frame->kind & WIRE_REPLY)
        return; /* our own words, come back */
    if (!has_its_size(frame))
        frames_drop();
    else if (frame->kind == REQ_HELLO)
        hello(frame);
    else if (!greeted)
        execute(frame, STATUS_NO_HELLO, &reply);
    else if (frame->sequence == last.body[1])
        frames_send(last.body, last.length);
    else if (frame->sequence == (uint8_t)(last.body[1] + 1))
        execute(frame, STATUS_OK, &last);
    else
        execute(frame, STATUS_STALE, &reply);
}
