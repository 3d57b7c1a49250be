"""What a rig does, whatever it is made of: instructions in, events out.

RigError            anything that a rig can't do
├─ Disconnected     the port died, in whichever way
├─ WrongDevice      not the board, firmware or line table that was expected
├─ Refused          the device refused a request, and nothing was switched
├─ DeviceFault      the device switched everything off and latched the reason
├─ NotSafe          outputs couldn't be shown to be off
├─ LedgerError      confirmed pulses can't be kept (in `hardware.reward_ledger`)
├─ DisplayError     no screen, or the stimulus process died
└─ CalibrationError no volume that can be trusted: out of range, expired, missing

A driver sends one instruction for each phase of a trial and gets one event back. What is faster
than that, or dangerous, runs on the device: the response window, the outcome, every limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

from hardware.messages import Fault, Outcome, Request, Status


class RigError(Exception):
    """Anything that a rig can't do: what was expected, what came, what to do."""


class Disconnected(RigError):  # noqa: N818
    """The port died, in whichever way."""


class WrongDevice(RigError):  # noqa: N818
    """Not the board, firmware or line table that was expected."""


class Refused(RigError):  # noqa: N818
    """The device refused a request, and nothing was switched."""

    def __init__(self, request: Request, status: Status, what: str = "") -> None:
        self.request, self.status = request, status
        super().__init__(f"the device refused {request.name}: {status.name}{what and f'; {what}'}")


class DeviceFault(RigError):  # noqa: N818
    """The device switched everything off and latched the reason."""

    def __init__(self, fault: Fault, what: str = "") -> None:
        self.fault = fault
        super().__init__(f"the device switched everything off: {fault.name}{what and f'; {what}'}")


class NotSafe(RigError):  # noqa: N818
    """Outputs couldn't be shown to be off: cut the valves' power."""


class DisplayError(RigError):
    """No screen, or the stimulus process died."""


class CalibrationError(RigError):
    """No volume that can be trusted: out of range, expired, missing."""


Colour = tuple[float, float, float]
"""Red, green and blue, each in [-1, 1] as PsychoPy counts them; 0 is mid-grey."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing to draw, in degrees of visual angle from the screen's middle."""

    kind: Literal["grating", "gabor", "disc", "polygon", "image", "dots", "line", "text"]
    position: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] = (10.0, 10.0)
    """Width and height, degrees; of a line: to where it goes from `position`."""
    orientation_deg: float = 0.0
    colour: Colour = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    opacity: float = 1.0
    spatial_frequency: float = 0.1
    """Of gratings and Gabors, cycles a degree."""
    phase: float = 0.0
    """Of gratings and Gabors, in cycles."""
    sides: int = 4
    """Of a regular polygon."""
    dots: int = 100
    dot_size_deg: float = 0.5
    seed: int = 0
    """Of the dots' places."""
    text: str = ""
    pixels: tuple[tuple[float, ...], ...] = ()
    """Of an image: rows of grey values in [-1, 1], the first row at the top."""


Scene = tuple[Shape, ...]
"""What is on the screen at one time, drawn in this order."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """An output that is switched on for a while; exactly one of volume and width is given."""

    line: str
    volume_ul: float | None = None
    """Of a calibrated valve."""
    width_us: int | None = None
    delay_us: int = 0
    """From the response, or from the end of the window, to its beginning."""


@dataclass(frozen=True, slots=True)
class GoEdge:
    """A trial's clock starts at an edge of an input, for instance of the photodiode."""

    line: str
    rising: bool = True
    timeout_us: int = 1_000_000
    """Without an edge for so long the trial ends as NO_GO."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the device does by itself once it has been told; the host may die at any point."""

    responses: Mapping[str, Pulse | None]
    """Input lines that count as a response, each with the outcome of being first."""
    window_us: int
    """How long a response counts."""
    go: GoEdge | Pulse | None = None
    """What starts the clock: an edge, an output that the device switches on, or nothing."""
    delay_us: int = 0
    """From the go to the opening of the window; what comes earlier is only recorded."""
    otherwise: Pulse | None = None
    """What happens at the window's end when nothing came."""


@dataclass(frozen=True, slots=True)
class Present:
    """Run a trial; with a scene: from the flip that shows it."""

    trial: Trial
    scene: Scene | None = None
    keep: bool = False
    """Whether the scene stays on the screen when the trial is over."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Switch one output on outside a trial: free reward, top-up, calibration."""

    pulse: Pulse


@dataclass(frozen=True, slots=True)
class Clear:
    """Show the empty background."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass, with inputs recorded and the device's lease kept."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Let a person at the rig's keyboard answer in words; nothing is switched on meanwhile."""

    prompt: str
    timeout_s: float
    """Without an answer for so long there is none."""


Instruction = Present | Deliver | Clear | Wait | Ask


@dataclass(frozen=True, slots=True)
class Edge:
    """An input changed."""

    line: str
    level: bool
    t_us: int
    """Device time since its boot, unwrapped, µs."""
    number: int
    """The device's event number, unwrapped."""


@dataclass(frozen=True, slots=True)
class Pulsed:
    """An output was on, as the device measured it."""

    line: str
    id: int
    start_us: int
    """Device time since its boot, unwrapped, µs."""
    width_us: int
    cut: bool
    """Whether it was ended early: by an order, the lease or a fault."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A frame that showed something new."""

    t_host_ns: int
    """Monotonic clock of this computer."""
    dropped_frames: int
    """Frames missed since the one before."""
    photodiode_us: int | None = None
    """Device time of the edge that belongs to it, None where none was found or none is mounted."""


@dataclass(frozen=True, slots=True)
class TrialReport:
    """How a trial went; times are device µs since boot, unwrapped, None where it didn't happen."""

    id: int
    outcome: Outcome
    line: str | None
    """The first response."""
    go_us: int | None
    open_us: int | None
    response_us: int | None
    pulsed: Pulsed | None = None
    """The outcome as delivered."""


@dataclass(frozen=True, slots=True)
class Event:
    """What came of one instruction, with everything that happened since the one before."""

    instruction: Instruction
    t_host_ns: int
    """Monotonic clock of this computer, when the instruction was over."""
    trial: TrialReport | None = None
    flip: Flip | None = None
    edges: tuple[Edge, ...] = ()
    pulsed: tuple[Pulsed, ...] = ()
    missing_events: int = 0
    """Device events whose numbers never came."""
    typed: str | None = None
    """What a person answered."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one output, enforced by the device."""

    max_us: int
    """Longest pulse."""
    gap_us: int
    """Shortest time from the end of one pulse to the beginning of the next."""
    budget_us: int
    """Time on in all, since the device's boot."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a device has counted of one output since its boot."""

    pulses: int
    on_us: int
    last_id: int
    last_start_us: int
    """Device time, unwrapped."""
    last_width_us: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class LineInfo:
    """One line of the device, with what its firmware was built to allow."""

    name: str
    kind: str
    """In small letters: input, valve, puff, led, tone, odour, sync."""
    pin: int
    index: int
    ceiling: Limits
    """Of an input: zeros."""


@dataclass(frozen=True, slots=True)
class SafeState:
    """What was read back after everything had been switched off."""

    outputs_on: tuple[str, ...]
    armed: bool
    verified: bool
    """Whether it was read back at all; False only where no device answers."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which device answered, and what it runs."""

    origin: Literal["real", "simavr", "emulated"]
    """Stamped into everything that is recorded: mock data can't be mistaken for an animal's."""
    device_id: str
    firmware: str
    build: str
    boot_id: int
    lines: tuple[LineInfo, ...] = field(default=())


class Rig(Protocol):
    """Anything that carries out instructions: a board with a screen, or an emulation of both."""

    @property
    def identity(self) -> Identity:
        """Which device this is."""
        ...

    def __enter__(self) -> Self:
        """Open it: handshake, limits set, still disarmed.

        Raises:
            RigError: when it isn't what was expected; all outputs are off.
        """
        ...

    def __exit__(self, *exception: object) -> None:
        """Make it safe and let go of it, whatever happened."""
        ...

    def arm(self) -> None:
        """Allow outputs, for as long as instructions keep coming within the lease."""
        ...

    def perform(self, instruction: Instruction) -> Event:
        """Carry out one instruction.

        Raises:
            Disconnected, DeviceFault, Refused, DisplayError, CalibrationError.
        """
        ...

    def high_inputs(self) -> tuple[str, ...]:
        """Return the inputs that are high now.

        Raises:
            Disconnected: when no answer comes.
        """
        ...

    def ledgers(self) -> Mapping[str, Ledger]:
        """Return what the device has counted of every output since its boot; nothing if it can't.

        Raises:
            Disconnected: when no answer comes.
        """
        ...

    def rest(self) -> Event:
        """Return what happened since the last event; asks the device for nothing, never raises."""
        ...

    def make_safe(self) -> SafeState:
        """Switch every output off, disarm, and read back that it is so.

        May be called at any time and again; doesn't raise where the device is gone, but says so.
        """
        ...
