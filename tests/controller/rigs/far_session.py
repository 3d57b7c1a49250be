"""The process of a lent session on an emulated rig: python far_session.py LAB SESSION

LAB/hold.json may name a trial before which it waits for LAB/go; LAB/reached says that it does.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Self

from session_world import Licker, settings

from controller.rigs.lent_session import LentControls, Loan, NoPlanning, carry_out
from controller.session.alerts import Alerts, AlertsSection
from controller.session.clock import ComputerClock
from controller.session.controls import TerminalControls
from controller.session.parts import Ending
from controller.session.start import Start, run_session
from hardware.emulated import EmulatedRig
from hardware.interface import Event, Instruction, Present, Wait
from protocols.mappings.colour import ColourMapping

HELD_S = 400.0
PATIENCE_S = 1.5
SETTINGS = settings(date.today())  # noqa: DTZ011  the rig's own day


class PacedRig:
    """An emulated rig that waits for a test before one of its trials."""

    def __init__(self, rig: EmulatedRig, lab: Path) -> None:
        self._rig, self._lab, self._presented = rig, lab, 0
        path = lab / "hold.json"
        self._hold = json.loads(path.read_text()) if path.exists() else -1

    def __getattr__(self, name: str):
        return getattr(self._rig, name)

    def __enter__(self) -> Self:
        self._rig.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._rig.__exit__(*exception)

    def perform(self, instruction: Instruction) -> Event:
        """Wait where that is wanted; looking for more episodes takes real time."""
        if isinstance(instruction, Present):
            self._presented += 1
            if self._presented == self._hold:
                self._wait()
        if isinstance(instruction, Wait):
            time.sleep(min(instruction.duration_s, 0.01))
        return self._rig.perform(instruction)

    def _wait(self) -> None:
        (self._lab / "reached").touch()
        deadline_s = time.monotonic() + HELD_S
        while not (self._lab / "go").exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)


def run(loan: Loan) -> Ending:
    order, lab = loan.order, loan.folder.lab
    with TerminalControls(print).listening() as here:
        return run_session(
            Start(
                experiment=loan.folder.path,
                plan=order["plan"],
                settings=SETTINGS,
                mapping=ColourMapping(),
                rig_document="",
                lab=lab,
                limits=order["limits"],
                make_rig=lambda rewards: PacedRig(  # type: ignore[arg-type]
                    EmulatedRig(SETTINGS, Licker(), keep=rewards.keep, device_id=lab.name),
                    lab,
                ),
                planning=NoPlanning(),
                queue=loan.queue,
                controls=LentControls(here, loan.queue),
                alerts=Alerts(AlertsSection(), print),
                clock=ComputerClock(),
                origin="emulated",
                say=print,
                patience_s=PATIENCE_S,
                name=loan.folder.session,
            )
        )


if __name__ == "__main__":
    carry_out(Path(sys.argv[1]), sys.argv[2], run)
