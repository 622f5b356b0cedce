"""What learners of tables are shown of a day at a wetland: its drivers, their past, and what is known of the place."""

from __future__ import annotations

import numpy as np

from landbridge.contract import Dataset
from landbridge.prepare.ragged import offsets
from landbridge.prepare.windows import unit_index

PAST = (7, 30, 90)  # days up to and with the day itself: soils warm, wet and fill slowly
STATICS = ("elevation", "soil_ph", "bulk_density", "wetland_type", "climate_type", "vegetation_type_11")
CLASSES = ("bog", "fen", "wet tundra", "marsh", "swamp", "salt marsh", "mangrove", "drained")


def table(dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Features (row, column) float32 of the day on which each window ends; missing numbers are NaN.

    Every driver on the day and its means over the 7, 30 and 90 days up to it, as far as the record reaches back; what
    is known of the soil and the vegetation; and, where units have one, a column for each class of wetlands.

    Args:
        dataset: with drivers (obs,), `row_size` and the columns of units.
        ends: (row,) last observation of each window.
        sizes: (row,) observations of each window, not used: the past reaches beyond a window.
    """
    unit = unit_index(dataset["row_size"])
    first = offsets(dataset["row_size"])[:-1][unit][ends]
    columns = []
    for name in dataset.with_role("input"):
        values = np.asarray(dataset[name], np.float64)
        columns += [values[ends], *_means(values, ends, first)]
    for name in STATICS:
        if name in dataset:
            columns.append(np.asarray(dataset[name], np.float64)[unit][ends])
    if "wetland_class" in dataset:
        own = np.asarray(dataset["wetland_class"]).astype(str)[unit][ends]
        columns += [(own == word).astype(float) for word in CLASSES]
    return np.stack(columns, axis=1).astype(np.float32)


def _means(values: np.ndarray, ends: np.ndarray, first: np.ndarray) -> list[np.ndarray]:
    """Means (row,) of what is known of a driver over each stretch of `PAST` that ends with a row."""
    known = np.isfinite(values)
    sums, counts = (np.concatenate([[0.0], np.cumsum(part)]) for part in (np.where(known, values, 0), known))
    found = []
    for days in PAST:
        start = np.maximum(first, ends - days + 1)
        count = counts[ends + 1] - counts[start]
        found.append(np.where(count > 0, (sums[ends + 1] - sums[start]) / np.maximum(count, 1), np.nan))
    return found
