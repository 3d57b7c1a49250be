"""The queue of an experiment's slots, by a state machine of hypothesis."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from sims.hardening.part import AbstractPart, Conditions, Try

MACHINE = Path(__file__).parents[3] / "tests" / "controller" / "session" / "test_queue_machine.py"
_RUN = """
import importlib.util, sys
from pathlib import Path
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
path = Path(sys.argv[1])
sys.path.insert(0, str(path.parent))
spec = importlib.util.spec_from_file_location(path.stem, path)
module = importlib.util.module_from_spec(spec)
sys.modules[path.stem] = module
spec.loader.exec_module(module)
chosen = settings(
    max_examples=int(sys.argv[3]),
    stateful_step_count=int(sys.argv[4]),
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
machines = [
    one
    for one in vars(module).values()
    if isinstance(one, type)
    and issubclass(one, RuleBasedStateMachine)
    and one.__module__ == module.__name__
]
assert machines, "the module has no state machine"
for machine in machines:
    machine._hypothesis_internal_use_seed = int(sys.argv[2])
    run_state_machine_as_test(machine, settings=chosen)
"""
_EXAMPLES, _STEPS = 20, 80


@final
@dataclass(frozen=True)
class Queue(AbstractPart):
    """The same machine as in the tests, with many more and longer histories."""

    kind: ClassVar[str] = "queue"
    a_try: ClassVar[str] = (
        f"{_EXAMPLES} histories of up to {_STEPS} steps: sessions, leases that end, rigs elsewhere "
        "and a planner around one queue, against a model"
    )
    promise: ClassVar[str] = "the queue is after every step as the model says"
    tries: ClassVar[int] = 100
    short: ClassVar[int] = 1
    machine: Path = MACHINE
    """The module with the state machine; it belongs to the tests, and needs their tools."""

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Run the machine with one seed after the other."""
        if not self.machine.exists():
            raise FileNotFoundError(f"{self.machine}: run this from a checkout, with the tests")
        for number in conditions.numbers():
            seed = conditions.random("queue", number).randrange(2**31)
            numbers = map(str, (seed, _EXAMPLES, _STEPS))
            command = [sys.executable, "-c", _RUN, str(self.machine), *numbers]
            run = subprocess.run(
                command, capture_output=True, text=True, check=False, cwd=conditions.folder
            )
            if run.returncode == 0:
                yield Try("as the model says", number=number)
            else:
                # hypothesis has made it as short as it can
                yield Try("failed", run.stderr[-4000:] or run.stdout[-4000:], number)
