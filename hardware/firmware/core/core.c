#include "core.h"

#include "board.h"
#include "bytes.h"
#include "events.h"
#include "frames.h"
#include "guard.h"
#include "outputs.h"
#include "requests.h"
#include "trial.h"

void core_boot(void) {
    uint8_t detail[NOTE_BOOT_SIZE - NOTE_BOOT_AT_BOOT_ID];
    uint8_t was = board_lock();
    outputs_reset();
    guard_reset();
    trial_reset();
    requests_reset();
    frames_reset();
    events_reset();
    put32(detail, board_boot_id());
    detail[NOTE_BOOT_AT_RESET - NOTE_BOOT_AT_BOOT_ID] = board_reset_cause();
    events_note(NOTE_BOOT, board_micros(), detail, sizeof detail);
    board_unlock(was);
}

bool core_loop(void) {
    struct frame frame;
    uint8_t byte;
    bool more = false;
    guard_alive();
    trial_poll();
    /* byte by byte, so that a trial never waits for a long message */
    if (board_room() >= FRAME_ROOM(REPLY_MAX) && board_take(&byte)) {
        more = true;
        if (frames_take(byte, &frame))
            requests_take(&frame);
    }
    events_send();
    return more || trial_is_running();
}

void core_tick(void) {
    guard_tick();
    outputs_due();
    outputs_age();
}

void core_alarm(void) { outputs_due(); }

void core_edge(uint8_t line, bool level, uint32_t t_us) {
    events_edge(line, level, t_us);
    trial_edge(line, level, t_us);
}

void core_edges_lost(void) { events_lose(); }
