"""The cue of a candidate: drawable, and a colour of its own."""

from itertools import combinations
from math import dist

import pytest

from hardware.interface import Shape
from hardware.screen import Screen
from hardware.shapes import check_scene
from protocols.context import cue


def test_every_cue_can_be_drawn_beside_a_stimulus():
    for number in range(200):
        check_scene((Shape("grating"), cue(number)))


@pytest.mark.parametrize(("candidates", "least"), [(5, 0.5), (16, 0.2), (64, 0.05)])
def test_candidates_have_colours_that_differ(candidates, least):
    colours = [cue(number).colour for number in range(candidates)]
    assert min(dist(one, other) for one, other in combinations(colours, 2)) > least


def test_a_candidate_keeps_its_cue():
    assert cue(3) == cue(3)


def test_the_cue_lies_on_an_ordinary_screen():
    shape = cue(0)
    screen = Screen(size_px=(1280, 1024), width_cm=40.0, distance_cm=30.0)
    height_cm = screen.width_cm * screen.size_px[1] / screen.size_px[0]
    lowest_deg = abs(shape.position[1]) + shape.size[1] / 2
    degrees_a_cm = 1 / screen.distance_cm * 57.29577951
    assert lowest_deg <= height_cm / 2 * degrees_a_cm
