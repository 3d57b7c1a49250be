/* Messages to bytes and back: 00 COBS(type sequence payload crc) 00. Loop only. */
#ifndef BIASLOOP_FRAMES_H
#define BIASLOOP_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Longest way of a body over the wire: one overhead byte, two zeros. */
#define FRAME_ROOM(body) ((body) + 2 + 3)

struct frame {
    uint8_t kind, sequence, length;
    const uint8_t *payload;
};

/* Forget what was begun. */
void frames_reset(void);
/* Take a byte; true when it completes a message, which stays valid until the next byte. */
bool frames_take(uint8_t byte, struct frame *frame);
/* Frames that were dropped: stuffing, length or checksum wrong. */
uint16_t frames_bad(void);
/* Count one as dropped whose checksum was right. */
void frames_drop(void);
/* Send type, sequence and payload as they stand in body; there must be FRAME_ROOM(length). */
void frames_send(const uint8_t *body, uint8_t length);
/* One step of the CRC-16/MCRF4XX, which begins with 0xFFFF. */
uint16_t frames_crc(uint16_t crc, uint8_t byte);

#endif
