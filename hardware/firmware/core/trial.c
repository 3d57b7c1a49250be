#include "trial.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "events.h"
#include "guard.h"
#include "outputs.h"

#define RESPONSE_SIZE (REQ_TRIAL_AT_LINE_1 - REQ_TRIAL_AT_LINE_0)
#define REPORT_SIZE (NOTE_TRIAL_DONE_SIZE - NOTE_TRIAL_DONE_AT_ID)
#define AT(field) (NOTE_TRIAL_DONE_AT_##field - NOTE_TRIAL_DONE_AT_ID)

enum phase { IDLE, AWAIT_GO, WINDOW, BEFORE_OUTCOME, ON_OUTCOME };

struct action {
    uint8_t line; /* WIRE_NO_LINE: nothing */
    uint32_t width_us, delay_us;
};

struct response {
    uint8_t line;
    struct action action;
};

static struct {
    uint8_t go, go_line;
    uint32_t timeout_us, delay_us, window_us;
    struct response responses[WIRE_RESPONSES];
    struct action otherwise;
    uint32_t loaded_us, due_us; /* since when it waits for its go; from when on the outcome waits */
    struct action outcome;
} trial;

static struct {
    uint32_t id;
    uint8_t outcome, line;
    uint32_t go_us, open_us, response_us;
    uint8_t outcome_line;
    uint32_t outcome_start_us;
} report;

static volatile uint8_t phase;

void trial_reset(void) {
    phase = IDLE;
    memset(&report, 0, sizeof report);
}

bool trial_is_running(void) { return phase != IDLE; }

uint32_t trial_id(void) { return phase == IDLE ? 0 : report.id; }

static bool is_input(uint8_t line) { return line < INPUTS; }

static struct action read_action(const uint8_t *at) {
    struct action action = {at[0], get32(at + 1), get32(at + 5)};
    return action;
}

static uint8_t check_action(const struct action *action, uint32_t go_us, uint8_t *line,
                            uint32_t *asked) {
    if (action->line == WIRE_NO_LINE)
        return STATUS_OK;
    *line = action->line;
    *asked = action->width_us;
    if (action->delay_us > TRIAL_WAIT_MAX_US)
        return STATUS_BAD_VALUE;
    return outputs_check(action->line, action->width_us,
                         action->line == trial.go_line && trial.go == GO_PULSE ? go_us : 0);
}

static uint8_t check(uint32_t go_us, uint8_t *line, uint32_t *asked) {
    uint8_t status = STATUS_OK;
    if (trial.go > GO_PULSE || trial.timeout_us > TRIAL_WAIT_MAX_US ||
        trial.delay_us > TRIAL_WAIT_MAX_US || trial.window_us > TRIAL_WAIT_MAX_US)
        return STATUS_BAD_VALUE;
    *line = trial.go_line;
    *asked = go_us;
    if ((trial.go == GO_RISING || trial.go == GO_FALLING) && !is_input(trial.go_line))
        return STATUS_BAD_LINE;
    if (trial.go == GO_PULSE)
        status = outputs_check(trial.go_line, go_us, 0);
    for (uint8_t at = 0; at < WIRE_RESPONSES && status == STATUS_OK; at++) {
        const struct response *response = &trial.responses[at];
        if (response->line == WIRE_NO_LINE)
            continue;
        *line = response->line;
        if (!is_input(response->line))
            return STATUS_BAD_LINE;
        status = check_action(&response->action, go_us, line, asked);
    }
    return status == STATUS_OK ? check_action(&trial.otherwise, go_us, line, asked) : status;
}

static void begin_window(uint32_t go_us) {
    report.go_us = go_us;
    report.open_us = go_us + trial.delay_us;
    phase = WINDOW;
}

uint8_t trial_load(const uint8_t *payload, uint8_t *line, uint32_t *asked) {
    uint32_t go_us = get32(payload + REQ_TRIAL_AT_GO_WIDTH_US);
    uint8_t status;
    if (phase != IDLE)
        return STATUS_BUSY;
    trial.go = payload[REQ_TRIAL_AT_GO];
    trial.go_line = payload[REQ_TRIAL_AT_GO_LINE];
    trial.timeout_us = get32(payload + REQ_TRIAL_AT_GO_TIMEOUT_US);
    trial.delay_us = get32(payload + REQ_TRIAL_AT_DELAY_US);
    trial.window_us = get32(payload + REQ_TRIAL_AT_WINDOW_US);
    for (uint8_t at = 0; at < WIRE_RESPONSES; at++) {
        const uint8_t *slot = payload + REQ_TRIAL_AT_LINE_0 + at * RESPONSE_SIZE;
        trial.responses[at].line = slot[0];
        trial.responses[at].action = read_action(slot + 1);
    }
    trial.otherwise = read_action(payload + REQ_TRIAL_AT_ELSE_LINE);
    status = check(go_us, line, asked);
    if (status != STATUS_OK)
        return status;
    if (trial.go == GO_PULSE) {
        *line = trial.go_line;
        *asked = go_us;
        status = outputs_start(trial.go_line, get32(payload + REQ_TRIAL_AT_ID), go_us);
        if (status != STATUS_OK)
            return status;
    }
    memset(&report, 0, sizeof report);
    report.id = get32(payload + REQ_TRIAL_AT_ID);
    report.outcome = OUTCOME_RUNNING;
    report.line = report.outcome_line = WIRE_NO_LINE;
    trial.loaded_us = board_micros();
    phase = AWAIT_GO;
    if (trial.go == GO_NOW)
        begin_window(trial.loaded_us);
    if (trial.go == GO_PULSE)
        begin_window(outputs_get(trial.go_line)->start_us);
    return STATUS_OK;
}

void trial_edge(uint8_t line, bool level, uint32_t t_us) {
    if (phase == AWAIT_GO && line == trial.go_line && level == (trial.go == GO_RISING)) {
        begin_window(t_us);
        return; /* one edge isn't both */
    }
    if (phase != WINDOW || !level)
        return;
    uint32_t into = t_us - report.open_us; /* huge before the window opens */
    if (into >= trial.window_us)
        return;
    for (uint8_t at = 0; at < WIRE_RESPONSES; at++) {
        if (trial.responses[at].line != line)
            continue;
        report.outcome = OUTCOME_RESPONDED;
        report.line = line;
        report.response_us = t_us;
        trial.outcome = trial.responses[at].action;
        trial.due_us = t_us;
        phase = BEFORE_OUTCOME;
        return;
    }
}

static void write_report(uint8_t *at) {
    put32(at + AT(ID), report.id);
    at[AT(OUTCOME)] = report.outcome;
    at[AT(LINE)] = report.line;
    put32(at + AT(GO_US), report.go_us);
    put32(at + AT(OPEN_US), report.open_us);
    put32(at + AT(RESPONSE_US), report.response_us);
    at[AT(OUTCOME_LINE)] = report.outcome_line;
    put32(at + AT(OUTCOME_START_US), report.outcome_start_us);
}

static void finish(void) {
    uint8_t detail[REPORT_SIZE];
    phase = IDLE;
    write_report(detail);
    events_note(NOTE_TRIAL_DONE, board_micros(), detail, sizeof detail);
}

static void begin_outcome(uint32_t now) {
    if (trial.outcome.line == WIRE_NO_LINE) {
        finish();
        return;
    }
    if (now - trial.due_us < trial.outcome.delay_us)
        return;
    uint8_t line = trial.outcome.line;
    uint8_t status = outputs_start(line, report.id + 1, trial.outcome.width_us);
    if (status == STATUS_OK) {
        report.outcome_line = line;
        report.outcome_start_us = outputs_get(line)->start_us;
        phase = ON_OUTCOME;
        return;
    }
    /* a line that is on already is a pulse too soon */
    guard_refused(status == STATUS_BUSY ? STATUS_TOO_SOON : status, line, trial.outcome.width_us);
}

void trial_poll(void) {
    uint8_t was = board_lock();
    uint32_t now = board_micros();
    if (phase == AWAIT_GO && now - trial.loaded_us >= trial.timeout_us) {
        report.outcome = OUTCOME_NO_GO;
        finish();
    }
    /* signed: before the window opens this is negative */
    if (phase == WINDOW && (int32_t)(now - report.open_us) >= (int32_t)trial.window_us) {
        report.outcome = OUTCOME_NO_RESPONSE;
        trial.outcome = trial.otherwise;
        trial.due_us = report.open_us + trial.window_us;
        phase = BEFORE_OUTCOME;
    }
    if (phase == BEFORE_OUTCOME)
        begin_outcome(now);
    else if (phase == ON_OUTCOME && !outputs_get(report.outcome_line)->on)
        finish();
    board_unlock(was);
}

void trial_stop(uint8_t outcome) {
    if (phase == IDLE)
        return;
    report.outcome = outcome;
    finish();
}

void trial_cancel(void) {
    if (phase == IDLE)
        return;
    if (trial.go == GO_PULSE && outputs_get(trial.go_line)->id == report.id)
        outputs_cut(trial.go_line);
    if (report.outcome_line != WIRE_NO_LINE)
        outputs_cut(report.outcome_line);
    trial_stop(OUTCOME_CANCELLED);
}

bool trial_report(uint8_t *at) {
    if (report.id == 0)
        return false;
    write_report(at);
    return true;
}
