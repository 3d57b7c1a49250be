"""The processes of the sessions' torture: a server that forks one for each line of its input.

python -m sims.hardening.session_case   # stdin: a case as JSON → stdout: process id, wait status

A session writes into the case's notes what it acknowledges, and how it ended.
"""

import gc
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from controller.session.clock import ComputerClock
from controller.session.controls import TerminalControls
from controller.session.log import SessionLog
from controller.session.queue import Queue
from controller.session.rewards import Rewards
from controller.session.start import run_session
from controller.store import StoreError
from hardware.interface import Event, RigError
from hardware.reward_ledger import RewardLedger
from learners.animal import TrialRequest
from protocols.assignment import Assignment
from protocols.mappings.lines import Lines
from protocols.trials import Response
from sims.hardening.session_world import (
    MORNING_NS,
    NoPlanning,
    World,
    plan_of,
    section,
    settings,
)

APART_NS = 600 * 10**9
ODOUR_MS = 60.0
ODOURS = Lines(("odour_1", "odour_2"), duration_ms=ODOUR_MS)
BOARD_LEASE_MS = 400
PATIENCE_S = 0.3


@dataclass(frozen=True)
class Case:
    """One session that something happens to."""

    folder: str
    number: int
    notes: str
    limit: int = 0
    """Largest size of a file; 0: any."""
    port: str = ""
    """Of an emulated board; empty: an emulated rig."""
    lab: str = ""
    """Where the rewards of a board are kept."""
    trials: int = 200
    """Most of them."""


def emulated(case: Case) -> World:
    """Return the world of a session on an emulated rig."""
    return World(
        Path(case.folder),
        document=section(trials=case.trials, lease_hours=1000.0),
        begin_ns=MORNING_NS + case.number * APART_NS,
        waits=False,
    )


def on_board(case: Case) -> World:
    """Return the world of a session on an emulated board: short trials, odours as stimuli."""
    world = emulated(case)
    world.settings = settings(date.today(), BOARD_LEASE_MS)  # noqa: DTZ011  the rig's own day
    world.document["plan"] = {
        "kind": "go_nogo",
        "delay_s": 0.0,
        "window_s": 0.06,
        "interval_s": 0.05,
    }
    world.queue.close()
    world.queue = Queue(world.folder)
    return world


def run(case: Case) -> None:
    """Run the session, noting what it acknowledges."""
    note = os.open(case.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def tell(**values: Any) -> None:
        os.write(note, json.dumps(values).encode() + b"\n")

    _acknowledge(tell)
    world = on_board(case) if case.port else emulated(case)
    if case.limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (case.limit, case.limit))
    world.controls = TerminalControls(world.said.append)
    try:
        with world.controls.listening():
            tell(begun=True)
            ending = run_session(_start(world, case))
        tell(ending=ending.status, reason=ending.reason, said=world.said)
    except (StoreError, RigError, KeyboardInterrupt) as error:
        tell(error=type(error).__name__, reason=str(error))
    except Exception as error:
        tell(error=type(error).__name__, reason=str(error))
        raise


def _start(world: World, case: Case) -> Any:
    if not case.port:
        return world.start()
    from hardware.rig import NativeRig

    def make(rewards: Rewards) -> NativeRig:
        controls = world.controls
        return NativeRig(
            world.settings, case.port, keep=rewards.keep, watch=controls.watch, typed=controls.typed
        )

    return world.start(
        plan=plan_of(world.document, np.eye(2)),
        make_rig=make,
        mapping=ODOURS,
        clock=ComputerClock(),
        origin="simavr",
        planning=NoPlanning(),
        lab=Path(case.lab),
        waits=True,
        patience_s=PATIENCE_S,
    )


def _acknowledge(tell: Any) -> None:
    store, reconcile = SessionLog.trial, Rewards.reconcile

    def stored(  # noqa: PLR0917  as what it stands for
        self: SessionLog,
        assignment: Assignment,
        request: TrialRequest,
        response: Response,
        events: Sequence[Event],
        overhead_us: float,
    ) -> None:
        store(self, assignment, request, response, events, overhead_us)
        one = assignment
        tell(
            trial=[one.stage, one.generation, one.slot, one.attempt, request.index],
            answer=response.answer,
            pulses=sum(len(event.pulsed) for event in events),
        )

    def reconciled(self: Rewards, ledgers: Any) -> Any:
        added = reconcile(self, ledgers)
        path = next(iter(self._folder.glob("*.sqlite")))
        with RewardLedger(path) as ledger:
            identity = self._identity
            if identity is None:
                raise RuntimeError("rewards were reconciled with no device")
            kept = ledger.of_boot(identity.device_id, identity.boot_id)
        tell(boot=identity.boot_id, kept={line: asdict(total) for line, total in kept.items()})
        return added

    SessionLog.trial, Rewards.reconcile = stored, reconciled


def serve() -> None:
    """Fork a session for each line of stdin; the imports are paid once."""
    import hardware.rig  # noqa: F401

    gc.freeze()
    for line in sys.stdin:
        case = Case(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                run(case)
            except BaseException:  # noqa: BLE001  a forked child must end here
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _say(pid)
        _, code = os.waitpid(pid, 0)
        _say(code)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
