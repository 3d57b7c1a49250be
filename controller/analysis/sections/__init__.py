"""The sections of an analysis, in the order in which they are shown; one file each."""

from controller.analysis.sections.anchors import ANCHORS
from controller.analysis.sections.base import Section
from controller.analysis.sections.carry_over import CARRY_OVER
from controller.analysis.sections.episodes import EPISODES
from controller.analysis.sections.events import EVENTS
from controller.analysis.sections.functions import FUNCTIONS
from controller.analysis.sections.habits import HABITS
from controller.analysis.sections.label_functions import LABEL_FUNCTIONS
from controller.analysis.sections.label_map import LABEL_MAP
from controller.analysis.sections.origin import ORIGIN
from controller.analysis.sections.progress import PROGRESS
from controller.analysis.sections.psychometric import PSYCHOMETRIC
from controller.analysis.sections.reactions import REACTIONS
from controller.analysis.sections.reliability import RELIABILITY
from controller.analysis.sections.search import SEARCH
from controller.analysis.sections.timing import TIMING
from controller.analysis.sections.welfare import WELFARE

SECTIONS: tuple[Section, ...] = (
    FUNCTIONS,
    SEARCH,
    LABEL_FUNCTIONS,
    LABEL_MAP,
    PSYCHOMETRIC,
    EPISODES,
    HABITS,
    ANCHORS,
    REACTIONS,
    CARRY_OVER,
    RELIABILITY,
    WELFARE,
    TIMING,
    EVENTS,
    ORIGIN,
    PROGRESS,
)
