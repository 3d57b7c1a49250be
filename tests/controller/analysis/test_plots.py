"""Figures: something is drawn for every space, and what is drawn is what was measured."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from controller.analysis.plots.functions import functions
from controller.analysis.plots.held_out import held_out_errors
from controller.analysis.plots.label_maps import examples, label_map, symmetric
from controller.analysis.plots.progress import progress
from controller.analysis.plots.shares import share_bars
from controller.analysis.plots.style import style
from controller.analysis.plots.tracks import tracks
from controller.labellers.mlp import MLP
from controller.store import read
from protocols.spaces.base import AbstractSpace
from protocols.spaces.circle import Circle
from protocols.spaces.disk import Disk
from protocols.spaces.images import Images
from protocols.spaces.interval import Interval
from protocols.spaces.sphere import Sphere
from protocols.spaces.table import Table


class Square(AbstractSpace):
    """A space that a lab could add."""

    kind = "square"

    @property
    def dim(self):
        return 2

    @property
    def size(self):
        return None

    @property
    def sha256(self):
        return None

    def sample(self, n, *, key):
        raise NotImplementedError

    def reference(self, n):
        return np.random.default_rng(0).uniform(-1, 1, (n, 2))

    def graded_basis(self):
        raise NotImplementedError


SPACES = {
    "sphere": Sphere(),
    "sphere5": Sphere(dimensions=5),
    "circle": Circle(),
    "disk": Disk(),
    "interval": Interval(),
    "square": Square(),
}


@pytest.fixture(params=[*SPACES, "table", "one column", "images"])
def space(request, tmp_path):
    if request.param in SPACES:
        return SPACES[request.param]
    if request.param == "images":
        return pictures(tmp_path)
    columns = 1 if request.param == "one column" else 3
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(40, columns)))
    return Table(path=str(tmp_path / "rows.npy"))


def pictures(folder):
    np.save(folder / "images.npy", np.linspace(0, 1, 20 * 30).reshape(30, 4, 5)[::-1])
    np.save(folder / "classes.npy", np.arange(30) % 3)
    sources = {name: str(folder / f"{name}.npy") for name in ("images", "classes")}
    return Images(source=sources["images"], labels=sources["classes"], held_out=0.0)


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("constant", [False, True])
def test_a_label_map_shows_the_function_in_colour(space, constant):
    drawing = label_map(space)
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot(projection=drawing.projection)
    middle, slope = np.mean(space.reference(64)[:, 0]), 0 if constant else 3
    values = lambda x: np.clip(slope * (x[:, 0] - middle), -1, 1)  # noqa: E731
    assert drawing.draw(axes, space, values, Normalize(-1, 1)) is axes
    seen = pixels(figure).astype(int)
    for sign in (-1, 1):  # blue and red
        coloured = np.sum(sign * (seen[..., 0] - seen[..., 2]) > 60)
        assert bool(coloured > 20) is (not constant)
    assert axes.get_xlabel()
    assert axes.get_ylabel()


def test_the_map_of_the_sphere_has_east_to_the_right_and_north_above():
    figure = Figure(figsize=(4, 2))
    axes = figure.add_axes((0, 0, 1, 1), projection="mollweide")
    label_map(Sphere()).draw(axes, Sphere(), lambda x: np.sign(x[:, 1]), Normalize(-1, 1))
    picture = pixels(figure).astype(int)
    height, width = picture.shape[:2]
    redness = (picture[..., 0] - picture[..., 2])[height * 2 // 3]
    assert redness[width // 4] < -50  # y < 0: longitude -90°
    assert redness[3 * width // 4] > 50


def test_images_go_from_the_lowest_label_to_the_highest_each_with_its_class(tmp_path):
    space, axes = pictures(tmp_path), Figure().add_subplot()
    label_map(space).draw(axes, space, lambda x: x[:, 0] ** 2, Normalize(-1, 1))
    names = [text.get_text().split("\n") for text in axes.get_xticklabels()]
    labels = [float(label) for label, _ in names]
    assert labels == sorted(labels)
    first = space.rows[:, 0] ** 2
    assert (labels[0], labels[-1]) == pytest.approx((first.min(), first.max()), abs=0.005)
    assert (names[0][1], names[-1][1]) == ("2", "0")  # the darkest image is the last one
    (drawn,) = axes.images
    assert drawn.get_array().shape == (4 + 4, 8 * (5 + 4), 3)


def test_images_are_not_drawn_for_another_space():
    with pytest.raises(TypeError, match="expected a space of images, got 'circle'"):
        examples(Figure().add_subplot(), Circle(), lambda x: x[:, 0], Normalize(-1, 1))


def test_colour_limits_are_symmetric_and_widen_only_for_larger_labels():
    assert (symmetric(np.array([0.1, -0.2])).vmin, symmetric(np.array([0.1])).vmax) == (-1, 1)
    wide = symmetric(np.array([0.5, -2.5, np.nan]))
    assert (wide.vmin, wide.vmax) == (-2.5, 2.5)


def test_functions_are_beside_their_controls_with_one_colour_bar(finished):
    with style():
        figure = functions(finished)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [title.split("\n")[0] for title in titles] == [
        "stage 1 · learner",
        "stage 1 · control (no learner)",
        "stage 2 · learner",
        "stage 2 · control (no learner)",
    ]
    assert len(figure.axes) == 5


@pytest.mark.parametrize("kind", ["circle", "disk", "interval", "sphere5"])
def test_the_functions_of_any_space_are_drawn(finished, kind):
    space, labeller = SPACES[kind], MLP(hidden=())
    theta = np.linspace(-1, 1, labeller.size(space)).astype(np.float32)
    stage = finished.stages[0]
    found = replace(stage.found, theta=theta)
    design = replace(finished.design, space=space, labeller=labeller)
    stages = (replace(stage, found=found, control=None),)
    with style():
        seen = pixels(functions(replace(finished, design=design, stages=stages)))
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 50


def test_bars_are_the_shares_and_the_last_is_the_rest(finished):
    stage = finished.stages[0]
    found = replace(stage.found, share={0: 0.1, 1: 0.5, 2: 0.2, 3: 0.1})
    axes = share_bars(Figure().add_subplot(), replace(stage, found=found, control=None), top=2)
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([10, 50, 20, 20])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "2", ">2"]


def test_held_out_markers_are_the_medians_and_a_constant_has_none(finished, constant):
    errors = held_out_errors(Figure().add_subplot(), finished.stages).containers
    for container, arm in zip(errors, ("found", "control"), strict=True):
        medians = [getattr(stage, arm).held_out.median for stage in finished.stages]
        assert container.lines[0].get_ydata() == pytest.approx(medians)
    ours = held_out_errors(Figure().add_subplot(), constant.stages).containers[0]
    assert len(ours.lines[0].get_ydata()) == 1


def test_a_track_is_the_median_and_range_of_each_generation(finished):
    candidates = read(finished.folder)["candidates"]
    columns = {n: candidates[n].values for n in ("arm", "stage", "generation", "fitness")}
    track = tracks(finished)["fitness"][0]
    rows = {g: row for row, g in enumerate(track.generation) if math.isfinite(g)}
    assert sorted(rows) == list(range(1, 13))
    for stage, generation in [(0, 0), (0, 5), (1, 0), (1, 3)]:
        here = (columns["arm"] == 0) & (columns["stage"] == stage)
        slots = sorted(columns["fitness"][here & (columns["generation"] == generation)])
        row = rows[6 * stage + generation + 1]
        assert track.low[row] == slots[0]
        assert track.high[row] == slots[-1]
        assert track.median[row] == pytest.approx((slots[2] + slots[3]) / 2)


def test_the_terms_add_up_to_the_fitness_and_zero_terms_are_left_out(finished, stopped):
    found = tracks(finished)
    assert set(found) == {"fitness", "error", "distribution"}
    assert set(found["error"]) == {0}
    control = found["fitness"][1].median, found["distribution"][1].median
    assert np.allclose(*control, rtol=1e-4, equal_nan=True)
    assert set(tracks(stopped)) == {"fitness", "error"}


def test_progress_has_generations_and_trials_below_it(finished, stopped):
    for analysis, panels in ((finished, 3), (stopped, 1)):
        with style():
            figure = progress(analysis)
            pixels(figure)
        assert len(figure.axes) == panels
        (below,) = figure.axes[-1].child_axes
        low, high = figure.axes[-1].get_xlim()
        assert below.get_xlim() == pytest.approx((66 * low, 66 * high))
        assert figure.axes[-1].get_xlabel() == "generation"
