#include "events.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "frames.h"
#include "requests.h"

/* What is left free for the answer to a request: a flood of events must not hold heartbeats up. */
#define REPLY_ROOM FRAME_ROOM(REPLY_MAX)

/* Powers of two. Edges come in bursts and are small; a flood of them must not cost the rest. */
#define EDGES 32
#define NOTES 16

struct edge {
    uint32_t t_us;
    uint16_t number;
    uint8_t line_and_level;
};

struct note {
    uint32_t t_us;
    uint16_t number;
    uint8_t kind, length;
    uint8_t detail[EVENT_DETAIL];
};

static struct edge edges[EDGES];
static struct note notes[NOTES];
/* Written by interrupts (put) and by the loop (taken), single bytes: no lock to read them. */
static volatile uint8_t edges_put, edges_taken, notes_put, notes_taken;
static uint16_t next_number;
static uint32_t edges_lost;

void events_reset(void) {
    edges_put = edges_taken = notes_put = notes_taken = 0;
    next_number = 0;
    edges_lost = 0;
}

void events_edge(uint8_t line, bool level, uint32_t t_us) {
    uint16_t number = next_number++;
    if ((uint8_t)(edges_put - edges_taken) == EDGES) {
        edges_lost++;
        return;
    }
    struct edge *edge = &edges[edges_put % EDGES];
    edge->t_us = t_us;
    edge->number = number;
    edge->line_and_level = (uint8_t)(line << 1 | level);
    edges_put++;
}

void events_lose(void) {
    next_number++;
    edges_lost++;
}

void events_note(uint8_t kind, uint32_t t_us, const uint8_t *detail, uint8_t length) {
    uint16_t number = next_number++;
    if ((uint8_t)(notes_put - notes_taken) == NOTES)
        return; /* the gap in the numbers shows it */
    struct note *note = &notes[notes_put % NOTES];
    note->t_us = t_us;
    note->number = number;
    note->kind = kind;
    note->length = length;
    memcpy(note->detail, detail, length);
    notes_put++;
}

static void send(uint8_t kind, uint16_t number, uint32_t t_us, const uint8_t *detail, uint8_t length) {
    uint8_t body[2 + NOTE_EDGE_AT_LINE + EVENT_DETAIL];
    body[0] = kind;
    body[1] = 0; /* the sequence belongs to requests */
    put16(body + 2 + NOTE_EDGE_AT_NUMBER, number);
    put32(body + 2 + NOTE_EDGE_AT_T_US, t_us);
    memcpy(body + 2 + NOTE_EDGE_AT_LINE, detail, length);
    frames_send(body, (uint8_t)(2 + NOTE_EDGE_AT_LINE + length));
}

static bool send_edge(void) {
    const struct edge *edge = &edges[edges_taken % EDGES];
    uint8_t detail[2] = {edge->line_and_level >> 1, edge->line_and_level & 1};
    if (board_room() < REPLY_ROOM + FRAME_ROOM(2 + NOTE_EDGE_SIZE))
        return false;
    send(NOTE_EDGE, edge->number, edge->t_us, detail, sizeof detail);
    edges_taken++;
    return true;
}

static bool send_note(void) {
    const struct note *note = &notes[notes_taken % NOTES];
    if (board_room() < REPLY_ROOM + FRAME_ROOM(2 + NOTE_EDGE_AT_LINE + note->length))
        return false;
    send(note->kind, note->number, note->t_us, note->detail, note->length);
    notes_taken++;
    return true;
}

void events_send(void) {
    bool sent = true;
    while (sent) {
        bool edge = edges_put != edges_taken, note = notes_put != notes_taken;
        if (edge && note) /* in the order of their numbers */
            edge = (int16_t)(edges[edges_taken % EDGES].number - notes[notes_taken % NOTES].number) < 0;
        sent = edge ? send_edge() : note && send_note();
    }
}

uint16_t events_next(void) {
    uint8_t was = board_lock();
    uint16_t number = next_number;
    board_unlock(was);
    return number;
}

uint32_t events_edges_lost(void) {
    uint8_t was = board_lock();
    uint32_t lost = edges_lost;
    board_unlock(was);
    return lost;
}
