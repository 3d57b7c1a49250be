"""What holds a session until it is over: looked at before every trial, by level and not by edge."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hardware.interface import Edge, Event
from protocols.session_document import SuspendersSection
from protocols.trials import Phase, Response

COMMAND_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Suspenders:
    """The conditions of one session, and what they have seen."""

    settings: SuspendersSection
    responses: Sequence[str]
    """Input lines on which the animal responds."""
    run: Callable[[Sequence[str]], str | None] = field(default_factory=lambda: run_command)
    """Runs the lab's own command; returns why it holds, None where it doesn't."""
    _silent: int = 0
    _unseen: int = 0
    _high: dict[str, int] = field(default_factory=dict)
    _now_us: int = 0
    _asked_ns: int | None = None
    _answer: str | None = None

    def see(self, event: Event) -> None:
        """Take in what happened on the rig."""
        for edge in event.edges:
            self._see_edge(edge)
        if event.trial is not None and event.trial.go_us is not None:
            self._now_us = max(self._now_us, event.trial.open_us or event.trial.go_us)
        if event.flip is not None and event.trial is not None:
            self._unseen = 0 if event.flip.photodiode_us is not None else self._unseen + 1

    def see_response(self, phase: Phase, response: Response) -> None:
        """Take in what the animal did."""
        if phase != Phase.CATCH:
            self._silent = 0 if response.line is not None else self._silent + 1

    def forgive(self) -> None:
        """Begin to count anew: somebody has looked, and lets the session go on."""
        self._silent = self._unseen = 0
        self._high.clear()

    def reason(self, passed_ns: int) -> str | None:
        """Return what holds the session now; None where nothing does."""
        limit = self.settings.no_response_trials
        if limit and self._silent >= limit:
            return f"no response in {self._silent} trials"
        if self.settings.flips_unseen and self._unseen >= self.settings.flips_unseen:
            return f"the photodiode saw none of the last {self._unseen} flips"
        if self.settings.door is not None and self.settings.door in self._high:
            return f"the door is open ({self.settings.door} is high)"
        stuck = self._stuck()
        return stuck if stuck is not None else self._command(passed_ns)

    def _see_edge(self, edge: Edge) -> None:
        self._now_us = max(self._now_us, edge.t_us)
        if edge.level:
            self._high.setdefault(edge.line, edge.t_us)
        else:
            self._high.pop(edge.line, None)

    def _stuck(self) -> str | None:
        if not self.settings.stuck_s:
            return None
        for line in self.responses:
            since_us = self._high.get(line)
            if since_us is not None and self._now_us - since_us > self.settings.stuck_s * 1e6:
                return (
                    f"{line} has been on for {(self._now_us - since_us) / 1e6:.0f} s: wet or stuck?"
                )
        return None

    def _command(self, passed_ns: int) -> str | None:
        if not self.settings.command:
            return None
        due_ns = self.settings.command_s * 1e9
        if self._asked_ns is None or self._answer or passed_ns - self._asked_ns >= due_ns:
            self._asked_ns = passed_ns
            self._answer = self.run(self.settings.command)
        return self._answer


def run_command(command: Sequence[str]) -> str | None:
    """Run a lab's own check; return why it holds the session, None where it doesn't."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]} failed: {error}"
    if done.returncode == 0:
        return None
    said = (done.stdout + done.stderr).strip().splitlines()
    return f"{command[0]} says: {said[-1] if said else f'exit code {done.returncode}'}"
