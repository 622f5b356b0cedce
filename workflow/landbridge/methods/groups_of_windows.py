"""Which group each window or chip is of, for functions that a population hands its windows to."""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.prepare.windows import unit_index


def group_of_window(dataset: Any, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(window,) name of the group of each window, whose last observations are `ends`, or of each chip by index."""
    unit = ends if "reflectance" in dataset else unit_index(dataset["row_size"])[ends]
    return np.asarray(dataset["group"]).astype(str)[unit]
