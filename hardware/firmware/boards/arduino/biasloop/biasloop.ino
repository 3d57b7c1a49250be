/* biasloop's device for an Arduino Uno or Mega. `make sketch` puts all that it needs into one
 * folder for the Arduino IDE; `make flash` does without the IDE. The wiring is in lines.h. */
#include <avr/sleep.h>
#include <avr/wdt.h>

extern "C" {
#include "avr_board.h"
#include "core.h"
}

void setup() {
  avr_board_begin();
  core_boot();
  avr_board_start();
}

void loop() {
  wdt_reset();  // nowhere else: a loop that hangs is a board that restarts
  if (core_loop()) return;
  avr_board_rest();
}
