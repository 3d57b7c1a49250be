"""The rat and two models of it: choices by sounds, by sessions, and what the learner had learnt."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float64
from matplotlib.axes import Axes

from controller.analysis.by_session import bits
from controller.analysis.plots.style import CONTROL, LEARNER, PAGE_WIDTH_IN, style
from protocols.behaviour import Behaviour
from protocols.tone_comparison import FIRST_OF_SECOND_PAIRS
from sims.benchmarks import rat as benchmark

COLOURS = ("#000000", "#0072B2", "#009E73", "#CC79A7", "#E69F00")
"""Of the learner's functions; Okabe and Ito's."""
SHOWN = {benchmark.BASELINE: CONTROL, benchmark.LEARNER: LEARNER}
Probabilities = Mapping[str, Float64[np.ndarray, " trial"]]


def draw(
    rat: Behaviour,
    probabilities: Probabilities,
    weights: Float64[np.ndarray, "trial function"],
    file: Path,
) -> None:
    """Draw held-out predictions, and the weights of a fit to all sessions."""
    with style():
        figure, axes = plt.subplot_mosaic(
            "AABBCC;DDDEEE", figsize=(PAGE_WIDTH_IN, 0.75 * PAGE_WIDTH_IN)
        )
        early = rat.session < FIRST_OF_SECOND_PAIRS
        choices_by_sounds(axes["A"], rat, probabilities, early, "sessions 1-37")
        choices_by_sounds(axes["B"], rat, probabilities, ~early, "sessions 38-80")
        gain_by_session(axes["C"], rat, probabilities)
        choices_by_session(axes["D"], rat, probabilities)
        weights_by_session(axes["E"], rat, weights)
        handles, labels = axes["A"].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
        figure.savefig(file)
        plt.close(figure)


def choices_by_sounds(
    axes: Axes,
    rat: Behaviour,
    probabilities: Probabilities,
    chosen: Bool[np.ndarray, " trial"],
    title: str,
) -> None:
    """Draw how often it went right for each pair of sounds."""
    pairs, place = np.unique(rat.stimuli[chosen].round(3), axis=0, return_inverse=True)
    counts = np.bincount(place)
    went = np.bincount(place, rat.choice[chosen]) / counts
    error = np.sqrt(went * (1 - went) / counts)
    for louder_first, mark in ((True, "o"), (False, "s")):
        rows = (pairs[:, 0] > pairs[:, 1]) == louder_first
        x = pairs[rows].mean(axis=1)
        label = "rat" if louder_first else None
        axes.errorbar(x, went[rows], error[rows], fmt=mark, color="0.2", markersize=4, label=label)
        for model, look in SHOWN.items():
            predicted = np.bincount(place, probabilities[model][chosen]) / counts
            label = model if louder_first else None
            axes.plot(x, predicted[rows], look.line, color=look.colour, label=label)
    axes.text(0.02, 0.97, "● first louder", transform=axes.transAxes, va="top", fontsize=7)
    axes.text(0.02, 0.03, "■ second louder", transform=axes.transAxes, fontsize=7)
    axes.set(title=title, xlabel="mean loudness of the pair", ylim=(0, 1))
    axes.set_ylabel("went right" if title.startswith("sessions 1-") else "")


def gain_by_session(axes: Axes, rat: Behaviour, probabilities: Probabilities) -> None:
    """Draw where the learner predicts better than the logistic regression, and where worse."""
    better, base = (bits(probabilities[name], rat.choice) for name in reversed(SHOWN))
    gain = np.bincount(rat.session, better - base) / np.bincount(rat.session)
    colours = [LEARNER.colour if value > 0 else CONTROL.colour for value in gain]
    axes.bar(1 + np.arange(len(gain)), gain, width=1, color=colours)
    axes.set(title="learner over logistic", xlabel="session", ylabel="bits/trial, held out")


def choices_by_session(axes: Axes, rat: Behaviour, probabilities: Probabilities) -> None:
    """Draw how often it went right in each session, and how often it should have."""
    counts = np.bincount(rat.session)
    number = 1 + np.arange(len(counts))
    axes.plot(number, np.bincount(rat.session, rat.label) / counts, color="0.8", label="rewarded")
    axes.plot(number, np.bincount(rat.session, rat.choice) / counts, "o", color="0.2", ms=2.5)
    for model, look in SHOWN.items():
        mean = np.bincount(rat.session, probabilities[model]) / counts
        axes.plot(number, mean, look.line, color=look.colour)
    axes.legend(loc="upper left")
    axes.set(xlabel="session", ylabel="went right", ylim=(0.15, 0.85))


def weights_by_session(
    axes: Axes, rat: Behaviour, weights: Float64[np.ndarray, "trial function"]
) -> None:
    """Draw what each function weighs in the learner's choices, session by session."""
    counts = np.bincount(rat.session)
    for column, (name, colour) in enumerate(zip(benchmark.FUNCTIONS, COLOURS, strict=True)):
        mean = np.bincount(rat.session, weights[:, column]) / counts
        axes.plot(1 + np.arange(len(mean)), mean, color=colour, label=name, linewidth=1)
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axes.legend(ncols=2, loc="upper left")
    low, high = axes.get_ylim()
    axes.set(xlabel="session", ylabel="learner's weight", ylim=(low, high + 0.45 * (high - low)))
