/* One trial, from its go to the end of its outcome, without the host's help. */
#ifndef BIASLOOP_TRIAL_H
#define BIASLOOP_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

/* Longest wait of any kind. */
#define TRIAL_WAIT_MAX_US 600000000UL

/* Check a TRIAL request's payload and begin; interrupts off. The status says why not; *line and
 * *asked are what a refusal is about. */
uint8_t trial_load(const uint8_t *payload, uint8_t *line, uint32_t *asked);
bool trial_is_running(void);
uint32_t trial_id(void); /* 0 while none is running */
/* An input has changed. Interrupt. */
void trial_edge(uint8_t line, bool level, uint32_t t_us);
/* Go on if something is due. Loop. */
void trial_poll(void);
/* End it early; interrupts off. */
void trial_stop(uint8_t outcome);
/* Switch off what this trial has switched on, and end it; interrupts off. */
void trial_cancel(void);
/* Write the last trial's report as it goes over the wire; false if there was none since boot. */
bool trial_report(uint8_t *at);
void trial_reset(void);

#endif
