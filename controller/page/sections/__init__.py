"""What the page asks of a store at every trial; quick for a store of any size."""

from controller.analysis.sections.base import Section
from controller.page.sections.labels import LABELS
from controller.page.sections.limits import LIMITS
from controller.page.sections.performance import PERFORMANCE
from controller.page.sections.run_state import RUN_STATE
from controller.page.sections.search import SEARCH
from controller.page.sections.session_state import SESSION_STATE
from controller.page.sections.stream import STREAM

OF_SESSION: tuple[Section, ...] = (SESSION_STATE, LIMITS, PERFORMANCE, LABELS, STREAM)
"""Of a source whose last session is the one that is shown."""
OF_EXPERIMENT: tuple[Section, ...] = (RUN_STATE, SEARCH, LABELS, STREAM)
"""Of an experiment's own tables."""
