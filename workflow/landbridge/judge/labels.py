"""How many labels a recipe is worth: equivalent budgets, labels saved, area under the learning curve."""

from __future__ import annotations

import numpy as np


def isotonic(values: np.ndarray) -> np.ndarray:
    """Least-squares fit that never falls along the last axis, by the max-min formula (Robertson et al. 1988).

    Args:
        values: (..., budget), larger is better.
    """
    count = values.shape[-1]
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    fitted = np.empty_like(values)
    for index in range(count):
        lower = [
            np.min([(sums[..., b + 1] - sums[..., a]) / (b + 1 - a) for b in range(index, count)], axis=0)
            for a in range(index + 1)
        ]
        fitted[..., index] = np.max(lower, axis=0)
    return fitted


def equivalent(curve: np.ndarray, score: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Budget at which a curve reaches a score, linear in log2 n; the smallest on a flat piece.

    Args:
        curve: (replicate, budget) that never falls.
        score: (replicate,), larger is better.
        sizes: (budget,) growing, 1 and above.

    Returns:
        (replicate,): inf above the curve's end, -inf below its beginning, never extrapolated; NaN where undefined.
    """
    logs = np.log2(sizes)
    reached = curve >= score[:, None]
    index = np.where(reached.any(1), reached.argmax(1), len(sizes))
    rows = np.arange(len(curve))
    inner = (index > 0) & (index < len(sizes))
    last = np.clip(index, 1, len(sizes) - 1)
    if len(sizes) == 1:
        found = np.where(curve[:, 0] == score, sizes[0], np.where(score > curve[:, 0], np.inf, -np.inf)).astype(float)
    else:
        rise = curve[rows, last] - curve[rows, last - 1]
        part = (score - curve[rows, last - 1]) / np.where(rise > 0, rise, 1)
        between = 2 ** (logs[last - 1] + np.clip(part, 0, 1) * (logs[last] - logs[last - 1]))
        at_start = np.where(curve[:, 0] == score, sizes[0], -np.inf)
        found = np.where(inner, between, np.where(index == 0, at_start, np.inf))
    return np.where(np.isfinite(score) & np.isfinite(curve).all(1), found, np.nan)


def area(curve: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Area under a curve (..., budget) over log2 n by trapezoids, divided by the range; budgets of 1 and above."""
    logs = np.log2(np.asarray(sizes, float))
    if len(logs) < 2:
        return np.full(curve.shape[:-1], np.nan)
    widths = np.diff(logs)
    return ((curve[..., 1:] + curve[..., :-1]) / 2 * widths).sum(-1) / widths.sum()
