"""Which recipes can be told apart by their ranks: critical-difference diagrams."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landbridge.judge.canvas import figure, name_of, several_models
from landbridge.judge.scores import Run, Scores, by_group, over_seeds
from landbridge.judge.significance import alike, ranks, why_no_diagram
from landbridge.judge.significance import critical_difference as nemenyi

BAR, LABEL = 0.32, 0.42  # heights of a bar and of a name's line, in units of the panel


def critical_difference(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Mean ranks of the recipes of one scenario over its test groups, or a sentence that says why there are none."""
    scores: Scores = material.scores
    number, runs = largest_common_budget(scores)
    values = np.stack([_gains(run, material, number, settings) for run in runs], axis=1)  # (group, recipe)
    values = values[np.isfinite(values).all(axis=1)]
    models = several_models([{"model": run.model} for run in runs])
    names = [name_of({"model": r.model, "recipe": r.recipe, "variant": r.variant}, models) for r in runs]
    left_out = len([run for run in scores.runs if run.recipe != "truth"]) - len(runs)
    text = f"budget {scores.budgets[number]}, {len(scores.seeds)} seeds averaged"
    text += f"; {left_out} without a score there are left out" if left_out else ""
    draw_ranks(path, names, values, f"{settings['title']}: mean ranks", "test groups", text)


def largest_common_budget(scores: Scores) -> tuple[int, list[Run]]:
    """Number of the largest budget at which most runs have a score, all if there is such a one, and those runs."""
    having = [
        [run for run in scores.runs if run.recipe != "truth" and not run.status[number].startswith("not_applicable")]
        for number in range(len(scores.budgets))
    ]
    number = max(range(len(having)), key=lambda place: (len(having[place]), place))
    return number, having[number]


def _gains(run: Run, material: Any, number: int, settings: Mapping[str, Any]) -> np.ndarray:
    """(group,) of a run, larger is better."""
    values = over_seeds(by_group(run, material.scores, material.metric, number, settings["headline"]["target"]))
    return np.asarray(material.metric.gain(values, np.zeros_like(values)))


def draw_ranks(path: Path, names: Sequence[str], values: np.ndarray, title: str, tasks: str, text: str) -> None:
    """A critical-difference diagram, or the sentence in its place.

    Args:
        path: where the SVG goes.
        names: of the methods.
        values: (task, method), larger is better, all finite.
        title: of the figure.
        tasks: what the tasks are, in words.
        text: further words below it.
    """
    refused = why_no_diagram(len(values), len(names), tasks)
    if refused:
        with figure(path, height=1.0) as drawn:
            drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)
            drawn.text(0.01, 0.1, textwrap.fill(refused, 96), fontsize=9, va="bottom")
        return
    mean = ranks(values).mean(axis=0)
    order = np.argsort(mean, kind="stable")
    difference = nemenyi(len(names), len(values))
    bars = alike(mean[order], difference)
    lines = -(-len(names) // 2)
    bottom = -0.5 - BAR * len(bars) - LABEL * lines
    with figure(path, height=1.0 + 0.5 * (1.2 - bottom)) as drawn:
        axis = drawn.subplots()
        axis.set_axis_off()
        axis.set_xlim(1 - 0.42 * (len(names) - 1), len(names) + 0.42 * (len(names) - 1))
        axis.set_ylim(bottom - 0.1, 1.3)
        _scale(axis, len(names), difference)
        for level, (first, last) in enumerate(bars):
            ends = mean[order[first]] - 0.03, mean[order[last]] + 0.03
            axis.plot(ends, [-0.3 - BAR * level] * 2, color="black", linewidth=3.5, solid_capstyle="butt")
        for place, own in enumerate(order):
            left = place < lines
            line = place if left else len(names) - 1 - place
            height = -0.35 - BAR * len(bars) - LABEL * (line + 0.5)
            edge = 1 - 0.04 * len(names) if left else len(names) + 0.04 * len(names)
            axis.plot([mean[own], mean[own], edge], [0, height, height], color="#555555", linewidth=0.8)
            words = f"{names[own]}  {mean[own]:.2f}" if left else f"{mean[own]:.2f}  {names[own]}"
            gap = (-0.012 if left else 0.012) * len(names)
            axis.text(edge + gap, height, words, ha="right" if left else "left", va="center", fontsize=8)
        drawn.suptitle(textwrap.fill(title, 88), x=0.01, ha="left", fontsize=10)
        _below(
            drawn, f"{len(values)} {tasks}; {text}; a bar joins what differs by no more than the critical difference"
        )


def _scale(axis: Axes, methods: int, difference: float) -> None:
    """The axis of ranks, best on the left, and the length of the critical difference above it."""
    axis.plot([1, methods], [0, 0], color="black", linewidth=1)
    step = max(1, methods // 10)
    for rank in range(1, methods + 1, step):
        axis.plot([rank, rank], [0, 0.1], color="black", linewidth=1)
        axis.text(rank, 0.18, str(rank), ha="center", va="bottom", fontsize=8)
    axis.text(1 - 0.04 * methods, 0.05, "best", ha="right", va="center", fontsize=8, color="#444444")
    axis.text(methods + 0.04 * methods, 0.05, "worst", ha="left", va="center", fontsize=8, color="#444444")
    axis.plot([1, 1 + difference], [0.85, 0.85], color="black", linewidth=1.5, marker="|", markersize=7)
    axis.text(1 + difference / 2, 0.97, f"critical difference {difference:.2f}", ha="center", va="bottom", fontsize=8)


def _below(drawn: Figure, text: str) -> None:
    drawn.supxlabel(textwrap.fill(text, 110), fontsize=8, color="#444444", x=0.01, ha="left")
