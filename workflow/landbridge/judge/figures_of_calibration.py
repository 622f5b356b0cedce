"""Reliability: how often predictions are right over how sure they are of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landbridge.judge import bootstrap
from landbridge.judge.bootstrap import FEWEST_GROUPS, Draws
from landbridge.judge.canvas import UNCLEAR, figure, footnote, styles
from landbridge.judge.figures_of_units import shown_runs
from landbridge.judge.metrics import calibration
from landbridge.judge.metrics.metric import Metric, Sums
from landbridge.judge.scores import Scores
from landbridge.stage import StageError

MOST_PANELS = 4
VOTES = ".unit"
READING = "Above the dashed line a recipe is right more often than it claims, below it less often."
WORDS = {"segmentation": "pixels", "classification": "predictions"}


@dataclass(frozen=True)
class Reliability:
    """One recipe at one budget, means over seeds.

    Attributes:
        confidence, accuracy, share: (bin,) mean confidence, share of the right class, and share of all rows; the first
            two are NaN for an empty bin.
        low, high: (bin,) interval of the accuracy; NaN where too few groups, or blocks, have rows in the bin.
        error: expected calibration error and its interval.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    share: np.ndarray
    error: tuple[float, float, float]


def reliability_of(array: np.ndarray, scores: Scores, draws: Draws, level: float, votes: bool) -> Reliability:
    """Reliability of one run at one budget over all groups.

    Args:
        array: (seed, cell, sum) in the order of `scores.names`.
        level: of the intervals.
        votes: whether of votes of units in place of rows.
    """
    names = ("n", *calibration.SUMS)
    places = [scores.names.index(f"{name}{VOTES if votes else ''}") for name in names]
    array, own = array[..., places], replace(scores, names=names)

    def replicates(function: Callable[[Sums], np.ndarray]) -> np.ndarray:
        metric = Metric(function, "zero", "1", "")
        return bootstrap.replicate_values(array, own, draws, metric, ["pooled"])["pooled"]

    def of_bins(function: Callable[[Sums], np.ndarray]) -> np.ndarray:
        """(bin, replicate) of a function to (..., bin)."""

        def of_one(number: int, sums: Sums) -> np.ndarray:
            return np.asarray(function(sums)[..., number])

        return np.stack([replicates(partial(of_one, number)) for number in range(calibration.BINS)])

    # Resampling a handful of groups says nothing of others: no interval below as many as elsewhere.
    of_cell = array[..., [names.index(f"bin_n_{b}") for b in range(calibration.BINS)]].sum(axis=0) > 0  # (cell, bin)
    of_group = np.stack([of_cell[scores.group_of_cell == group].any(axis=0) for group in range(len(scores.groups))])
    filled = (of_group if draws.interval == "groups" else of_cell).sum(axis=0)
    accuracy = of_bins(calibration.bin_accuracy)
    bounds = np.array([_bounds(values, level, draws) for values in accuracy])
    bounds[filled < FEWEST_GROUPS] = np.nan
    error = replicates(calibration.ece)
    return Reliability(
        confidence=of_bins(calibration.bin_confidence)[:, 0],
        accuracy=accuracy[:, 0],
        low=bounds[:, 0],
        high=bounds[:, 1],
        share=of_bins(calibration.bin_share)[:, 0],
        error=(float(error[0]), *_bounds(error, level, draws)),
    )


def _bounds(values: np.ndarray, level: float, draws: Draws) -> tuple[float, float]:
    return (float("nan"), float("nan")) if draws.interval == "none" else bootstrap.interval(values, level)


def reliability(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Accuracy over confidence for a few recipes at their largest budget; below it how many predictions each bin has.

    Raises:
        StageError: predictions that are no classes have no probabilities.
    """
    scores: Scores = material.scores
    if scores.task == "regression":
        raise StageError("figures: reliability: only classes have probabilities; take it out of `figures:`")
    runs = shown_runs(scores, MOST_PANELS)
    if not runs:
        with figure(path, height=2) as drawn:
            drawn.text(0.02, 0.5, "No recipe has a score.")
        return
    votes = settings["headline"]["metric"].endswith(VOTES)
    level = settings["bootstrap"]["level"]
    draws = bootstrap.draw(scores, settings["bootstrap"]["replicates"], settings["scenario"])
    look = styles([name for name, _, _ in runs])
    words = "votes of units" if votes else WORDS[scores.task]
    with figure(path, width=max(4.0, 0.8 + 1.7 * len(runs)), height=4.4) as drawn:
        axes = drawn.subplots(2, len(runs), sharex=True, sharey="row", height_ratios=(4, 1), squeeze=False)
        for (above, below), (name, run, number) in zip(axes.T, runs, strict=True):
            found = reliability_of(run.sums["label"][number], scores, draws, level, votes)
            _curve(above, found, 1 / len(scores.classes), look[name])
            _strip(below, found, look[name][0])
            budget = f"{scores.budgets[number]} labelled target {settings['budget_unit']}"
            above.set_title(f"{textwrap.fill(name, 22)}\n{textwrap.fill(budget, 24)}\n{_error(found)}", fontsize=7.5)
        axes[0, 0].set_ylabel("accuracy: share that is right")
        axes[1, 0].set_ylabel(f"share of\n{words}", fontsize=8)
        axes[1, 0].set_xlabel("confidence: probability of the predicted class", loc="left")
        title = textwrap.fill(f"{settings['title']}: can the probabilities be believed?", 88)
        drawn.suptitle(f"{title}\n{textwrap.fill(READING, 88)}", x=0.01, ha="left", fontsize=10)
        about = {"groups": str(len(scores.groups)), "seeds": str(len(scores.seeds)), "interval": draws.interval}
        footnote(drawn, about, level)


def _error(found: Reliability) -> str:
    value, low, high = found.error
    return f"error {value:.2f}" + (f" ({low:.2f} to {high:.2f})" if np.isfinite(low) else "")


def _curve(axis: Axes, found: Reliability, chance: float, look: tuple[str, str]) -> None:
    """Accuracy over confidence; a bin without an interval has a hollow mark."""
    colour, marker = look
    axis.plot([0, 1], [0, 1], color=UNCLEAR, linewidth=0.9, linestyle="--")
    known = np.isfinite(found.accuracy)
    sure = np.isfinite(found.low)
    axis.plot(found.confidence[known], found.accuracy[known], color=colour, linewidth=1.2)
    axis.vlines(found.confidence[sure], found.low[sure], found.high[sure], color=colour, linewidth=1.0)
    for own, face in ((sure, colour), (known & ~sure, "white")):
        axis.plot(
            found.confidence[own], found.accuracy[own], marker, color=colour, markerfacecolor=face, markersize=4.5
        )
    first = np.ceil(chance * calibration.BINS) - 1  # bin of the least confidence that the likeliest class can have
    axis.set_xlim(first / calibration.BINS - 0.02, 1.03)
    axis.set_ylim(-0.03, 1.03)


def _strip(axis: Axes, found: Reliability, colour: str) -> None:
    """Share of all rows in each bin."""
    middles = (np.arange(calibration.BINS) + 0.5) / calibration.BINS
    axis.bar(middles, found.share, width=0.9 / calibration.BINS, color=colour, alpha=0.6)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 0.5, 1])
