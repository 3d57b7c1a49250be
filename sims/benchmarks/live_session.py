"""A session in real time: what the controller itself takes between two trials.

The board's program runs in its emulator, PsychoPy draws on a screen that is a file, a simulated
animal looks at it and licks. Counted are the controller's own microseconds (everything but waiting
for the rig), the flips that the photodiode saw, and whether board, ledger and store agree on every
drop of water.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.analysis.summary import columns
from controller.session.on_rig import Request, run_on_rig, sessions_of
from controller.session.unlimited import unlimited
from controller.store import SESSION_EVENTS, read
from hardware.reward_ledger import RewardLedger
from protocols.library import ready
from protocols.rigs import ready as ready_rigs

SHORT = (
    "session.plan.delay_s=0.1",
    "session.plan.window_s=0.4",
    "session.plan.full=5",
    "session.plan.interval_s=0.2",
)
WANTED_MS = 5.0
RECONCILED = SESSION_EVENTS.index("reconciled")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run."""

    trials: int = 200
    rig: str = "simavr_screen"


@dataclass(frozen=True, slots=True)
class Session:
    """What came of it."""

    overhead_ms: np.ndarray
    """f8[trial]: the controller's own time between trials."""
    flips: int
    seen: int
    """By the photodiode."""
    store_ul: float
    ledger_ul: float
    asked_ul: float
    """By the plan, from the labels."""
    pulses: tuple[int, int]
    """In the store and in the ledger."""
    unconfirmed: int
    """Pulses that the board had counted in the end, and nobody had heard of."""
    ending: str


def compute(settings: Settings) -> Session:
    """Run one session."""
    folder = Path(tempfile.mkdtemp(prefix="biasloop-live-"))
    try:
        request = Request(
            protocol=ready()["animal"],
            overrides=(*SHORT, f"session.trials={settings.trials}", "stages.generations=9"),
            rig=ready_rigs()[settings.rig],
            lab=folder / "lab",
            folder=folder / "experiment",
            limits=unlimited("simulated"),
            weight_g=None,
            check=False,
            say=print,
            animal={"reaction_ms": 100.0},
        )
        _, ending = run_on_rig(request)
        return _measured(folder, ending.status)
    finally:
        shutil.rmtree(folder)


def _measured(folder: Path, ending: str) -> Session:
    tables = read(sessions_of(folder / "experiment")[0])
    trials, pulses = columns(tables, "trials"), columns(tables, "pulses")
    events = columns(tables, "events")
    trained = np.isfinite(trials["label"])
    (path,) = (folder / "lab" / "rewards").glob("*.sqlite")
    with RewardLedger(path) as ledger:
        total = ledger.totals()["valve_left"]
    return Session(
        overhead_ms=trials["overhead_us"] / 1e3,
        flips=int(np.sum(trials["flip_ns"] >= 0)),
        seen=int(np.sum(trials["photodiode_us"] >= 0)),
        store_ul=float(np.nansum(pulses["volume_ul"])),
        ledger_ul=total.volume_ul,
        asked_ul=float(np.sum(1 + 4 * (1 + trials["label"][trained]) / 2)),
        pulses=(len(pulses["id"]), total.pulses),
        unconfirmed=int(np.sum(events["value"][events["kind"] == RECONCILED])),
        ending=ending,
    )


def main() -> None:
    """Measure and print; `--trials N` runs another number."""
    count = int(sys.argv[sys.argv.index("--trials") + 1]) if "--trials" in sys.argv else 200
    session = compute(Settings(trials=count))
    middle, late, worst = np.percentile(session.overhead_ms, [50, 99, 100])
    print(
        f"{len(session.overhead_ms)} trials ({session.ending}); the controller's own time between "
        f"trials: median {middle:.2f} ms, p99 {late:.2f} ms, worst {worst:.2f} ms; p99 over the "
        f"wanted {WANTED_MS:g} ms: ratio {late / WANTED_MS:.2f}"
    )
    print(
        f"photodiode: {session.seen} of {session.flips} flips seen; water: plan "
        f"{session.asked_ul:.2f} µl, ledger {session.ledger_ul:.2f}, store {session.store_ul:.2f} "
        f"({session.pulses[1]} and {session.pulses[0]} pulses); by the board's own count "
        f"{session.unconfirmed} more"
    )


if __name__ == "__main__":
    main()
