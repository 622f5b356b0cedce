"""What a metric is: a named function of summed statistics, and which way is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Sums = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Metric:
    """A function of sums, so that what is pooled can be added up and resampled.

    Attributes:
        function: sums by name, arrays of one shape, to an array of that shape; NaN where it is not defined.
        better: "lower" or "higher"; a bias is best at 0, which is "zero", or at another number, `best`.
        units: "target" for the target's own units, else "1".
        title: what tables and figures call it.
        best: of a metric that is best at a number.
    """

    function: Callable[[Sums], np.ndarray]
    better: str
    units: str
    title: str
    best: float = 0.0

    def gain(self, value: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """How much better `value` is than `reference`; positive is better."""
        if self.better == "higher":
            return value - reference
        if self.better == "lower":
            return reference - value
        return np.abs(reference - self.best) - np.abs(value - self.best)


def share(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """A ratio of sums; NaN where there is nothing to divide by."""
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)
