"""The process of a lent session on a board: `python -m controller.rigs.session_entry LAB NAME RIG`.

Neither JAX nor Dask is imported here.
"""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from controller.rigs.lent_session import PATIENCE_S, LentControls, Loan, NoPlanning, carry_out
from controller.session.alerts import Alerts
from controller.session.clock import ComputerClock
from controller.session.controls import TerminalControls
from controller.session.on_rig import (
    Request,
    alerts_of,
    checked_rig,
    origin_of,
    port_of,
    rig_maker,
)
from controller.session.parts import Ending
from controller.session.start import Start, run_session
from hardware.display import Display
from protocols.rig_document import load_rig


def main(arguments: list[str]) -> int:
    """Run it; the exit code says only whether it could be begun."""
    lab, session, rig = arguments
    ending = carry_out(Path(lab), session, lambda loan: _run(loan, Path(rig)))
    say(f"{ending.status}: {ending.reason}")
    return int(ending.status in {"refused", "failed"})


def say(message: str) -> None:
    """Tell whoever is at the rig."""
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    try:
        sys.stderr.write(f"{now}  {message}\n")
        sys.stderr.flush()
    except OSError:  # a terminal that was closed
        return


def look_at(rig: Path, lab: Path, *, check: bool) -> Request:
    """Return what a look at a rig needs, as for a session on the spot."""
    return Request(
        protocol=Path("protocol.toml"),
        overrides=(),
        rig=rig,
        lab=lab,
        folder=lab / "lent",
        limits=None,  # type: ignore[arg-type]  nobody is run by it
        weight_g=None,
        check=check,
        say=say,
    )


def _run(loan: Loan, rig: Path) -> Ending:
    order, lab = loan.order, loan.folder.lab
    request = look_at(rig, lab, check=order["check"])
    document, settings = load_rig(rig)
    with ExitStack() as opened:
        terminal = opened.enter_context(TerminalControls(say).listening())
        controls = LentControls(terminal, loan.queue)
        display = None
        if settings.screen is not None:
            display = opened.enter_context(Display(settings.screen))
        port = opened.enter_context(port_of(settings, request, None))
        found = checked_rig(request, settings, port, display, loan.folder.path)
        mapping = document.value.mapping
        return run_session(
            Start(
                experiment=loan.folder.path,
                plan=order["plan"],
                settings=settings,
                mapping=None if mapping is None else mapping.build(),
                rig_document=document.text,
                lab=lab,
                limits=order["limits"],
                make_rig=rig_maker(settings, port, display, controls),
                planning=NoPlanning(),
                queue=loan.queue,
                controls=controls,
                alerts=Alerts(alerts_of(lab), say),
                clock=ComputerClock(),
                origin=origin_of(settings, request),
                say=say,
                weight_g=order["weight_g"],
                selftest=found,
                patience_s=PATIENCE_S,
                name=loan.folder.session,
            )
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
