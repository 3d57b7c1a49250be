"""What is stored: the tables and their columns, declared once.

The fold makes its arrays from these declarations, so a new column is a line here and a value in
the frames that fill it. Column sizes that depend on the experiment come from `Layout`, and so does
which tables there are: an experiment's, or those of one session with a subject on a rig.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from controller.statuses import Status
from hardware.messages import Outcome
from protocols.trials import Phase

SCHEMA_VERSION = 3

ARMS = ("learner", "control")
PHASES = ("training", "test")
CANDIDATE_STATUS = tuple(status.name.lower() for status in Status)
EVENT_KINDS = (
    "run_started",
    "run_resumed",
    "run_interrupted",
    "run_finished",
    "slot_failed",
    "stage_started",
    "stage_finished",
    "run_failed",
)

Origin = Literal["simulated", "emulated", "simavr", "animal", "imported"]
"""A circuit; the same on a rig without hardware; on a board's emulator; a real rig; somebody else's
trials."""

ThetaLog = Literal["all", "recommended", "none"]
Kind = Literal["experiment", "session"]

SESSION_PHASES = tuple(phase.name.lower() for phase in Phase)
OUTCOMES = tuple(outcome.name.lower() for outcome in Outcome)
SESSION_EVENTS = (
    "session_started",
    "session_ended",
    "paused",
    "resumed",
    "held",
    "released",
    "stop_asked",
    "aborted",
    "emergency_stop",
    "free_reward",
    "note",
    "refused",
    "fault",
    "limit_reached",
    "top_up",
    "episode_started",
    "episode_resumed",
    "episode_done",
    "episode_void",
    "lease_lost",
    "waiting_for_planner",
    "made_safe",
    "clock_stepped",
    "unconfirmed_reward",
    "reconciled",
)

Rows = Mapping[str, int]
"""Number of rows of each table."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What decides the widths of the columns and how carefully they are written."""

    stimulus_dim: int
    """Length of a stimulus vector."""
    theta_dim: int
    """Length of θ."""
    theta_log: ThetaLog
    """Which θ are kept: of all candidates, of each generation's recommendation, of stages only."""
    origin: Origin = "simulated"
    """Where the answers come from."""
    live: bool = False
    """True: each append survives a power cut. False: it survives a kill of the process."""
    kind: Kind = "experiment"
    """Which tables there are."""

    def __post_init__(self) -> None:
        for name in ("stimulus_dim", "theta_dim"):
            if getattr(self, name) < 1:
                raise ValueError(f"Layout.{name}: expected at least 1, got {getattr(self, name)}")
        for name, allowed in (("theta_log", ThetaLog), ("origin", Origin), ("kind", Kind)):
            if getattr(self, name) not in get_args(allowed):
                names = ", ".join(map(repr, get_args(allowed)))
                raise ValueError(f"Layout.{name}: expected {names}, got {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Column:
    """One array of a table."""

    name: str
    """Its name in the table."""
    dtype: str
    """NumPy type without byte order; stored little-endian."""
    long_name: str
    """One line for people."""
    units: str = "1"
    """Unit of the values."""
    flags: tuple[str, ...] = ()
    """Meanings of the codes 0, 1, … of a code column."""
    width: Literal["", "feature", "parameter"] = ""
    """The second dimension, if there is one."""
    when: tuple[str, ...] = ("all", "recommended", "none")
    """The values of `theta_log` with which the column exists."""


@dataclass(frozen=True, slots=True)
class Table:
    """One group: columns that share a row dimension."""

    name: str
    """The group's name."""
    row: str
    """Name of the row dimension."""
    columns: tuple[Column, ...] = field(repr=False)
    """The arrays."""


_ARM = Column("arm", "u1", "arm of the experiment", flags=ARMS)
_STAGE = Column("stage", "i2", "stage: index of the function that is searched for")
_GENERATION = Column("generation", "i4", "generation within the stage and arm")
_TIME = Column("t_ns", "i8", "time since the session started", "ns")
_RECOMMENDED = Column(
    "recommended",
    "f4",
    "θ that the strategy recommends",
    width="parameter",
    when=("all", "recommended"),
)

TABLES = (
    Table(
        "trials",
        "trial",
        (
            Column("candidate", "i4", "row of the trial's candidate in candidates"),
            Column("stimulus", "i4", "row of the presented stimulus in stimuli"),
            Column("phase", "u1", "phase of the episode", flags=PHASES),
            Column("label", "f4", "valence that the candidate gives the stimulus"),
            Column("answer", "f4", "response to the stimulus; NaN in training or without one"),
        ),
    ),
    Table(
        "events",
        "event",
        (
            Column("kind", "u1", "what happened", flags=EVENT_KINDS),
            _TIME,
            Column("arm", "i1", "arm of the experiment; -1: none"),
            Column("stage", "i2", "stage; -1: none"),
            Column("generation", "i4", "generation within the stage and arm; -1: none"),
            Column("slot", "i4", "place in the generation; -1: none"),
            Column("value", "f8", "a number that belongs to the event; NaN: none"),
        ),
    ),
    Table(
        "candidates",
        "candidate",
        (
            _ARM,
            _STAGE,
            _GENERATION,
            Column("slot", "i4", "place in the generation"),
            Column("learner", "u1", "place of the learner in the document, chosen ones first"),
            Column("status", "u1", "state of the evaluation", flags=CANDIDATE_STATUS),
            Column("attempts", "u1", "number of evaluations that were started"),
            Column("error", "f4", "generalisation error on the test stimuli"),
            Column("error_se", "f4", "standard error of the generalisation error"),
            Column("label_power", "f4", "variance of the labels over the space"),
            Column("distribution", "f4", "distance of the labels from the target distribution"),
            Column("orthogonality", "f4", "overlap with the functions of earlier stages"),
            Column("fitness", "f4", "value that the strategy was told; lower is better"),
            Column("first_trial", "i8", "row of the candidate's first trial in trials"),
            Column("trials", "i4", "number of the candidate's trials"),
            Column("theta", "f4", "parameters of the labeller", width="parameter", when=("all",)),
        ),
    ),
    Table(
        "generations",
        "generation",
        (
            _ARM,
            _STAGE,
            _GENERATION,
            _TIME,
            Column("fitness_mean", "f4", "mean fitness of the candidates that have one"),
            Column("fitness_min", "f4", "lowest fitness of the candidates that have one"),
            Column("error_mean", "f4", "mean error of the candidates that have one"),
            Column("trials", "i4", "presentations in the generation, training and test"),
            _RECOMMENDED,
        ),
    ),
    Table(
        "stages",
        "stage",
        (
            _ARM,
            _STAGE,
            Column("generations", "i4", "number of generations"),
            Column("trials", "i8", "number of trials"),
            Column("episodes", "i8", "number of episodes"),
            Column("recommended", "f4", "θ of the function that was found", width="parameter"),
            _TIME,
        ),
    ),
    Table("stimuli", "stimulus", (Column("x", "f4", "stimulus", width="feature"),)),
)

_TRIAL = Column("trial", "i4", "row of the trial in trials; -1: between trials")
_DEVICE_TIME = Column("t_device_us", "i8", "device time since its boot; -1: it didn't happen", "us")
_LINE = Column("line", "i1", "line: place in the header's list; -1: none")

SESSION_TABLES = (
    Table(
        "trials",
        "trial",
        (
            _TIME,
            _DEVICE_TIME,
            _STAGE,
            _GENERATION,
            Column("slot", "i4", "place in the generation"),
            Column("attempt", "i4", "how often the slot was begun before"),
            Column("index", "i4", "place in the episode; below 0: warm-up"),
            Column("phase", "u1", "why it was run", flags=SESSION_PHASES),
            Column("stimulus", "i4", "row among the episode's stimuli of that phase; -1: none"),
            Column("label", "f4", "valence that feedback followed; NaN without feedback"),
            Column("answer", "f4", "response in [-1, 1]; NaN: the trial tells nothing"),
            Column("outcome", "u1", "how the device saw it end", flags=OUTCOMES),
            _LINE,
            Column("latency_us", "f8", "from the go to the first response; NaN: none", "us"),
            Column("licks", "i4", "responses in the window"),
            Column("volume_ul", "f8", "water that was delivered in it", "ul"),
            Column("missing_events", "i4", "device events that never came"),
            Column("flip_ns", "i8", "host's monotonic clock at the flip; -1: none", "ns"),
            Column("photodiode_us", "i8", "device time of the flip's edge; -1: none", "us"),
            Column("dropped_frames", "i4", "frames missed before the flip"),
            Column("overhead_us", "f8", "the controller's own time since the trial before", "us"),
            Column("x", "f4", "stimulus; NaN without one", width="feature"),
        ),
    ),
    Table(
        "events",
        "event",
        (
            Column("kind", "u1", "what happened", flags=SESSION_EVENTS),
            _TIME,
            _TRIAL,
            Column("value", "f8", "a number that belongs to the event; NaN: none"),
        ),
    ),
    Table(
        "edges",
        "edge",
        (
            _DEVICE_TIME,
            _LINE,
            Column("level", "u1", "what the input changed to", flags=("low", "high")),
            _TRIAL,
        ),
    ),
    Table(
        "pulses",
        "pulse",
        (
            _DEVICE_TIME,
            _LINE,
            Column("id", "i8", "the device's number of the pulse"),
            Column("width_us", "i8", "how long it was on, by the device", "us"),
            Column("cut", "u1", "whether it was ended early", flags=("whole", "cut")),
            Column("volume_ul", "f8", "what a valve gave, by its calibration; NaN: no valve", "ul"),
            _TRIAL,
        ),
    ),
)


def tables_of(layout: Layout) -> tuple[Table, ...]:
    """The tables that a store of this layout has."""
    return SESSION_TABLES if layout.kind == "session" else TABLES


TABLE_NAMES = tuple(table.name for table in TABLES)


def columns(table: Table, layout: Layout) -> tuple[Column, ...]:
    """The columns that `table` has in an experiment with this layout."""
    return tuple(column for column in table.columns if layout.theta_log in column.when)


def row_shape(column: Column, layout: Layout) -> tuple[int, ...]:
    """Shape of one row of a column: () or (width,)."""
    return {"": (), "feature": (layout.stimulus_dim,), "parameter": (layout.theta_dim,)}[
        column.width
    ]


def check_code(name: str, value: int, names: tuple[str, ...]) -> None:
    """Raise `ValueError` unless `value` is the code of one of the names."""
    if not 0 <= value < len(names):
        raise ValueError(
            f"{name}: expected 0 to {len(names) - 1} ({', '.join(names)}), got {value}"
        )
