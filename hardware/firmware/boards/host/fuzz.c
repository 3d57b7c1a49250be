/* The core on a computer, fed with whatever comes: `fuzz SEED BYTES`, or `fuzz -` for frames that
 * are read and answered as they are.
 *
 * Half of what is sent is noise; the rest are requests whose frame is right and whose fields are
 * random, close to their bounds or cut. After every byte the outputs are judged by a book of its
 * own, kept from what was asked and nothing else. It ends by asking for an answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "bytes.h"
#include "core.h"
#include "frames.h"
#include "guard.h"
#include "outputs.h"

#define NAME(name, kind, pin, max_us, gap_us, budget_us) \
    {#name, KIND_##kind, pin, {max_us, gap_us, budget_us##UL}},
static const struct line lines[] = {LINES(NAME)};

struct book {
    bool on;
    uint32_t since_us, asked_us, ended_us, on_us, max_us, gap_us, budget_us;
    bool ever;
};

#define IDS 1048576

static struct book books[LINE_COUNT];
static bool used[IDS];
static uint32_t now_us = 4000000000UL; /* soon to wrap */
static uint32_t alarm_us, inputs;
static bool alarm_set, allowed; /* allowed: a request or a trial may switch on now */
static uint64_t device_id = 1, random_state;
static uint8_t to_device[256];
static unsigned to_put, to_taken;
static bool answered, echo;
static unsigned long long switched;

static void fail(const char *what, int line) {
    fprintf(stderr, "violated: %s, line %d at %" PRIu32 "\n", what, line, now_us);
    abort();
}

uint32_t board_micros(void) { return now_us; }
uint8_t board_lock(void) { return 0; }
void board_unlock(uint8_t was) { (void)was; }
void board_line(uint8_t line, struct line *copy) { *copy = lines[line]; }

void board_output(uint8_t line, bool on) {
    struct book *book = &books[line];
    if (line < INPUTS || line >= LINE_COUNT)
        fail("only outputs are driven", line);
    if (on == book->on)
        return;
    if (on) {
        const struct limits *limits = &outputs_get(line)->limits;
        if (!allowed)
            fail("nothing is switched on unasked", line);
        if (guard_get()->state != STATE_ARMED)
            fail("nothing is switched on while not armed", line);
        if (book->ever && now_us - book->ended_us < limits->gap_us)
            fail("the gap is kept", line);
        uint32_t id = outputs_get(line)->id;
        if (id < IDS && used[id])
            fail("no pulse comes twice", line);
        if (id < IDS)
            used[id] = true;
        book->asked_us = outputs_get(line)->width_us;
        book->max_us = limits->max_us;
        book->gap_us = limits->gap_us;
        book->budget_us = limits->budget_us;
        if (limits->max_us > lines[line].ceiling.max_us)
            fail("limits are below their ceiling", line);
        switched++;
    } else {
        book->on_us += now_us - book->since_us;
        book->ended_us = now_us;
        book->ever = true;
        if (book->on_us > lines[line].ceiling.budget_us)
            fail("the budget is kept", line);
    }
    book->on = on;
    book->since_us = now_us;
}

uint32_t board_outputs(void) {
    uint32_t on = 0;
    for (int line = 0; line < LINE_COUNT; line++)
        on |= (uint32_t)books[line].on << line;
    return on;
}
uint32_t board_stuck(void) { return 0; }
uint32_t board_inputs(void) { return inputs; }
uint16_t board_tone(uint8_t line, uint16_t frequency_hz) { return line ? frequency_hz : 0; }
void board_alarm(uint32_t t_us) {
    alarm_us = t_us;
    alarm_set = true;
}
bool board_take(uint8_t *byte) {
    if (to_taken == to_put)
        return false;
    *byte = to_device[to_taken++ % sizeof to_device];
    return true;
}
uint8_t board_room(void) { return 255; }
void board_put(uint8_t byte) {
    answered = true;
    if (echo)
        putchar(byte);
}
uint64_t board_device_id(void) { return device_id; }
void board_identify(uint64_t id) { device_id = id; }
uint32_t board_boot_id(void) { return 1; }
uint8_t board_reset_cause(void) { return RESET_POWER; }
uint32_t board_build(void) { return 0; }

static void judge(void) {
    bool armed = guard_get()->state == STATE_ARMED;
    for (int line = INPUTS; line < LINE_COUNT; line++) {
        const struct book *book = &books[line];
        if (!book->on)
            continue;
        if (!armed)
            fail("nothing is on while not armed", line);
        /* 1 ms for the tick, which is all that ends a pulse whose alarm was lost */
        if (now_us - book->since_us > book->max_us + 1000)
            fail("nothing is on for longer than its maximum", line);
        if (now_us - book->since_us > book->asked_us + 1000)
            fail("nothing is on for longer than it was asked for", line);
        if (book->on_us + (now_us - book->since_us) > book->budget_us + 1000)
            fail("nothing is on beyond its budget", line);
    }
    if (armed && now_us - guard_get()->renewed_us > guard_get()->lease_ms * 1000UL + 1000)
        fail("nobody stays armed beyond the lease", -1);
}

static uint64_t draw(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void pass(uint32_t us) {
    static uint32_t into_ms;
    while (us > 0) {
        uint32_t step = us < 1000 - into_ms ? us : 1000 - into_ms;
        if (alarm_set && alarm_us - now_us <= step) {
            step = alarm_us - now_us;
            alarm_set = false;
            now_us += step;
            into_ms += step;
            us -= step;
            core_alarm();
            continue;
        }
        now_us += step;
        into_ms += step;
        us -= step;
        if (into_ms >= 1000) {
            into_ms = 0;
            core_tick();
        }
        judge();
    }
}

static void give(uint8_t byte) {
    to_device[to_put++ % sizeof to_device] = byte;
    allowed = true; /* by a whole request, or by a trial that it began */
    while (to_taken != to_put)
        core_loop();
    core_loop();
    judge();
    pass(20);
}

static uint8_t sequence;
static uint32_t next_id = 1;

static void send_frame(const uint8_t *body, uint8_t length, bool spoil) {
    uint8_t whole[WIRE_MAX_BODY + 8], stuffed[WIRE_MAX_BODY + 8];
    uint16_t crc = 0xFFFF;
    memcpy(whole, body, length);
    for (uint8_t at = 0; at < length; at++)
        crc = frames_crc(crc, whole[at]);
    put16(whole + length, crc);
    length = (uint8_t)(length + 2);
    uint8_t put = 1, code_at = 0, code = 1;
    for (uint8_t at = 0; at < length; at++) {
        if (whole[at] == 0) {
            stuffed[code_at] = code;
            code_at = put++;
            code = 1;
        } else {
            stuffed[put++] = whole[at];
            code++;
        }
    }
    stuffed[code_at] = code;
    if (spoil)
        stuffed[draw() % put] ^= (uint8_t)(1u << draw() % 8);
    give(0);
    for (uint8_t at = 0; at < put; at++)
        give(stuffed[at]);
    give(0);
}

static uint32_t width(void) {
    return draw() % 8 ? (uint32_t)(draw() % 30000 + 1) : (uint32_t)draw();
}

static uint32_t field(void) {
    static const uint32_t likely[] = {0, 1, 100, 1000, 20000, 50000, 500000, 1000000, 600000000,
                                      0xFFFFFFFF, 0x7FFFFFFF, 10000000};
    switch (draw() % 4) {
    case 0: return (uint32_t)draw();
    case 1: return (uint32_t)(draw() % 100000);
    default: return likely[draw() % (sizeof likely / sizeof *likely)];
    }
}

static uint8_t any_line(void) {
    if (draw() % 2)
        return (uint8_t)(INPUTS + draw() % OUTPUTS);
    return draw() % 8 ? (uint8_t)(draw() % (LINE_COUNT + 1)) : WIRE_NO_LINE;
}

static uint8_t fill(uint8_t *at, uint8_t kind) {
    switch (kind) {
    case REQ_HELLO:
        at[0] = WIRE_VERSION;
        put32(at + 1, draw() % 8 ? 7 : (uint32_t)draw());
        return REQ_HELLO_SIZE;
    case REQ_LIMITS:
        at[0] = any_line();
        put32(at + 1, draw() % 4 ? 400000 : field());
        put32(at + 5, draw() % 4 ? (uint32_t)(draw() % 3 * 20000) : field());
        put32(at + 9, draw() % 4 ? 60000000 : field());
        return REQ_LIMITS_SIZE;
    case REQ_ARM:
        put16(at, (uint16_t)(draw() % 2 ? 200 : draw()));
        return REQ_ARM_SIZE;
    case REQ_PULSE:
        put32(at, draw() % 32 ? next_id++ : (uint32_t)draw() % (next_id + 2));
        at[4] = any_line();
        put32(at + 5, width());
        return REQ_PULSE_SIZE;
    case REQ_TRIAL:
        for (uint8_t byte = 0; byte < REQ_TRIAL_SIZE; byte++)
            at[byte] = (uint8_t)draw();
        put32(at, next_id);
        next_id += 2;
        at[REQ_TRIAL_AT_GO] = (uint8_t)(draw() % 5);
        at[REQ_TRIAL_AT_GO_LINE] = any_line();
        put32(at + REQ_TRIAL_AT_GO_WIDTH_US, width());
        put32(at + REQ_TRIAL_AT_GO_TIMEOUT_US, field());
        put32(at + REQ_TRIAL_AT_DELAY_US, (uint32_t)(draw() % 5000));
        put32(at + REQ_TRIAL_AT_WINDOW_US, (uint32_t)(draw() % 50000));
        for (uint8_t slot = 0; slot < WIRE_RESPONSES; slot++) {
            uint8_t *from = at + REQ_TRIAL_AT_LINE_0 + slot * (REQ_TRIAL_AT_LINE_1 - REQ_TRIAL_AT_LINE_0);
            from[0] = draw() % 2 ? WIRE_NO_LINE : (uint8_t)(draw() % INPUTS);
            from[1] = draw() % 2 ? WIRE_NO_LINE : any_line();
            put32(from + 2, (uint32_t)(draw() % 100000));
            put32(from + 6, (uint32_t)(draw() % 3000));
        }
        at[REQ_TRIAL_AT_ELSE_LINE] = draw() % 2 ? WIRE_NO_LINE : any_line();
        put32(at + REQ_TRIAL_AT_ELSE_US, (uint32_t)(draw() % 100000));
        put32(at + REQ_TRIAL_AT_ELSE_DELAY_US, (uint32_t)(draw() % 3000));
        return REQ_TRIAL_SIZE;
    default: {
        static const uint8_t sizes[] = {0, REQ_HELLO_SIZE, REQ_LINE_SIZE, REQ_PING_SIZE,
            REQ_LIMITS_SIZE, REQ_ARM_SIZE, 0, 0, REQ_PULSE_SIZE, 0, 0, REQ_LEDGER_SIZE, 0,
            REQ_TRIAL_SIZE, 0, 0, REQ_IDENTIFY_SIZE, REQ_TONE_SIZE};
        for (uint8_t byte = 0; byte < 16; byte++)
            at[byte] = draw() % 3 ? (uint8_t)(draw() % (LINE_COUNT + 1)) : (uint8_t)draw();
        return kind < sizeof sizes ? sizes[kind] : (uint8_t)(draw() % 16);
    }
    }
}

static void random_request(void) {
    /* what leads to pulses comes more often */
    static const uint8_t often[] = {REQ_LIMITS, REQ_LIMITS, REQ_ARM, REQ_ARM, REQ_HEARTBEAT,
        REQ_HEARTBEAT, REQ_PULSE, REQ_PULSE, REQ_PULSE, REQ_TRIAL, REQ_TRIAL, REQ_CLEAR};
    uint8_t body[WIRE_MAX_BODY];
    body[0] = draw() % 8 ? often[draw() % sizeof often] : (uint8_t)(draw() % 20);
    uint8_t length = fill(body + 2, body[0]);
    uint8_t right = length;
    if (draw() % 32 == 0)
        length = (uint8_t)(length + draw() % 3 - 1);
    if (length > 90)
        length = 0;
    bool spoil = draw() % 32 == 0, stray = draw() % 32 == 0, crooked = length != right;
    body[1] = stray ? (uint8_t)draw() : (uint8_t)(sequence + 1);
    if (body[0] == REQ_HELLO || !(spoil || stray || crooked))
        sequence = body[1];
    send_frame(body, (uint8_t)(length + 2), spoil);
    if (draw() % 16 == 0)
        send_frame(body, (uint8_t)(length + 2), false); /* once more: never done twice */
}

static void random_edge(void) {
    uint8_t line = (uint8_t)(draw() % INPUTS);
    inputs ^= 1u << line;
    core_edge(line, inputs >> line & 1, now_us);
    core_loop();
}

static int frames_from_stdin(void) {
    int byte;
    echo = true;
    while ((byte = getchar()) != EOF)
        give((uint8_t)byte);
    return 0;
}

int main(int count, char **arguments) {
    core_boot();
    if (count == 2)
        return frames_from_stdin();
    unsigned long long bytes = strtoull(arguments[2], NULL, 10), sent = 0;
    random_state = strtoull(arguments[1], NULL, 10) * 2654435761u + 88172645463325252ULL;
    while (sent < bytes) {
        if (draw() % 4 == 0) {
            for (int at = 0; at < 40; at++, sent++)
                give((uint8_t)draw());
        } else {
            unsigned before = to_put;
            random_request();
            sent += to_put - before;
        }
        if (draw() % 4 == 0)
            random_edge();
        if (draw() % 4 == 0)
            pass((uint32_t)(draw() % 30000));
    }
    pass(6000000); /* beyond every lease */
    if (board_outputs() != 0)
        fail("everything is off in the end", -1);
    uint8_t hello[2 + REQ_HELLO_SIZE] = {REQ_HELLO, 1, WIRE_VERSION};
    put32(hello + 3, 12345);
    answered = false;
    give(0); /* ends what the noise began */
    send_frame(hello, sizeof hello, false);
    if (!answered)
        fail("it still answers", -1);
    printf("%llu bytes, %llu times on\n", sent, switched);
    return 0;
}
