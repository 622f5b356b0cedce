"""Whether the intervals of a regression can be believed: sums over rows, and their metrics.

Sums of one (unit, block): rows50, rows90, rows that have a finite interval; covered50, covered90, those whose label
lies in it; width50, width90, its widths; crps; pit_0 to pit_4, rows with both intervals by how many quantiles lie below
their label.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from landbridge.contract import QUANTILES
from landbridge.judge.metrics.metric import Metric, Sums, share

LEVELS = {"50": (1, 2), "90": (0, 3)}  # per cent, and the places of their ends among the quantiles
# Of the levels 0 to 1 those that are nearest to each quantile, and to the median.
ENDS = (0.0, *((low + high) / 2 for low, high in pairwise(sorted((*QUANTILES, 0.5)))), 1.0)
BY_LEVEL = dict(zip(sorted((*QUANTILES, 0.5)), np.diff(ENDS).tolist(), strict=True))
SPANS = tuple(BY_LEVEL[level] for level in (*QUANTILES, 0.5))
PIT = tuple(f"pit_{number}" for number in range(len(QUANTILES) + 1))
SUMS = (*(f"{what}{level}" for level in LEVELS for what in ("rows", "covered", "width")), "crps", *PIT)


def sums(
    label: np.ndarray, prediction: np.ndarray, quantiles: np.ndarray | None, cell: np.ndarray, cells: int
) -> np.ndarray:
    """Sums (cell, statistic) of rows in cells, in the order of `SUMS`.

    Args:
        label, prediction: (row,).
        quantiles: (row, quantile) of `QUANTILES`; NaN where an interval is infinite; None without any.
        cell: (row,) cell of each row.
        cells: number of cells.
    """
    if quantiles is None:
        quantiles = np.full((len(label), len(QUANTILES)), np.nan)
    columns = []
    for low, high in LEVELS.values():
        ends = quantiles[:, low], quantiles[:, high]
        columns += [np.isfinite(ends[0]), (label >= ends[0]) & (label <= ends[1]), np.nan_to_num(ends[1] - ends[0])]
    columns.append(_crps(label, prediction, quantiles))
    below = np.where(np.isfinite(quantiles).all(axis=1), (label[:, None] > quantiles).sum(axis=1), -1)
    columns += [below == number for number in range(len(PIT))]
    return np.stack([np.bincount(cell, column, minlength=cells).astype(float) for column in columns], axis=1)


def _crps(label: np.ndarray, prediction: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """(row,) continuous ranked probability score: twice the pinball loss, integrated over levels (Gneiting and Raftery
    2007, equation 20 and section 6.2).

    The integral is a sum over the four quantiles and the prediction, which is taken for the median, each times the
    span of the levels that are nearest to it; of a normal forecast it is 3 % too low. A row that lacks a quantile
    counts as a point, whose score is its absolute error.
    """
    whole = np.isfinite(quantiles).all(axis=1, keepdims=True)
    values = np.where(whole, quantiles, prediction[:, None])
    total = np.zeros(len(label))
    for level, span, value in zip((*QUANTILES, 0.5), SPANS, (*values.T, prediction), strict=True):
        missed = label - value
        total += 2 * span * np.maximum(level * missed, (level - 1) * missed)
    return total


def coverage50(s: Sums) -> np.ndarray:
    """Share of the rows whose label lies in the 50 % interval."""
    return share(s["covered50"], s["rows50"])


def coverage90(s: Sums) -> np.ndarray:
    """Share of the rows whose label lies in the 90 % interval."""
    return share(s["covered90"], s["rows90"])


def width50(s: Sums) -> np.ndarray:
    """Mean width of the 50 % interval; a narrow one is better only if it covers."""
    return share(s["width50"], s["rows50"])


def width90(s: Sums) -> np.ndarray:
    """Mean width of the 90 % interval; a narrow one is better only if it covers."""
    return share(s["width90"], s["rows90"])


def crps(s: Sums) -> np.ndarray:
    """Continuous ranked probability score, see `_crps`: the mean absolute error of a recipe without intervals."""
    return share(s["crps"], s["n"])


def pit(s: Sums) -> np.ndarray:
    """Share of the rows (..., bin) whose label lies below the 5 % quantile, between that and the 25 % one, and so on.

    The histogram of the probability integral transform with bins of unequal width: 5, 20, 50, 20 and 5 % where the
    quantiles are right. A label that equals a quantile counts as below it.
    """
    return np.stack([share(s[name], s["rows90"]) for name in PIT], axis=-1)


METRICS = {
    "coverage50": Metric(coverage50, "zero", "1", "coverage of 50 % intervals", best=0.5),
    "coverage90": Metric(coverage90, "zero", "1", "coverage of 90 % intervals", best=0.9),
    "width50": Metric(width50, "lower", "target", "width of 50 % intervals"),
    "width90": Metric(width90, "lower", "target", "width of 90 % intervals"),
    "crps": Metric(crps, "lower", "target", "CRPS"),
}
