"""From readings at any second to a regular grid: means of bins, a short fill, sums of phases, means of steps.

Bins count from 1970 in UTC and are named by their left edge, so clock changes leave the grid alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

ENOUGH = 0.8  # share of the bins of a step that must be known


def merge_repeats(
    time: np.ndarray, values: np.ndarray, masked: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Readings with the values of equal times averaged; a time is masked if one of its readings is.

    Args:
        time: (n,) s, sorted.
        values: (k, n) W; missing is NaN and does not count in an average.
        masked: (n,) bool.
    """
    again = np.zeros(len(time), bool)
    again[1:] = time[1:] == time[:-1]
    if not again.any():
        return time, values, masked
    several = again.copy()
    several[:-1] |= again[1:]
    rows, first = np.flatnonzero(several), np.flatnonzero(several & ~again)
    begins = np.searchsorted(rows, first)
    part = values[:, rows].astype(np.float64)
    known = ~np.isnan(part)
    total = np.add.reduceat(np.where(known, part, 0), begins, axis=1)
    count = np.add.reduceat(known.astype(np.int64), begins, axis=1)
    values, masked = values.copy(), masked.copy()
    values[:, first] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    masked[first] = np.logical_or.reduceat(masked[rows], begins)
    return time[~again], values[:, ~again], masked[~again]


def bin_means(place: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Mean of the known values in each of `count` bins, float64 (count,); NaN where there is none.

    Args:
        place: (n,) number of the bin of each value.
        values: (n,) W; missing is NaN.
        count: bins.
    """
    known = ~np.isnan(values)
    if not known.all():
        place, values = place[known], values[known]
    number = np.bincount(place, minlength=count)
    total = np.bincount(place, weights=values, minlength=count)
    found = np.full(count, np.nan)
    np.divide(total, number, out=found, where=number > 0)
    return found


def fill_forward(power: np.ndarray, longest: int, masked: np.ndarray | None = None) -> np.ndarray:
    """Power whose missing bins hold the last known one, at most `longest` bins long; longer gaps keep their rest.

    Args:
        power: (n,) W; missing is NaN.
        longest: bins.
        masked: (n,) bool; such bins become missing, and nothing is filled across them.
    """
    stops = ~np.isnan(power)
    if masked is not None and masked.any():
        power = np.where(masked, np.nan, power)
        stops |= masked
    index = np.arange(len(power))
    last = np.maximum.accumulate(np.where(stops, index, -1))
    reached = (last >= 0) & (index - last <= longest)
    return np.where(reached, power[np.maximum(last, 0)], np.nan)


def sum_of_meters(meters: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of the meters of one load, such as the phases of the mains; NaN where any of them is missing."""
    total = meters[0]
    for meter in meters[1:]:
        total = total + meter
    return total


def step_means(power: np.ndarray, bins: int) -> np.ndarray:
    """Means of steps of `bins` bins each, float64; NaN where fewer than 80 % of a step's bins are known."""
    if bins == 1:
        return power
    table = power.reshape(-1, bins)
    known = ~np.isnan(table)
    number = known.sum(axis=1)
    total = np.where(known, table, 0).sum(axis=1)
    return np.where(number >= math.ceil(ENOUGH * bins), total / np.maximum(number, 1), np.nan)


def any_on(status: np.ndarray, bins: int) -> np.ndarray:
    """Whether any known bin of a step is on, float32; NaN where none is known."""
    if bins == 1:
        return status
    return np.fmax.reduce(status.reshape(-1, bins), axis=1)


def local_hour(time: np.ndarray, zone: str) -> np.ndarray:
    """Hour of the local day, 0 to 24, float64 (n,); it jumps when clocks change.

    Args:
        time: (n,) UTC s.
        zone: name of a time zone whose clocks change at whole hours of UTC.
    """
    hours, which = np.unique(time // 3600, return_inverse=True)
    rules = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(hour * 3600, UTC).astimezone(rules).utcoffset() for hour in hours.tolist()]
    seconds = np.array([0.0 if offset is None else offset.total_seconds() for offset in offsets])
    return ((time + seconds[which]) / 3600) % 24
