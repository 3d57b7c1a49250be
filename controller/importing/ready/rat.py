"""A rat that compares the loudness of two sounds: 20 000 trials of `protocols/tone_comparison.py`.

The right-hand side is 1, the left-hand side -1. Nobody wrote down dates, times or latencies. Where
the rat broke off a trial, which the file leaves out, `index` leaves a number out too.
"""

import numpy as np

from controller.importing.errors import ImportTrialsError
from controller.importing.sessions import TRAINING
from controller.importing.trials import ImportedSession, ImportedTrials
from protocols.behaviour import Behaviour, BehaviourError, signs
from protocols.documents import write
from protocols.tone_comparison import FILE, PACKAGE, SHA256, read_rat


def rat() -> ImportedTrials:
    """Return the rat's sessions.

    Raises:
        ImportTrialsError: the package whose file holds them isn't installed, or not as it was.
    """
    try:
        behaviour = read_rat()
    except BehaviourError as error:
        raise ImportTrialsError(str(error)) from error
    return ImportedTrials(
        name="rat",
        document=_document(behaviour),
        source={
            "table": f"{PACKAGE}/{FILE}",
            "sha256": SHA256,
            "rows": len(behaviour.choice),
            "cite": behaviour.source,
        },
        features=behaviour.names,
        sessions=[_session(behaviour, number) for number in np.unique(behaviour.session).tolist()],
    )


def _session(behaviour: Behaviour, number: int) -> ImportedSession:
    rows = behaviour.session == number
    count = int(rows.sum())
    left_out = ~behaviour.follows[rows]
    left_out[0] = False
    unknown = np.full(count, np.nan)
    return ImportedSession(
        subject=behaviour.subject,
        key=str(number),
        began_ns=0,
        t_ns=np.full(count, -1, np.int64),
        index=np.arange(count, dtype=np.int64) + np.cumsum(left_out),
        phase=np.full(count, TRAINING, np.uint8),
        x=behaviour.stimuli[rows].astype(np.float32),
        label=signs(behaviour.label[rows]).astype(np.float32),
        answer=signs(behaviour.choice[rows]).astype(np.float32),
        latency_us=unknown,
        volume_ul=unknown,
    )


def _document(behaviour: Behaviour) -> str:
    return write(
        {
            "name": "rat",
            "ready": "rat",
            "cite": behaviour.source,
            "feedback": True,
            "columns": {"stimulus": list(behaviour.names), "answer": "y", "side": "answer"},
            "answers": {"1": -1.0, "2": 1.0},
        }
    )
