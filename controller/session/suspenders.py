"""What holds a session until it is over: looked at before every trial, by level and not by edge."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from hardware.interface import Edge, Event
from hardware.messages import Outcome
from protocols.session_document import SuspendersSection
from protocols.trials import Phase, Response

COMMAND_TIMEOUT_S = 5.0
PATIENCE_S = 0.03  # for a command: less than a third of the shortest lease of a rig's document
TOLD = frozenset([Outcome.RESPONDED, Outcome.NO_RESPONSE])
Ask = Callable[[Sequence[str]], str | None]


class Inquiry:
    """A command that runs beside the session, which has a lease to keep."""

    def __init__(self, run: Ask, command: Sequence[str]) -> None:
        self._answer: str | None = None
        self._thread = threading.Thread(target=self._run, args=(run, command), daemon=True)
        self._thread.start()

    def over(self, patience_s: float | None) -> bool:
        """Wait for a while (None: as long as it takes); return whether there is an answer."""
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    @property
    def answer(self) -> str | None:
        """Why it holds; None where it doesn't."""
        return self._answer

    def _run(self, run: Ask, command: Sequence[str]) -> None:
        try:
            self._answer = run(command)
        except Exception as error:  # noqa: BLE001  what can't be asked holds as well
            self._answer = f"{command[0]} failed: {error}"


@dataclass(slots=True)
class Suspenders:
    """The conditions of one session, and what they have seen.

    The lab's own command is asked here for the first time, before anything is armed; later it is
    asked beside the trials, and its last answer counts until the next one is there.
    """

    settings: SuspendersSection
    responses: Sequence[str]
    """Input lines on which the animal responds."""
    run: Ask = field(default_factory=lambda: run_command)
    """Runs the lab's own command; returns why it holds, None where it doesn't."""
    _silent: int = 0
    _unseen: int = 0
    _high: dict[str, int] = field(default_factory=dict)
    """Input lines that are high, with the host's time since when, ns."""
    _now_ns: int = 0
    _asked_ns: int | None = None
    _inquiry: Inquiry | None = None
    _answer: str | None = None

    def __post_init__(self) -> None:
        if self.settings.command:
            first = Inquiry(self.run, self.settings.command)
            first.over(None)
            self._answer = first.answer

    def begin(self, high: Iterable[str]) -> None:
        """Take in which inputs are high before the first event, which tells only of changes."""
        self._high = dict.fromkeys(high, time.monotonic_ns())

    def see(self, event: Event) -> None:
        """Take in what happened on the rig."""
        # the host's clock goes on through pauses, and when a device restarts
        self._now_ns = event.t_host_ns
        for edge in event.edges:
            self._see_edge(edge)
        if event.flip is not None and event.trial is not None:
            self._unseen = 0 if event.flip.photodiode_us is not None else self._unseen + 1

    def see_response(self, phase: Phase, response: Response) -> None:
        """Take in what the animal did; a trial that didn't run says nothing about it."""
        if phase == Phase.CATCH or response.outcome not in TOLD:
            return
        responded = response.outcome == Outcome.RESPONDED
        self._silent = 0 if responded else self._silent + 1

    def forgive(self) -> None:
        """Begin to count anew: somebody has looked, and lets the session go on.

        An open door stays open, and a line that is stuck is told of again.
        """
        self._silent = self._unseen = 0
        self._high = dict.fromkeys(self._high, self._now_ns)

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
        if edge.level:
            self._high.setdefault(edge.line, self._now_ns)
        else:
            self._high.pop(edge.line, None)

    def _stuck(self) -> str | None:
        if not self.settings.stuck_s:
            return None
        for line in self.responses:
            since_ns = self._high.get(line)
            if since_ns is not None and self._now_ns - since_ns > self.settings.stuck_s * 1e9:
                return (
                    f"{line} has been on for {(self._now_ns - since_ns) / 1e9:.0f} s: wet or stuck?"
                )
        return None

    def _command(self, passed_ns: int) -> str | None:
        if not self.settings.command:
            return None
        if self._asked_ns is None:
            self._asked_ns = passed_ns  # when it was asked for the first time
        due = passed_ns - self._asked_ns >= self.settings.command_s * 1e9
        if self._inquiry is None and (due or self._answer is not None):
            self._asked_ns = passed_ns
            self._inquiry = Inquiry(self.run, self.settings.command)
        if self._inquiry is not None and self._inquiry.over(PATIENCE_S):
            self._answer, self._inquiry = self._inquiry.answer, None
        return self._answer


def run_command(command: Sequence[str]) -> str | None:
    """Run a lab's own check; return why it holds the session, None where it doesn't."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,  # keys are the session's
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=COMMAND_TIMEOUT_S,
            start_new_session=True,  # Ctrl-C is meant for the session
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} didn't answer within {COMMAND_TIMEOUT_S:g} s"
    except (OSError, ValueError) as error:
        return f"{command[0]} failed: {error}"
    if done.returncode == 0:
        return None
    said = (done.stdout + done.stderr).strip().splitlines()
    return f"{command[0]} says: {said[-1] if said else f'exit code {done.returncode}'}"
