"""Going on with an episode that another session began: its trials, as they are stored."""

import math
from pathlib import Path

from controller.session.queue import Lease
from controller.store import History, TrialFrame
from hardware.messages import Outcome
from protocols.trials import Response


def trials_of(sessions: Path, lease: Lease) -> dict[int, TrialFrame]:
    """Return what earlier sessions have stored of an episode, by its place in the episode."""
    one, found = lease.assignment, {}
    for name in lease.earlier:
        folder = sessions / name
        if not folder.is_dir():
            continue
        with History(folder) as history:
            for _, frame in history.frames():
                key = (one.stage, one.generation, one.slot, one.attempt)
                if isinstance(frame, TrialFrame) and frame.index >= 0:
                    place = (frame.stage, frame.generation, frame.slot, frame.attempt)
                    if place == key:
                        found[frame.index] = frame
    return found


def response_of(frame: TrialFrame) -> Response:
    """Return what a stored trial's subject did."""
    return Response(
        answer=None if math.isnan(frame.answer) else frame.answer,
        outcome=Outcome(frame.outcome),
        latency_us=None if math.isnan(frame.latency_us) else round(frame.latency_us),
        licks=frame.licks,
        flaw="as stored" if math.isnan(frame.answer) else None,
    )
