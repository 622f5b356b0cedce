"""Intervals of measures of one or two samples whose rows come in groups, by leaving out groups.

The delete-a-group jackknife (Kott 2001, Journal of Official Statistics 17): groups are dealt into B blocks, and the
variance of a measure is (B - 1) / B times the sum of the squared deviations of its values without one block, added up
over the samples, which are independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

BLOCKS = 10
FEWEST_GROUPS = 5  # of a sample; below there is no interval, as of scores

Measure = Callable[[Sequence[np.ndarray]], float]


@dataclass(frozen=True)
class Estimate:
    """A measure and its interval, whose ends are NaN where it has none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def jackknife(measure: Measure, samples: Sequence[np.ndarray], level: float) -> Estimate:
    """A measure with its interval.

    Args:
        measure: of one bool mask (row,) for each sample, which says which of its rows count.
        samples: group (row,) of the rows of each sample.
        level: of the interval, such as 0.95.
    """
    whole = [np.ones(len(groups), bool) for groups in samples]
    value = measure(whole)
    numbers = [np.unique(groups, return_inverse=True)[1].ravel() for groups in samples]
    counts = [int(number.max(initial=-1)) + 1 for number in numbers]
    if min(counts) < FEWEST_GROUPS or not np.isfinite(value):
        return Estimate(value)
    variance = 0.0
    for place, (number, count) in enumerate(zip(numbers, counts, strict=True)):
        blocks = min(BLOCKS, count)
        without = [
            measure([*whole[:place], number % blocks != block, *whole[place + 1 :]])  # the other samples are whole
            for block in range(blocks)
        ]
        variance += (blocks - 1) / blocks * float(np.square(np.subtract(without, np.mean(without))).sum())
    half = float(stdtrit(min(BLOCKS, *counts) - 1, (1 + level) / 2)) * variance**0.5  # Student's t
    return Estimate(value, value - half, value + half)
