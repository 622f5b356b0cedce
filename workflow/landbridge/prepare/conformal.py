"""Intervals of numbers from the errors at groups that a fit has not learned from: split conformal prediction.

Lei et al. 2018 (arXiv 1604.04173, algorithm 2), with groups in the place of rows, since rows of one group are no
independent draws. The score of a group is a quantile of its own absolute residuals, that of the interval's level: the
half-width that would have covered this share of its rows. Of n scores the interval takes the ceil((n + 1) (1 - a))-th
smallest, and is infinite where that is more than n. A group that is drawn from the population of the others then has at
least the share 1 - a of its rows covered with a probability of at least 1 - a. A target differs from its source, so an
interval that is calibrated there promises nothing: its coverage is measured.
"""

from __future__ import annotations

import math

import numpy as np

from landbridge.contract import QUANTILES

LEVELS = tuple(round(1 - 2 * low, 9) for low in QUANTILES[: len(QUANTILES) // 2])  # of the intervals, widest first
ROUNDING = 9  # decimals: (9 + 1) * 0.9 is 9, whatever floats make of it


def rank(groups: int, level: float) -> int:
    """Which of the sorted scores of groups an interval of a level takes, from 1; above `groups` it is infinite."""
    return math.ceil(round((groups + 1) * level, ROUNDING))


def fewest_groups(level: float) -> int:
    """Groups from which on an interval of a level is finite."""
    return next(groups for groups in range(1, 10**6) if rank(groups, level) <= groups)


def group_scores(residual: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(group, target, level) quantile of the absolute residuals of each group that has some, widest level first.

    Args:
        residual: (row, target); NaN where there is none.
        group: (row,) names; groups come sorted.
    """
    names = np.unique(group)
    found = np.full((len(names), residual.shape[1], len(LEVELS)), np.nan)
    for place, name in enumerate(names):
        own = np.abs(residual[group == name])
        for target, column in enumerate(own.T):
            known = column[np.isfinite(column)]
            if len(known):
                found[place, target] = np.quantile(known, LEVELS)
    return found


def half_widths(scores: np.ndarray) -> np.ndarray:
    """(target, level) half-width of an interval from scores (group, target, level); infinite with too few groups."""
    found = np.full(scores.shape[1:], np.inf)
    for place in np.ndindex(found.shape):
        known = np.sort(scores[(slice(None), *place)])
        known = known[np.isfinite(known)]
        wanted = rank(len(known), LEVELS[place[1]])
        if wanted <= len(known):
            found[place] = known[wanted - 1]
    return found


def offsets(half: np.ndarray) -> np.ndarray:
    """(target, quantile) distance of each of `QUANTILES` from the prediction; NaN where the interval is infinite.

    The wider interval holds the narrower one, also where their scores cross.
    """
    half = np.where(np.isfinite(half), half, np.nan)
    half[:, 0] = np.where(np.isnan(half[:, 0]), np.nan, np.fmax(half[:, 0], half[:, 1]))
    return np.concatenate([-half, half[:, ::-1]], axis=1)
