"""Does an animal on a rig find what its circuit finds, and how fast is a rig without hardware?

The same document is run twice for each seed: on the circuit alone, and on the emulated rig with a
simulated animal made of that circuit, which sees colours, licks and is rewarded. Compared are the
first-order shares of all stages. The search is the default's evolution strategy, which narrows so
far that two runs can be compared to a hundredth.
"""

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller import jax_cache
from controller.analysis.summary import analyse
from controller.document import load_experiment
from controller.rehearsal import Rehearsal, rehearse
from controller.runs import begin
from controller.session.on_rig import sessions_of
from controller.store import status
from learners.simulated_subject import Behaviour
from protocols.library import ready
from protocols.rig_document import load_rig
from protocols.rigs import ready as ready_rigs

BEGIN_UTC_NS = 1_750_000_000 * 10**9
CLOSE = 0.03
FAST = 2000.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run."""

    seeds: tuple[int, ...] = (10, 11, 12, 13, 14)
    protocol: str = "animal"
    rig: str = "emulated"
    overrides: tuple[str, ...] = (
        'strategy={kind="es", algorithm="SNES", population=32, std=0.6}',
        "episode.common_stimuli=true",
        "stages.generations=100",
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed."""

    seed: int
    circuit: tuple[float, ...]
    """First-order share of each stage, of the circuit alone."""
    animal: tuple[float, ...]
    """The same on the emulated rig."""
    trials: int
    sessions: int
    seconds: float
    """Of the rehearsal, compilation and the control's search included."""

    @property
    def largest_difference(self) -> float:
        """Over the stages."""
        return float(np.max(np.abs(np.subtract(self.circuit, self.animal))))


def compute(settings: Settings, seed: int) -> Pair:
    """Run one seed in both ways."""
    document = load_experiment(ready()[settings.protocol], (*settings.overrides, f"seed={seed}"))
    rig_document, rig = load_rig(ready_rigs()[settings.rig])
    mapping = rig_document.value.mapping
    folder = Path(tempfile.mkdtemp(prefix="biasloop-rehearsal-"))
    try:
        begin(document, folder / "circuit")
        rehearsal = Rehearsal(
            folder=folder / "animal",
            settings=rig,
            mapping=None if mapping is None else mapping.build(),
            rig_document=rig_document.text,
            behaviour=Behaviour(),
            begin_utc_ns=BEGIN_UTC_NS,
        )
        began_s = time.perf_counter()
        rehearse(rehearsal, document)
        seconds = time.perf_counter() - began_s
        sessions = sessions_of(folder / "animal")
        trials = sum(status(path)["rows"]["trials"] for path in sessions)
        shares = [_shares(folder / name) for name in ("circuit", "animal")]
        return Pair(seed, shares[0], shares[1], trials, len(sessions), seconds)
    finally:
        shutil.rmtree(folder)


def _shares(folder: Path) -> tuple[float, ...]:
    return tuple(stage.found.share[1] for stage in analyse(folder).stages)


def main() -> None:
    """Measure and print; `--seeds N` runs the first N only."""
    settings = Settings()
    count = int(sys.argv[sys.argv.index("--seeds") + 1]) if "--seeds" in sys.argv else None
    jax_cache.enable()
    pairs = []
    for seed in settings.seeds[:count]:
        pair = compute(settings, seed)
        pairs.append(pair)
        print(
            f"seed {seed}: first-order shares {_text(pair.circuit)} (circuit), "
            f"{_text(pair.animal)} (animal on the emulated rig); {pair.trials:,} trials in "
            f"{pair.sessions} sessions, {pair.trials / pair.seconds:.0f} trials/s"
        )
    differences = [pair.largest_difference for pair in pairs]
    within = sum(difference <= CLOSE for difference in differences)
    rate = float(np.median([pair.trials / pair.seconds for pair in pairs]))
    print(
        f"largest difference in a stage: median {np.median(differences):.4f}, within {CLOSE}: "
        f"{within} of {len(pairs)} seeds; {rate:.0f} trials/s (median), wanted {FAST:.0f}: ratio "
        f"{rate / FAST:.2f}"
    )


def _text(shares: tuple[float, ...]) -> str:
    return "/".join(f"{share:.4f}" for share in shares)


if __name__ == "__main__":
    main()
