"""Tests over independent groups: Wilcoxon's signed ranks with Holm's correction, mean ranks and critical differences.

SciPy is loaded when a test is asked for: most jobs that import this module ask for none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEWEST_PAIRS = 6  # N pairs have no two-sided p below 2 / 2^N: five have 0.0625 at best, six 0.031
FEWEST_TASKS = 10  # independent tasks of a critical-difference diagram


def signed_rank(gains: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (Wilcoxon 1945) that gains lie around zero.

    Gains of zero are left out, and a p of 1 is what remains of nothing but those.

    Args:
        gains: (group,) one of each independent group, seeds averaged; NaN are left out.

    Returns:
        p, or NaN with fewer than `FEWEST_PAIRS` groups, where nothing could be significant.
    """
    from scipy.stats import wilcoxon

    known = np.asarray(gains, float)
    known = known[np.isfinite(known)]
    if len(known) < FEWEST_PAIRS:
        return float("nan")
    return float(wilcoxon(known).pvalue) if known.any() else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """p-values of one family, corrected (Holm 1979): the i-th smallest of m times m - i + 1, never falling, at most 1.

    NaN stay NaN and are no members of the family.
    """
    values = np.asarray(p, float)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    corrected = values.copy()
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)), 1)
    return [float(value) for value in corrected]


def ranks(scores: np.ndarray) -> np.ndarray:
    """Rank of each method on each task, 1 for the best, ties averaged.

    Args:
        scores: (task, method), larger is better, all finite.
    """
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.asarray(scores, float), axis=1))


def critical_difference(methods: int, tasks: int, level: float = 0.95) -> float:
    """Least difference of two mean ranks that is significant: q sqrt(k (k + 1) / (6 N)) (Nemenyi; Demšar 2006, eq. 3).

    q is the quantile of the studentised range of k values and infinitely many degrees of freedom, over sqrt 2.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(level, methods, np.inf)) / 2**0.5
    return q * (methods * (methods + 1) / (6 * tasks)) ** 0.5


def why_no_diagram(tasks: int, methods: int, task_words: str = "test groups") -> str:
    """Why no critical-difference diagram may be drawn, as a sentence; empty where one may."""
    because = ""
    if tasks < FEWEST_TASKS:
        because = f"it takes at least {FEWEST_TASKS} independent tasks, and there are {tasks} {task_words}"
    elif methods < 3:
        because = f"it compares three or more methods, and {methods} have a score"
    elif methods > tasks:
        because = f"{methods} methods stand against {tasks} {task_words}, and there may be no more methods than tasks"
    return f"No critical-difference diagram: {because}." if because else ""


def alike(mean_ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Largest runs of methods whose mean ranks differ by no more than a critical difference.

    Args:
        mean_ranks: (method,) growing.

    Returns:
        first and last index of each run of two or more, none inside another.
    """
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(mean_ranks):
        last = int(np.searchsorted(mean_ranks, rank + difference, side="right")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
