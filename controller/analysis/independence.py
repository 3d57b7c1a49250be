"""What of an experiment's trials is independent, and so is drawn in a bootstrap or is a cluster."""

import numpy as np
from jaxtyping import Integer

from controller.analysis.presented import Presented
from controller.analysis.source import Source
from controller.analysis.statistics.units import units


def independent_part(source: Source) -> str:
    """Name it: the episode or, where all episodes of a generation share stimuli, the generation."""
    common = source.document.get("episode", {}).get("common_stimuli", False)
    return "generation" if common else "episode"


def independent_units(source: Source, trials: Presented) -> Integer[np.ndarray, " trial"]:
    """Return the number of each trial's part, from 0; neighbours are one where parts are many."""
    if independent_part(source) == "episode":
        return units(trials.episode)
    generations = int(trials.generation.max(initial=0)) + 1
    return units(trials.stage.astype(np.int32) * np.int32(generations) + trials.generation)
