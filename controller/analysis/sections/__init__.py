"""The sections of an analysis, in the order in which they are shown; one file each."""

from controller.analysis.sections.base import Section
from controller.analysis.sections.functions import FUNCTIONS
from controller.analysis.sections.origin import ORIGIN

SECTIONS: tuple[Section, ...] = (FUNCTIONS, ORIGIN)
