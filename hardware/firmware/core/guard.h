/* Armed or not, the lease, and the latched fault: whether an output may be on at all. */
#ifndef BIASLOOP_GUARD_H
#define BIASLOOP_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_MIN_MS 20
#define LEASE_MAX_MS 5000

struct guard {
    uint8_t state, fault, line;
    uint16_t lease_ms;
    uint32_t renewed_us;
};

/* To be read with interrupts off. */
const struct guard *guard_get(void);
/* Everything below is called with interrupts off. */
void guard_reset(void);
void guard_arm(uint16_t lease_ms);
/* Renew the lease; returns how many ms were left. */
uint16_t guard_renew(void);
/* All off and disarmed; a fault stays. */
void guard_disarm(void);
/* All off, and stay so until guard_clear. */
void guard_fault(uint8_t fault, uint8_t line, uint32_t detail);
void guard_clear(void);
/* Latch the fault that belongs to a refused pulse, if one does. */
void guard_refused(uint8_t status, uint8_t line, uint32_t asked);
/* OK, or why nothing may be switched on now. */
uint8_t guard_allows(void);
/* Every millisecond. */
void guard_tick(void);
/* The loop is alive. */
void guard_alive(void);

#endif
