"""What every mapping promises. A new mapping is added to CASES and is tested."""

import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

import protocols.mappings
from hardware.interface import GoEdge, Pulse, Shape
from hardware.shapes import check_scene
from protocols.documents import DocumentError
from protocols.documents.document import parse
from protocols.mappings.base import AbstractMapping
from protocols.mappings.colour import ColourMapping
from protocols.mappings.image import Image
from protocols.mappings.lines import Lines
from protocols.mappings.orientation import Orientation
from protocols.mappings.parameters import Parameter, Parameters
from protocols.mappings.position import Position
from protocols.registry import discover, one_of
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.images import Images
from protocols.spaces.interval import Interval
from protocols.spaces.sphere import Sphere
from protocols.spaces.table import Table

MAPPINGS = discover(protocols.mappings, AbstractMapping, "biasloop.mappings")
HUE = Parameters(
    (Parameter("red", -1.0, 1.0), Parameter("green", -1.0, 1.0), Parameter("blue", -1.0, 1.0))
)
FREQUENCY = Parameters((Parameter("spatial_frequency", 0.02, 0.5, logarithmic=True),))
CASES = {
    "position of an interval": (Position(), Interval()),
    "position of a disk": (Position(), Disk()),
    "position of a circle": (Position(), Circle()),
    "orientation of a circle": (Orientation(), Circle()),
    "colour of a sphere": (ColourMapping(), Sphere()),
    "colour of a disk": (ColourMapping(), Disk()),
    "colour of an interval": (ColourMapping(axes=((1.0, 1.0, 1.0),)), Interval()),
    "parameters of an interval": (FREQUENCY, Interval()),
    "parameters of a sphere": (HUE, Sphere()),
    "image": (Image(), "images"),
    "normalised image": (Image(rows=2, black=-5.0, white=5.0), "normalised"),
    "lines": (Lines(tuple(f"odour_{number}" for number in range(40))), "unit vectors"),
}


class Document(BaseModel):
    """What a rig's document holds of a mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    mapping: one_of(MAPPINGS)  # type: ignore[valid-type]


def image_space(tmp_path, **settings: Any) -> Images:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).uniform(size=(40, 2, 2)))
    return Images(source=str(tmp_path / "images.npy"), held_out=0.0, **settings)


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    mapping, space = CASES[request.param]
    if space == "unit vectors":
        np.save(tmp_path / "units.npy", np.eye(40))
        space = Table(path=str(tmp_path / "units.npy"), standardise=False)
    elif isinstance(space, str):
        space = image_space(tmp_path, normalised=space == "normalised")
    return mapping, space


def test_every_kind_that_is_found_is_a_case_here():
    assert {mapping.kind for mapping, _ in CASES.values()} == set(MAPPINGS)


def test_every_stimulus_looks_like_no_other_and_can_be_shown(case):
    mapping, space = case
    mapping.check(np.asarray(space.reference(64)))
    stimuli = np.asarray(space.sample(40, key=jax.random.key(0)))
    shown = [mapping.shown(stimulus, "photodiode") for stimulus in stimuli]
    for one in shown:
        check_scene(one.scene or ())
    assert len(set(shown)) == 40
    assert [mapping.shown(stimulus, "photodiode") for stimulus in stimuli] == shown


def test_a_trials_clock_starts_with_what_is_shown(case):
    mapping, space = case
    (stimulus,) = np.asarray(space.sample(1, key=jax.random.key(0)))
    shown, nothing = mapping.shown(stimulus, "diode"), mapping.nothing("diode")
    if mapping.needs_screen:
        assert shown.go == nothing.go == GoEdge("diode")
        assert mapping.shown(stimulus, None).go is None
        assert shown.scene == mapping.scene(stimulus)
        assert nothing.scene == ()
    else:
        assert isinstance(shown.go, Pulse)
        assert shown.scene is nothing.scene is nothing.go is None


def test_each_unit_vector_is_a_line_of_its_own():
    mapping = Lines(("odour_1", "tone", "led"), duration_ms=250.0)
    stimulus = np.array([0.0, 1.0 - 1e-7, 0.0], np.float32)
    assert mapping.shown(stimulus, "diode").go == Pulse("tone", width_us=250_000)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_any_space_of_up_to_three_coordinates_can_be_shown(dim):
    points = np.random.default_rng(dim).uniform(-1, 1, (50, dim))
    ColourMapping().check(points)


def test_position_goes_right_and_up_from_the_shapes_own_place():
    mapping = Position(degrees=(10.0, 4.0), shape=Shape("disc", position=(1.0, 2.0)))
    assert mapping.scene(np.array([0.5, -1.0]))[0].position == (6.0, -2.0)
    assert mapping.scene(np.array([0.5]))[0].position == (6.0, 2.0)


def test_a_full_circle_turns_a_grating_by_half_a_turn():
    def turned(phi_deg: float, **settings: float) -> float:
        phi = np.radians(phi_deg)
        (shape,) = Orientation(**settings).scene(np.array([np.cos(phi), np.sin(phi)]))
        return shape.orientation_deg

    assert [turned(phi) for phi in (0, 90, -90)] == pytest.approx([0, 45, -45])
    assert turned(180) - turned(-179.9999) == pytest.approx(180, abs=1e-3)
    assert turned(90, period_deg=360.0) == pytest.approx(90)


def test_colours_lie_along_their_axes_and_rounding_is_no_mistake():
    assert ColourMapping().scene(np.array([1 + 1e-7, 0.0, -1.0]))[0].colour == (1.0, 0.0, -1.0)
    mapping = ColourMapping(centre=(0.5, 0.0, 0.0), axes=((0.5, -0.25, 0.0),))
    assert mapping.scene(np.array([-1.0]))[0].colour == (0.0, 0.25, 0.0)


def test_an_images_first_pixel_is_at_its_top_left():
    (shape,) = Image(rows=2).scene(np.array([0.0, 0.25, 0.5, 0.75, 1.0, 0.5], np.float32))
    assert shape.pixels == ((-1.0, -0.5, 0.0), (0.5, 1.0, 0.0))


def test_parameters_run_from_low_to_high_in_equal_or_in_multiplying_steps():
    mapping = Parameters(
        (
            Parameter("spatial_frequency", 0.1, 0.4, logarithmic=True),
            Parameter("height", 10.0, 2.0, coordinate=(0.0, 4.0)),
        ),
        Shape("grating", size=(7.0, 7.0)),
    )
    (shape,) = mapping.scene(np.array([0.0, 1.0]))
    assert shape.spatial_frequency == pytest.approx(0.2)
    assert shape.size == (7.0, 8.0)


@pytest.mark.parametrize(
    ("mapping", "points", "message"),
    [
        (Position(), Sphere().reference(9), r"1 or 2 coordinates, the space has 3; use 'colour'"),
        (Orientation(), Interval().reference(9), "use 'parameters' with field"),
        (Orientation(), Disk().reference(9), r"got radius 0\.\d+; use 'position'"),
        (ColourMapping(), Sphere(dimensions=4).reference(9), "3 axes, the space has 4"),
        (ColourMapping(centre=(0.5, 0.0, 0.0)), Sphere().reference(99), "shorten the axes"),
        (Lines(("odour_1", "odour_2")), np.eye(3), "2 lines, the space has 3 coordinates"),
        (Lines(("odour_1", "odour_1")), np.eye(2), "given twice in odour_1, odour_1"),
        (Lines(("odour_1", "odour_2")), Circle().reference(9), "expected a unit vector"),
        (Lines(("odour_1", "odour_2")), np.zeros((1, 2)), "expected a unit vector"),
        (Image(), np.zeros((3, 5)), "5 pixels don't make a square image; set rows"),
        (Image(rows=4), np.zeros((3, 6)), "6 pixels don't make 4 rows"),
        (Image(), np.full((3, 4), 1.5), "got 1.5 to 1.5; set black and white"),
        (Image(white=0.0), np.zeros((3, 4)), "black and white are both 0"),
        (Image(shape=Shape("disc")), np.zeros((3, 4)), "needs a shape of kind 'image'"),
        (FREQUENCY, Disk().reference(9), "1 parameters, the space has 2"),
        (FREQUENCY, np.array([[3.0]]), "from -1 to 1, got 3; set coordinate"),
        (
            Parameters((Parameter("width", 0.0, 5.0),)),
            np.array([[-1.0]]),
            r"stimulus \(-1\): shape 1 \(gabor\): size: expected more than 0 degrees",
        ),
        (
            Parameters((Parameter("contrast", 0.0, 1.0), Parameter("contrast", 0.0, 1.0))),
            Disk().reference(9),
            "given twice",
        ),
        (
            Parameters((Parameter("width", 0.0, 5.0, logarithmic=True),)),
            np.array([[0.5]]),
            "must lie above 0, got 0 to 5",
        ),
        (
            Parameters((Parameter("width", 1.0, 5.0, coordinate=(1.0, 1.0)),)),
            np.array([[1.0]]),
            "has no range",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_would_do(mapping, points, message):
    with pytest.raises(ValueError, match=message):
        mapping.check(np.asarray(points))


def test_a_document_describes_a_mapping_and_its_shape():
    text = """
        [mapping]
        kind = "parameters"
        shape = { kind = "grating", size = [30, 30] }
        [[mapping.parameters]]
        field = "spatial_frequency"
        low = 0.02
        high = 0.32
        logarithmic = true
        """
    document = parse(text, Document)
    mapping = document.value.mapping.build()
    assert mapping.scene(np.array([0.0]))[0] == Shape(
        "grating", size=(30, 30), spatial_frequency=pytest.approx(0.08)
    )
    assert parse(document.text, Document).sha256 == document.sha256


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('kind = "lines"\nlines = ["a"]', "lines"),
        ('kind = "lines"\nlines = ["a", ""]', "lines"),
        ('kind = "lines"\nlines = ["a", "b"]\nduration_ms = 1e-5', "duration_ms"),
        ('shape = { kind = "gratin" }', "kind"),
        ('shape = { kind = "disc", colr = [1, 1, 1] }', "colr"),
        ("degrees = [0, 10]", "degrees"),
        ("degres = [1, 10]", "degres"),
    ],
)
def test_a_wrong_field_of_a_document_is_named(line, message):
    kind = "" if line.startswith("kind") else 'kind = "position"\n'
    with pytest.raises(DocumentError, match=message):
        parse(f"[mapping]\n{kind}{line}\n", Document)


def test_mappings_do_not_import_jax_which_the_process_of_the_trials_does_without():
    code = (
        "import sys, protocols.mappings as m; from protocols.registry import discover;"
        "from protocols.mappings.base import AbstractMapping as A;"
        "found = discover(m, A, 'biasloop.mappings'); assert found; print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
