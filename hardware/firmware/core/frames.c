#include "frames.h"

#include "board.h"

static uint8_t body[WIRE_MAX_BODY];
static uint8_t length; /* bytes of the body so far */
static uint8_t left;   /* bytes until the next stuffing byte */
static bool begun, broken;
static uint16_t bad;

uint16_t frames_crc(uint16_t crc, uint8_t byte) {
    uint8_t x = (uint8_t)(byte ^ (crc & 0xFF));
    x = (uint8_t)(x ^ (x << 4));
    return (uint16_t)((((uint16_t)x << 8) | (crc >> 8)) ^ (x >> 4) ^ ((uint16_t)x << 3));
}

void frames_reset(void) {
    length = left = 0;
    begun = broken = false;
}

uint16_t frames_bad(void) { return bad; }

void frames_drop(void) { bad++; }

static void append(uint8_t byte) {
    if (length < sizeof body)
        body[length++] = byte;
    else
        broken = true;
}

static bool whole(void) {
    uint16_t crc = 0xFFFF;
    if (broken || left != 0 || length < 4)
        return false;
    for (uint8_t at = 0; at < length; at++)
        crc = frames_crc(crc, body[at]);
    return crc == 0; /* the checksum's own bytes take it to zero */
}

bool frames_take(uint8_t byte, struct frame *frame) {
    if (byte != 0) {
        if (left != 0) {
            left--;
            append(byte);
        } else {
            if (begun)
                append(0);
            left = (uint8_t)(byte - 1);
            begun = true;
        }
        return false;
    }
    bool good = begun && whole();
    if (begun && !good)
        bad++;
    if (good) {
        frame->kind = body[0];
        frame->sequence = body[1];
        frame->payload = body + 2;
        frame->length = (uint8_t)(length - 4);
    }
    frames_reset();
    return good;
}

static uint16_t sent_crc;

static uint8_t byte_at(const uint8_t *message, uint8_t size, uint8_t at) {
    if (at < size)
        return message[at];
    return at == size ? (uint8_t)sent_crc : (uint8_t)(sent_crc >> 8);
}

void frames_send(const uint8_t *message, uint8_t size) {
    sent_crc = 0xFFFF;
    for (uint8_t at = 0; at < size; at++)
        sent_crc = frames_crc(sent_crc, message[at]);
    uint8_t end = (uint8_t)(size + 2), at = 0;
    board_put(0);
    while (at <= end) { /* a part ends at a zero, or at the end, which counts as one */
        uint8_t zero = at;
        while (zero < end && byte_at(message, size, zero) != 0)
            zero++;
        board_put((uint8_t)(zero - at + 1));
        for (; at < zero; at++)
            board_put(byte_at(message, size, at));
        at++;
    }
    board_put(0);
}
