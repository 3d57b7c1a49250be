"""An experimenter's process: python far_client.py ADDRESS EXPERIMENT LAB RIG SUBJECT [WATER_UL]

stdout: what it says, then its ending as a line of JSON.
"""

import json
import sys
from pathlib import Path

from session_world import NoPlanning, plan_of, section

from controller.rigs import loan
from controller.rigs.calls import Calls
from controller.rigs.run import Remote, choose, run_on
from controller.session.errors import NotReady
from controller.session.on_rig import Request
from controller.session.queue import Queue
from controller.session.subjects import SubjectDocument
from controller.session.unlimited import unlimited


def say(message: str) -> None:
    print(message, flush=True)


def request(experiment: Path, lab: Path, limits: SubjectDocument) -> Request:
    """Return what a person asks for."""
    return Request(
        protocol=Path("small.toml"),
        overrides=(),
        rig=Path(),
        lab=lab,
        folder=experiment,
        limits=limits,
        weight_g=None,
        check=False,
        say=say,
    )


def main(arguments: list[str]) -> None:
    address, rig, subject, water_ul = (arguments[number] for number in (0, 3, 4, 5))
    experiment, lab = map(Path, arguments[1:3])
    limits = unlimited(subject).model_copy(update={"water_max_ul": float(water_ul)})
    asked = request(experiment, lab, limits)
    with Calls(address, call_s=5.0) as rigs, Queue(experiment) as queue:
        chosen = choose(rigs.facts(), rig, loan.outstanding(experiment), subject)
        parts = (NoPlanning(), plan_of(section()), queue)
        ending = run_on(Remote(asked, rig, rigs), chosen, experiment, parts)
    say(json.dumps({"status": ending.status, "reason": ending.reason}))


if __name__ == "__main__":
    loan.EXCHANGE_S = 0.3
    try:
        main([*sys.argv[1:], "1e9"])
    except NotReady as error:
        say(f"refused: {error}")
        sys.exit(1)
