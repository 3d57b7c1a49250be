"""A session's loop without a rig: says what it hears.

python controls_worker.py [ask]   # ends after "stop", or at once with "STOPPED why"
"""

import fcntl
import signal
import sys
import termios
import time

from controller.session.controls import TerminalControls
from controller.session.errors import Stopped
from hardware.interface import Ask

BEAT_S = 0.01


def say(*words: object) -> None:
    try:
        print(*words, flush=True)
    except OSError:  # the terminal is gone
        with open("said", "a") as file:  # noqa: PTH123
            print(*words, file=file)


def heard(controls: TerminalControls) -> bool:
    """Whether it goes on."""
    going = True
    controls.watch()
    for wish, words in controls.wishes():
        say("WISH", wish.name, repr(words))
        going = going and wish.name != "STOP"
    return going


def trial(controls: TerminalControls, beats: int = 20) -> None:
    for _ in range(beats):
        controls.watch()
        time.sleep(BEAT_S)


def asked(controls: TerminalControls) -> None:
    ask = Ask("how good? ", 1.0)
    for _ in range(300):
        controls.watch()
        if (answer := controls.typed(ask)) is not None:
            say("ANSWER", repr(answer))
            return
        time.sleep(BEAT_S)
    say("NO ANSWER")


def main() -> None:
    if sys.stdin.isatty():  # become the terminal's program, as a shell would make it
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    asks = "ask" in sys.argv
    with TerminalControls(say).listening() as controls:
        say("READY")
        try:
            while heard(controls):
                trial(controls)
                if asks:
                    asked(controls)
            if "stubborn" in sys.argv:
                say("ENDING")
                trial(controls, 500)
        except Stopped as stopped:
            say("STOPPED", stopped)
        except KeyboardInterrupt:
            say("KEYBOARD INTERRUPT")
    say("OVER", signal.getsignal(signal.SIGINT) is signal.default_int_handler)


if __name__ == "__main__":
    main()
