"""Peak memory of a 10-million-trial dry-run, and ÷ that of a run a quarter as long.

Run with `python -m sims.benchmarks.memory`. Target: at most 1.5 GB, and flat (ratio about 1).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TRIALS_PER_GENERATION = 64 * 130
TRIALS = 10_000_000
CHILD = """
import json, resource, sys
from pathlib import Path
from controller import jax_cache
from controller.document import load_experiment
from controller.runs import begin
from controller.store import status
from protocols.library import ready

jax_cache.enable()
document = load_experiment(ready()["default"], tuple(sys.argv[2:]))
begin(document, Path(sys.argv[1]), control=False)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"peak": peak, "trials": status(Path(sys.argv[1]))["rows"]["trials"]}))
"""


def peak_bytes(trials: int, folder: Path) -> tuple[int, int]:
    """Run an experiment of so many trials in a process of its own; return peak bytes, trials."""
    settings = (
        "episode.train=30",
        "episode.test=100",
        "strategy.population=64",
        "stages.count=1",
        f"stages.generations={-(-trials // TRIALS_PER_GENERATION)}",
    )
    command = [sys.executable, "-c", CHILD, str(folder), *settings]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    return result["peak"], result["trials"]


def main() -> None:
    """Print the peak of both runs and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        short, few = peak_bytes(TRIALS // 4, Path(folder) / "short")
        long, many = peak_bytes(TRIALS, Path(folder) / "long")
    print(f"peak memory: {short / 1e9:.3f} GB for {few:,} trials, {long / 1e9:.3f} GB for {many:,}")
    print(f"long ÷ short: {long / short:.3f} (target: ≤ 1.5 GB and flat)")


if __name__ == "__main__":
    main()
