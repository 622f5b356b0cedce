"""Some of many, evenly taken, so that a cost does not grow with the data."""

from __future__ import annotations

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """(kept,) places, growing, of `most` out of `count` from the first to the last; of all where they are no more."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)
