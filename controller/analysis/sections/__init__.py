"""The sections of an analysis, in the order in which they are shown; one file each."""

from controller.analysis.sections.base import Section
from controller.analysis.sections.events import EVENTS
from controller.analysis.sections.functions import FUNCTIONS
from controller.analysis.sections.origin import ORIGIN
from controller.analysis.sections.progress import PROGRESS
from controller.analysis.sections.search import SEARCH
from controller.analysis.sections.timing import TIMING
from controller.analysis.sections.welfare import WELFARE

SECTIONS: tuple[Section, ...] = (FUNCTIONS, SEARCH, WELFARE, TIMING, EVENTS, ORIGIN, PROGRESS)
