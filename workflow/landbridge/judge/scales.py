"""Scores of series at coarser scales of time: rows are averaged first, then scored like any others.

`daily`, `8day`, `monthly` and `annual` are means over the scored rows of a day, of eight days (from 1 January on, as
MODIS composites), of calendar months and of calendar years (a year's sum is 365 times as much); `seasonal` is the mean
cycle, one value for each calendar month over all years; `anomaly` is what is left of the eight-day means when the mean
of the same eight days over all years is taken off, label and prediction each by its own. A metric names its scale after
a dot: `r2.monthly`, and of classes `accuracy.unit`, for which the rows of a unit vote.
"""

from __future__ import annotations

import math

import numpy as np

from landbridge.prepare.windows import SECONDS
from landbridge.stage import StageError

SCALES = ("daily", "8day", "monthly", "annual", "seasonal", "anomaly")
VOTES = ("unit",)  # of classes: one for each unit, by the mean log-probability of its rows
# Days with scored rows that a mean needs at least, and how much of a day: a day of finer rows counts from half of them
# on. Of monthly data one row is enough, and six for a year. Half a year is asked for, not more, since towers measure
# some two thirds of all days.
FEWEST = {"daily": 0.5, "8day": 4, "monthly": 10, "annual": 182}
DAYS_OF_YEAR = 365.25
WITHOUT_BLOCKS = ("seasonal",)  # spans all years, so it can't be resampled by blocks of time
SLOTS = 64  # more than the eight-day stretches of a year
FEWEST_YEARS = 2  # that an anomaly's own mean is taken over


def split_name(metric: str) -> tuple[str, str]:
    """`rmse.monthly` to its metric and scale; the scale is "" for a metric of the rows themselves, as of `f1.walk`."""
    name, _, scale = metric.rpartition(".")
    return (name, scale) if scale in (*SCALES, *VOTES) else (metric, "")


def rows_per_day(step: str) -> float:
    """Rows that a day has at a step such as `day`, `month` or `60 second`."""
    if step in ("day", "month"):
        return 1.0 if step == "day" else 12 / DAYS_OF_YEAR
    number, _, unit = step.rpartition(" ")
    return 86_400 / (int(number or 1) * SECONDS[unit])


def averaged(
    scale: str, values: np.ndarray, unit: np.ndarray, days: np.ndarray, cell: np.ndarray, per_day: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows at a coarser scale.

    Args:
        scale: one of `SCALES`.
        values: (row, column) labels and predictions of scored rows.
        unit: (row,) unit.
        days: (row,) days since 1970-01-01.
        cell: (row,) cell of unit and block.
        per_day: rows of a day, see `rows_per_day`; a mean needs several.

    Returns:
        values (mean, column), unit and cell of each mean; a mean stands in the cell of its first row.
    """
    date = days.astype("datetime64[D]")
    year = date.astype("datetime64[Y]")
    slot = (date - year.astype("datetime64[D]")).astype(np.int64) // 8
    month = date.astype("datetime64[M]").astype(np.int64)
    fewest = {name: max(1, math.ceil(days_of * per_day)) for name, days_of in FEWEST.items()}
    plain = {"daily": days, "monthly": month, "annual": year.astype(np.int64)}
    if scale in plain:
        found = _means(values, unit, plain[scale], cell, fewest[scale])
        return found[0], found[1], found[3]
    if scale == "seasonal":
        monthly, of_unit, key, of_cell = _means(values, unit, month, cell, fewest["monthly"])
        cycle = _means(monthly, of_unit, key % 12, of_cell, 1)
        return cycle[0], cycle[1], cycle[3]
    key = (year.astype(np.int64) + 1970) * SLOTS + slot
    eight, of_unit, key, of_cell = _means(values, unit, key, cell, fewest["8day"])
    if scale == "8day":
        return eight, of_unit, of_cell
    place = of_unit * SLOTS + key % SLOTS
    _, index, count = np.unique(place, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(index, column) for column in eight.T], axis=1)
    anomaly = eight - (sums / count[:, None])[index]
    kept = count[index] >= FEWEST_YEARS
    return anomaly[kept], of_unit[kept], of_cell[kept]


def voted(
    log_probability: np.ndarray, label: np.ndarray, unit: np.ndarray, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One row for each unit, whose rows vote by the mean of their log-probabilities.

    Args:
        log_probability: (row, class) of scored rows.
        label: (row,) classes, one and the same for all rows of a unit.
        unit: (row,) unit.
        cell: (row,) cell of unit and block.

    Returns:
        log-probabilities (unit, class) that add up to one, label and cell (of its first row) of each unit, and which
        unit each is.

    Raises:
        StageError: rows of one unit have different labels.
    """
    names, first, index = np.unique(unit, return_index=True, return_inverse=True)
    if (label != label[first][index.ravel()]).any():
        raise StageError("metrics of units need one class for all rows of a unit; take those that end in .unit out")
    sums = np.stack([np.bincount(index.ravel(), column, minlength=len(names)) for column in log_probability.T], axis=1)
    means = sums / np.bincount(index.ravel(), minlength=len(names))[:, None]
    return means - np.logaddexp.reduce(means, axis=1)[:, None], label[first], cell[first], names


def _means(
    values: np.ndarray, unit: np.ndarray, key: np.ndarray, cell: np.ndarray, fewest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean of the values of each unit and key that has enough rows; with its unit, key and cell."""
    pairs, first, index, count = np.unique(
        np.stack([unit, key], axis=1), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    index = index.ravel()
    sums = np.stack([np.bincount(index, column, minlength=len(pairs)) for column in values.T], axis=1)
    kept = count >= fewest
    return (sums / count[:, None])[kept], pairs[kept, 0], pairs[kept, 1], cell[first][kept]
