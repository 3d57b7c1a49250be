"""A cue that says which candidate an animal is asked about: one colour for each."""

import colorsys
import math

from hardware.interface import Shape

GOLDEN = (math.sqrt(5) - 1) / 2  # steps of it around the colour circle never come close


def cue(number: int) -> Shape:
    """Return what is shown beside every stimulus of candidate `number`, from 0."""
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1.0, 1.0, 1.0)
    colour = (2 * red - 1, 2 * green - 1, 2 * blue - 1)
    return Shape("disc", position=(0.0, -25.0), size=(6.0, 6.0), colour=colour)
