"""A simulated animal as a process: it owns an emulated board, looks at a screen and presses pins.

A photodiode is one of the board's pins, and follows the screen's patch. A trial begins for the
animal as it does for the board: at the photodiode's edge, or when the line that is the stimulus
goes on. What it is given it feels from the board's own pins.
"""

from multiprocessing.connection import Connection
from typing import Any

from controller import jax_cache
from controller.document import Experiment
from controller.session.animal_messages import AnimalSpec, Episode, Goodbye, Ready, Seen
from hardware.firmware.build import BuildError
from hardware.interface import Present, Pulse, Pulsed, RigError, Trial, TrialReport
from hardware.messages import Outcome
from hardware.simulated_board import CYCLES_PER_US, Change, SimulatedBoard
from hardware.virtual_screen import Framebuffer
from learners.simulated_subject import Behaviour, SimulatedSubject
from protocols.documents import parse
from protocols.trials import Shown

LOOK_S = 0.002
AHEAD_US = 500  # a touch is ordered at least so long before it comes


def serve(connection: Connection, spec: AnimalSpec) -> None:
    """Be the animal until told to end."""
    jax_cache.enable()
    experiment = parse(spec.document_text, Experiment, name=spec.document_name).value
    try:
        with SimulatedBoard(eeprom=spec.eeprom) as board:
            animal = _Animal(board, experiment, spec)
            connection.send(Ready(board.port))
            while True:
                if connection.poll(LOOK_S):
                    message: Any = connection.recv()
                    if isinstance(message, Goodbye):
                        return
                    animal.hear(message)
                animal.look()
    except (RigError, BuildError) as error:
        connection.send(str(error))


class _Animal:
    """Eyes, tongue and stomach of a simulated subject."""

    def __init__(self, board: SimulatedBoard, experiment: Experiment, spec: AnimalSpec) -> None:
        session = experiment.session
        if session is None:
            raise RigError("the protocol has no [session]")
        self._board, self._settings = board, spec.settings
        self._subject = SimulatedSubject(
            experiment.learner.build(),
            session.plan.build(),
            session.feedback.build(),
            self._volume_ul,
            Behaviour(**spec.behaviour),
        )
        screen = spec.settings.screen
        self._box = None if screen is None else screen.patch_box
        self._framebuffer = None if spec.screen is None else Framebuffer(spec.screen)
        self._lit = False
        self._shown: Shown | None = None
        self._begun: dict[str, int] = {}

    def hear(self, message: Episode | Seen) -> None:
        """Take in what a scene stands for."""
        if isinstance(message, Episode):
            self._subject.episode(message.assignment, message.earlier)
        else:
            self._shown = message.shown
            self._subject.shown(message.shown, message.stimulus)

    def look(self) -> None:
        """Let the photodiode follow the screen, and notice what the board does."""
        if self._framebuffer is not None and self._box is not None:
            lit = self._framebuffer.is_lit(self._box)
            if lit != self._lit:
                self._lit = lit
                self._board.set("photodiode", lit)
                if lit:
                    self._respond(self._board.cycle())
        for change in self._board.new_changes():
            if change.is_output:
                self._notice(change)

    def _notice(self, change: Change) -> None:
        go = None if self._shown is None else self._shown.go
        is_go = isinstance(go, Pulse) and go.line == change.line
        if change.level:
            self._begun[change.line] = change.cycle
            if is_go:
                self._respond(change.cycle)
            return
        begun = self._begun.pop(change.line, None)
        if begun is not None and not is_go:
            self._feel(change.line, begun, change.cycle)

    def _respond(self, go_cycle: int) -> None:
        """Press what the answer to the stimulus is."""
        if self._shown is None:
            return
        shown = self._shown
        present = Present(Trial({}, window_us=0, go=shown.go), shown.scene)
        soonest = self._board.cycle() + AHEAD_US * CYCLES_PER_US
        for touch in self._subject.touches(present):
            at = go_cycle + touch.after_us * CYCLES_PER_US
            self._board.touch(touch.line, at_cycle=max(at, soonest))

    def _feel(self, line: str, begun: int, ended: int) -> None:
        width_us = (ended - begun) // CYCLES_PER_US
        pulsed = Pulsed(line, 0, begun // CYCLES_PER_US, width_us, cut=False)
        report = TrialReport(0, Outcome.RESPONDED, None, None, None, None, pulsed)
        self._subject.feel(report)

    def _volume_ul(self, pulsed: Pulsed) -> float | None:
        """Return what a valve gave; the pins' times are some µs off the device's."""
        known = self._settings.calibrations.get(pulsed.line)
        if known is None:
            return None
        shortest, longest = known.range_us
        return known.volume_ul(min(longest, max(shortest, pulsed.width_us)))
