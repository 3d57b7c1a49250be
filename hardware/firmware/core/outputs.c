#include "outputs.h"

#include <string.h>

#include "bytes.h"
#include "events.h"

static struct output outputs[OUTPUTS];

void outputs_reset(void) {
    memset(outputs, 0, sizeof outputs);
    for (uint8_t line = INPUTS; line < LINE_COUNT; line++)
        board_output(line, false);
}

bool outputs_is(uint8_t line) { return line >= INPUTS && line < LINE_COUNT; }

struct output *outputs_get(uint8_t line) { return &outputs[line - INPUTS]; }

uint8_t outputs_check(uint8_t line, uint32_t width_us, uint32_t extra_us) {
    if (!outputs_is(line))
        return STATUS_BAD_LINE;
    if (width_us == 0)
        return STATUS_BAD_VALUE;
    const struct output *output = outputs_get(line);
    if (width_us > output->limits.max_us)
        return STATUS_OVER_MAX;
    /* subtractions of what was found smaller before, so that nothing wraps */
    uint32_t left = output->limits.budget_us;
    if (output->on_us > left || (left -= output->on_us) < extra_us || left - extra_us < width_us)
        return STATUS_OVER_BUDGET;
    return STATUS_OK;
}

uint8_t outputs_start(uint8_t line, uint32_t id, uint32_t width_us) {
    uint8_t status = outputs_check(line, width_us, 0);
    if (status != STATUS_OK)
        return status;
    struct output *output = outputs_get(line);
    if (output->on)
        return STATUS_BUSY;
    if (output->recent && board_micros() - output->end_us < output->limits.gap_us)
        return STATUS_TOO_SOON;
    output->id = id;
    output->width_us = width_us;
    output->on = true;
    output->start_us = board_micros();
    board_output(line, true);
    outputs_due();
    return STATUS_OK;
}

static void end(uint8_t line, bool cut, uint32_t now) {
    struct output *output = outputs_get(line);
    uint8_t detail[NOTE_PULSED_SIZE - NOTE_PULSED_AT_LINE];
    board_output(line, false);
    output->end_us = now;
    output->width_us = output->end_us - output->start_us;
    output->on_us += output->width_us;
    output->pulses++;
    output->on = false;
    output->recent = true;
    detail[0] = line;
    put32(detail + (NOTE_PULSED_AT_ID - NOTE_PULSED_AT_LINE), output->id);
    put32(detail + (NOTE_PULSED_AT_WIDTH_US - NOTE_PULSED_AT_LINE), output->width_us);
    detail[NOTE_PULSED_AT_CUT - NOTE_PULSED_AT_LINE] = cut;
    events_note(NOTE_PULSED, output->start_us, detail, sizeof detail);
}

void outputs_cut(uint8_t line) {
    if (outputs_is(line) && outputs_get(line)->on)
        end(line, true, board_micros());
}

void outputs_all_off(void) {
    uint32_t now = board_micros();
    /* pins first: the rest of the book-keeping takes its time */
    for (uint8_t line = INPUTS; line < LINE_COUNT; line++)
        board_output(line, false);
    for (uint8_t line = INPUTS; line < LINE_COUNT; line++)
        if (outputs_get(line)->on)
            end(line, true, now);
}

void outputs_due(void) {
    uint32_t now = board_micros(), soonest = 0;
    bool any = false;
    for (uint8_t line = INPUTS; line < LINE_COUNT; line++) {
        struct output *output = outputs_get(line);
        if (!output->on)
            continue;
        uint32_t past = now - output->start_us;
        if (past >= output->width_us) {
            end(line, false, board_micros());
            continue;
        }
        if (!any || output->width_us - past < soonest)
            soonest = output->width_us - past;
        any = true;
    }
    if (any)
        board_alarm(now + soonest);
}

void outputs_age(void) {
    uint32_t now = board_micros();
    for (uint8_t at = 0; at < OUTPUTS; at++)
        if (outputs[at].recent && now - outputs[at].end_us > GAP_MAX_US)
            outputs[at].recent = false; /* before the clock wraps and it looks recent again */
}

uint32_t outputs_on(void) {
    uint32_t on = 0;
    for (uint8_t line = INPUTS; line < LINE_COUNT; line++)
        if (outputs_get(line)->on)
            on |= (uint32_t)1 << line;
    return on;
}
