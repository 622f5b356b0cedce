"""Confusion matrices: which class is taken for which, before and after transfer."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from landbridge.judge.canvas import HELPS, figure, footnote, headline_rows
from landbridge.judge.figures_of_units import shown_runs
from landbridge.judge.metrics import confusion
from landbridge.judge.scores import Run, Scores, as_sums

BEFORE_AND_AFTER = ("source_only", "full_finetune", "target_only")
MOST_MATRICES = 3
VOTES = ".unit"


def matrix_of(run: Run, number: int, scores: Scores, votes: bool) -> np.ndarray:
    """(true, predicted) counts of a run at a budget over all groups, mean over seeds; of votes of units on request."""
    summed = as_sums(run.sums["label"][number].sum(axis=1).mean(axis=0), scores.names)
    if votes:
        summed = {name.removesuffix(VOTES): value for name, value in summed.items() if name.endswith(VOTES)}
    return confusion.matrix(summed)


def confusions(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Confusion matrices of the source model, of the adapted one and of training from scratch; shares of the rows."""
    scores: Scores = material.scores
    votes = settings["headline"]["metric"].endswith(VOTES)
    runs = shown_runs(scores, len(scores.runs))
    wanted = [item for name in BEFORE_AND_AFTER for item in runs if item[1].recipe == name]
    shown = [
        (name, run, 0 if run.recipe == BEFORE_AND_AFTER[0] else number)  # it never looks at labels
        for name, run, number in (wanted or runs)[:MOST_MATRICES]
    ]
    classes: Sequence[str] = scores.classes
    with figure(path, width=max(4.0, 3.1 * len(shown)), height=4.0) as drawn:
        axes = np.atleast_1d(drawn.subplots(1, len(shown), sharey=True))
        colours = mpl.colors.LinearSegmentedColormap.from_list("share", ["#ffffff", HELPS])
        for axis, (name, run, number) in zip(axes, shown, strict=True):
            counts = matrix_of(run, number, scores, votes)
            totals = counts.sum(axis=1, keepdims=True)
            share = counts / np.where(totals > 0, totals, 1)
            axis.imshow(share, cmap=colours, vmin=0, vmax=1)
            for line, column in np.ndindex(*counts.shape):
                if totals[line, 0] > 0:
                    shade = "white" if share[line, column] > 0.55 else "black"
                    text = f"{100 * share[line, column]:.0f} %\n{counts[line, column]:.0f}"
                    axis.text(column, line, text, ha="center", va="center", fontsize=6.5, color=shade)
            axis.set_xticks(range(len(classes)), classes, rotation=45, ha="right", fontsize=8)
            axis.set_yticks(range(len(classes)), classes, fontsize=8)
            axis.set_xlabel("predicted")
            budget = f"{scores.budgets[number]} labelled target {settings['budget_unit']}"
            axis.set_title(textwrap.fill(f"{name}, {budget}", 26), fontsize=8.5)
            for spine in axis.spines.values():
                spine.set_visible(True)
        axes[0].set_ylabel("true")
        what = "votes of units" if votes else "windows"
        drawn.suptitle(
            textwrap.fill(f"{settings['title']}: what is taken for what ({what})", 88), x=0.01, ha="left", fontsize=10
        )
        rows = headline_rows(material.leaderboard, settings["headline"])
        if rows:
            footnote(drawn, rows[0], settings["bootstrap"]["level"])
