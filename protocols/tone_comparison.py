"""A rat that compares the loudness of two sounds: 20 000 trials that the package psytrack ships.

The task (Akrami, Kopec, Diamond & Brody 2018, Posterior parietal cortex represents sensory history
and mediates its effects on behaviour, Nature 554: 368-372): two sounds with a delay between them;
the right-hand port is rewarded if the first was louder, the left-hand one if the second was. The
rat W053 in training, from Roy, Bak, Akrami, Brody & Pillow 2021, Extracting the dynamics of
behavior in sensory decision-making experiments, Neuron 109: 597-610.

Loudness is standardised (mean 0, standard deviation 1 over the trials), without a unit. There are
eight pairs of sounds in sessions 0-36 and eight others from then on; in each half the two sounds
of a pair differ by the same amount, so only their order says what is right. Trials that the rat
broke off are left out of the file, which marks the ones that came after them.
"""

import functools
import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from protocols.behaviour import Behaviour, BehaviourError

PACKAGE, FILE = "psytrack", "examples/sampleRatData.npz"
SHA256 = "3e3ac83f24b873197515f6cedcb1776bdf0969c35457a027392016b6f21dc6ec"
SOURCE = "Roy et al. 2021, Neuron 109: 597-610; Akrami et al. 2018, Nature 554: 368-372"
RIGHT = 2  # in the file left is 1
FIRST_OF_SECOND_PAIRS = 37
"""The session in which the second set of sounds begins."""


def is_installed() -> bool:
    """Whether the package whose file holds the trials is here."""
    return _file() is not None


@functools.cache
def read_rat() -> Behaviour:
    """Read the trials; the features are the loudness of the first and of the second sound.

    Raises:
        BehaviourError: the package isn't installed, or its file isn't what it was.
    """
    file = _file()
    if file is None:
        raise BehaviourError(
            f"the rat's trials are a file of the package {PACKAGE}, which isn't installed; "
            "`pip install 'biasloop[data]'`"
        )
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256:  # looked at before it is unpickled, which could run anything
        raise BehaviourError(
            f"{file}: expected the file of {PACKAGE} 2.0.2 (SHA-256 {SHA256}), got {found}; "
            f"`pip install --force-reinstall {PACKAGE}==2.0.2`"
        )
    with np.load(file, allow_pickle=True) as archive:
        table = archive["D"].item()
    inputs, sessions = table["inputs"], table["dayLength"]
    begins = np.zeros(len(table["y"]), bool)
    begins[np.cumsum(sessions)[:-1]] = True
    begins[0] = True
    return Behaviour(
        subject=table["name"],
        source=SOURCE,
        names=("first sound", "second sound"),
        stimuli=np.stack([inputs["s1"][:, 0], inputs["s2"][:, 0]], axis=1),
        label=(table["answer"] == RIGHT).astype(np.int64),
        choice=(table["y"] == RIGHT).astype(np.int64),
        session=np.repeat(np.arange(len(sessions)), sessions),
        # the column of the last trial's correct side is 0 where that trial isn't in the file
        follows=(inputs["h"][:, 0] != 0) & ~begins,
    )


def _file() -> Path | None:
    """Find the file without importing the package, which would import its plots."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = [] if spec is None else spec.submodule_search_locations or []
    return next((Path(f) / FILE for f in folders if (Path(f) / FILE).is_file()), None)
