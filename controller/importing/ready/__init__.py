"""Sources of trials that have a name, as `biasloop import NAME` takes it."""

from collections.abc import Callable, Mapping

from controller.importing.ready.rat import rat
from controller.importing.trials import ImportedTrials

READY: Mapping[str, Callable[[], ImportedTrials]] = {"rat": rat}
"""Name to what reads its trials."""
