"""Whether intervals hold what they claim: what they cover of each test group, and where labels fall among quantiles."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from landbridge.contract import QUANTILES
from landbridge.judge.canvas import HARMS, HELPS, UNCLEAR, figure, footnote, headline_rows, in_brackets
from landbridge.judge.figures_of_units import shown_runs
from landbridge.judge.metrics import intervals
from landbridge.judge.scores import MACRO, Run, Scores, as_sums, by_group, group_sums, mean_of_targets
from landbridge.judge.tables import as_float
from landbridge.stage import StageError

MOST = 14
COVERAGES = {"50": "coverage50", "90": "coverage90"}
# Of labels among the quantiles: beyond the wide interval, between both, inside the narrow one.
SHADES = (HARMS, "#F3C9A5", "#d9d9d9", "#A9CBE6", HELPS)
SHARES = np.diff([0.0, *QUANTILES, 1.0])
READING = "Left of the dashed line intervals are too narrow, right of it too wide."


def coverage(path: Path, material: Any, settings: Mapping[str, Any]) -> None:
    """Coverage of each recipe's intervals at its largest budget beside what they claim, groups as dots.

    Raises:
        StageError: the scenario has classes, or the domain does not list the metrics that the figure shows.
    """
    scores: Scores = material.scores
    target = settings["headline"]["target"]
    if scores.task != "regression":
        raise StageError("figures: coverage: only numbers have intervals; take it out of `figures:`")
    wanted = [{"target": target, "metric": name, "statistic": "mean"} for name in COVERAGES.values()]
    rows = [headline_rows(material.leaderboard, own) for own in wanted]
    if not all(rows):
        raise StageError("figures: coverage: write coverage50 and coverage90 in `metrics:` and mean in `statistics:`")
    runs = shown_runs(scores, MOST)
    words = settings["targets"].get(target, {})
    with figure(path, height=1.6 + 0.46 * max(len(runs), 1)) as drawn:
        axes = drawn.subplots(1, 3, sharey=True, width_ratios=(1, 1, 0.9))
        for axis, (level, name), own in zip(axes, COVERAGES.items(), rows, strict=False):
            of_run = {(row["model"], row["recipe"], row["variant"], row["budget"]): row for row in own}
            for place, (_, run, number) in enumerate(runs):
                row = of_run.get((*run.key, scores.budgets[number]))
                if row is None or not row["value"]:
                    axis.text(0.02, place, _why_not(run, number), fontsize=7, color=UNCLEAR, va="center")
                    continue
                _covered(axis, place, row, _by_group(run, scores, name, number, target))
                widths = _by_group(run, scores, f"width{level}", number, target)
                width = float(np.nanmean(widths))
                _beside(axis, place, f"{width:.0f}" if width >= 100 else f"{width:.3g}")
            axis.axvline(int(level) / 100, color="black", linewidth=0.9, linestyle="--")
            axis.set_xlim(-0.03, 1.03)
            axis.set_title(f"{level} % intervals", fontsize=9)
            axis.set_xlabel("share of labels inside", fontsize=8)
            _beside(axis, -0.75, "width")
        for place, (_, run, number) in enumerate(runs):
            _falls(axes[2], place, _pit(run, scores, number, target))
        _falls(axes[2], -0.75, SHARES, height=0.28)
        axes[2].set_title("where labels fall", fontsize=9)
        axes[2].set_xlabel("share of labels\n(above: as claimed)", fontsize=8)
        axes[2].set_xlim(0, 1)
        marks = [f"{name}, n = {scores.budgets[number]}\n{_source(run, number)}" for name, run, number in runs]
        axes[0].set_yticks(range(len(runs)), marks, fontsize=7)
        axes[0].set_ylim(len(runs) - 0.5, -1.0)
        handles = [Patch(color=shade, label=text) for shade, text in zip(SHADES, _names(), strict=True)]
        axes[2].legend(
            handles=handles, fontsize=6.5, loc="upper left", bbox_to_anchor=(1.0, 1.0), title="labels\namong quantiles"
        )
        axes[2].get_legend().get_title().set_fontsize(6.5)
        what = f"{words.get('long_name', target)} {in_brackets(words.get('units', '1'))}"
        title = textwrap.fill(f"{settings['title']}: do the intervals of {what} cover?", 88)
        drawn.suptitle(f"{title}\n{READING}", x=0.01, ha="left", fontsize=10)
        footnote(drawn, rows[0][0], settings["bootstrap"]["level"])


def _names() -> list[str]:
    """What each part of the bars holds."""
    low, inner, upper, high = (f"{100 * level:g} %" for level in QUANTILES)
    return [f"below {low}", f"{low} to {inner}", f"{inner} to {upper}", f"{upper} to {high}", f"above {high}"]


def _source(run: Run, number: int) -> str:
    """Where the intervals of a budget come from, in a line or two."""
    first = (run.spread[number] if run.spread else "").split(" | ")[0].split(";")[0]
    return textwrap.fill(first, 52)


def _by_group(run: Run, scores: Scores, metric: str, number: int, target: str) -> np.ndarray:
    """(group,) mean over seeds."""
    values = by_group(run, scores, intervals.METRICS[metric], number, target)
    known = np.isfinite(values)
    return np.where(known.any(0), np.where(known, values, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def _pit(run: Run, scores: Scores, number: int, target: str) -> np.ndarray:
    """(bin,) share of the labels of all groups, mean over seeds and targets."""
    names = scores.targets if target == MACRO else [target]
    found = []
    for name in names:
        sums = group_sums(run.sums[name][number], scores).sum(axis=1)  # (seed, sum)
        found.append(intervals.pit(as_sums(sums, scores.names)))
    seeds = mean_of_targets(found)
    return np.asarray(seeds[np.isfinite(seeds).all(axis=1)].mean(axis=0) if np.isfinite(seeds).any() else seeds[0])


def _why_not(run: Run, number: int) -> str:
    """Why a budget has no interval, or an infinite one, in a few words."""
    text = (run.spread[number] if run.spread else "").split(" | ")[0]
    return text.partition("infinite")[1] + text.partition("infinite")[2] or "no interval"


def _covered(axis: Axes, place: int, row: Mapping[str, str], groups: np.ndarray) -> None:
    """Dots of groups, and the mean with its interval."""
    value, low, high = (as_float(row[key]) for key in ("value", "low", "high"))
    known = groups[np.isfinite(groups)]
    axis.plot(known, np.full(len(known), place + 0.18), ".", color=UNCLEAR, markersize=3, alpha=0.7)
    if np.isfinite(low):
        axis.plot([low, high], [place - 0.1, place - 0.1], color=HELPS, linewidth=1.6)
    axis.plot([value], [place - 0.1], color=HELPS, marker="o", markersize=4.5)


def _beside(axis: Axes, place: float, text: str) -> None:
    """A word to the right of a panel."""
    axis.text(1.02, place, text, transform=axis.get_yaxis_transform(), fontsize=6.5, va="center")


def _falls(axis: Axes, place: float, shares: Sequence[float] | np.ndarray, height: float = 0.5) -> None:
    """One bar of shares, end to end."""
    left = 0.0
    for share, shade in zip(shares, SHADES, strict=True):
        if np.isfinite(share):
            axis.barh(place, share, left=left, height=height, color=shade)
            left += float(share)
