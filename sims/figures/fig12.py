"""Figure 12: the same ReLU network, asked by labellers with 0, 2, 3 and 4 hidden layers."""

from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from controller.analysis.measures import function_values
from controller.analysis.plots.label_maps import COLOURS, LABEL, label_map
from controller.analysis.summary import FoundFunction
from sims.figures.claims import Arm, Claim, degree_share, largest_cosine
from sims.figures.evidence import Evidence, Settings, Variant, reproduction

AFFINE, DEEP = "depth 0", ("depth 2", "depth 3", "depth 4")
FIRST, SECOND = (1, 2, 3), (4, 5, 6)
STAGES = (*FIRST, *SECOND)
PANEL_IN = (2.3, 1.75)

# An affine labeller has four weights, and each has far to go, so its steps are longer. With those
# of a network it would stay near its random start, which would be no failure of its depth.
VARIANTS = (
    Variant(AFFINE, "fig9", ("labeller.hidden=[]", "strategy.learning_rate=3e-2")),
    Variant(DEEP[0], "fig9", ("labeller.hidden=[64, 64]",)),
    Variant(DEEP[1], "fig9", ("labeller.hidden=[64, 64, 64]",)),
    Variant(DEEP[2], "fig9", ("labeller.hidden=[64, 64, 64, 64]",)),
)


def power_of_fourth(arm: Arm) -> float:
    """Variance of the fourth function's labels; 1/3 where they are uniform in [-1, 1]."""
    return arm.found[3].power


SETTINGS = Settings(
    name="fig12",
    variants=VARIANTS,
    claims=(
        *(
            Claim(
                f"least {order}-order share of stages {stages[0]}-{stages[-1]}, {depth}",
                depth,
                degree_share(degree, *stages),
                stages=stages,
                at_least=0.95,
            )
            for depth in DEEP
            for degree, order, stages in ((1, "first", FIRST), (2, "second", SECOND))
        ),
        Claim(
            f"least first-order share of stages 1-3, {AFFINE}",
            AFFINE,
            degree_share(1, *FIRST),
            stages=FIRST,
            at_least=0.95,
        ),
        # A failure that is the labeller's own, so the control has to show it too.
        Claim(
            f"label power of stage 4, {AFFINE}", AFFINE, power_of_fourth, stages=(4,), at_most=0.1
        ),
        Claim(
            f"largest cosine of stages 4-6 to earlier ones, {AFFINE}",
            AFFINE,
            largest_cosine(*SECOND),
            stages=SECOND,
            at_least=0.5,
        ),
    ),
)


def plot(evidence: Evidence) -> Figure:
    """Draw the functions that the first seed found, a row for each depth."""
    drawing = label_map(evidence.run(AFFINE).analysis.design.space)
    width, height = PANEL_IN
    figure = Figure(figsize=(len(STAGES) * width + 0.8, len(VARIANTS) * height + 0.6))
    cells = figure.subplots(
        len(VARIANTS), len(STAGES), subplot_kw={"projection": drawing.projection}
    )
    norm = Normalize(-1, 1)
    for variant, row in zip(VARIANTS, cells, strict=True):
        analysis = evidence.run(variant.name).analysis
        space, labeller = analysis.design.space, analysis.design.labeller
        for stage, axes in zip(analysis.stages, row, strict=True):
            found = stage.found

            def values(x, theta=found.theta, space=space, labeller=labeller):
                return function_values(space, labeller, theta, x)

            drawing.draw(axes, space, values, norm)
            axes.set(xlabel="", ylabel="", xticklabels=[], yticklabels=[])
            axes.set_title(f"{variant.name} · stage {stage.number}\n{_numbers(found)}")
    figure.colorbar(ScalarMappable(norm, COLOURS), ax=cells, label=LABEL, extend="both")
    seed = evidence.run(AFFINE).seed
    seeds = len({run.seed for run in evidence.runs})
    figure.suptitle(
        f"Figure 12: hidden layers of the labeller, ReLU net as learner (seed {seed}, n = {seeds})"
        "\nlargest share of norm², and its degree; standard deviation of the labels"
    )
    return figure


def _numbers(found: FoundFunction) -> str:
    degree = max(found.share, key=lambda d: found.share[d])
    return f"degree {degree}: {found.share[degree]:.2f} · s.d. {found.power**0.5:.2f}"


REPRODUCTION = reproduction(SETTINGS, plot)
