"""What learners of tables are shown of the mains around a minute: levels, steps and the spread of what is near."""

from __future__ import annotations

import numpy as np

from landbridge.contract import Dataset
from landbridge.domains.smart_meters.grid import local_hour
from landbridge.methods.given import NotApplicable
from landbridge.prepare.windows import unit_index

LAGS = (1, 2, 3, 5, 10, 20, 40, 80)  # steps before and after
SHORTEST = 2 * max(LAGS) + 1
AROUND = (5, 15, 61)  # steps, odd, of which least, most and mean are taken
QUARTILES_OF, QUANTILES = 15, (0.25, 0.5, 0.75)
ROWS = 50_000  # at a time, so that memory does not grow with the rows


def table(dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Features (row, column) float32 of the step in the middle of each window.

    Power there (W), differences to the steps around it, least, most and mean of 5, 15 and 61 steps around it and
    quartiles of 15 less the power, and sine and cosine of the local hour.

    Args:
        dataset: with `mains` (obs,) in W, `time` (obs,) in seconds UTC, `row_size` and `zone` (unit,).
        ends: (row,) last observation of each window, of 161 observations at least.
        sizes: (row,) observations of each window.

    Raises:
        NotApplicable: shorter windows.
    """
    if len(sizes) and int(sizes.min()) < SHORTEST:
        raise NotApplicable(
            f"features look at {SHORTEST} steps around a minute, and windows of {sizes.min()} hold fewer"
        )
    mains = np.asarray(dataset["mains"], np.float32)
    middle = ends - sizes // 2
    blocks = [_block(mains, middle[start : start + ROWS]) for start in range(0, len(middle), ROWS)]
    columns = np.concatenate(blocks) if blocks else np.zeros((0, 0), np.float32)
    hour = _hours(dataset, middle) * (2 * np.pi / 24)
    return np.column_stack([columns, np.sin(hour), np.cos(hour)]).astype(np.float32)


def _block(mains: np.ndarray, middle: np.ndarray) -> np.ndarray:
    power = mains[middle]
    columns = [power]
    for lag in LAGS:
        columns += [mains[middle - lag] - power, mains[middle + lag] - power]
    for width in AROUND:
        near = mains[middle[:, None] + np.arange(-(width // 2), width // 2 + 1)]
        columns += [near.min(axis=1) - power, near.max(axis=1) - power, near.mean(axis=1) - power]
        if width == QUARTILES_OF:
            columns += list(np.quantile(near, QUANTILES, axis=1) - power)
    return np.stack(columns, axis=1)


def _hours(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """(row,) local hour of the day of some observations."""
    zones, zone_of_unit = np.unique(np.asarray(dataset["zone"]).astype(str), return_inverse=True)
    zone = zone_of_unit[unit_index(dataset["row_size"])[rows]]
    hours = np.zeros(len(rows))
    for number, name in enumerate(zones.tolist()):
        own = zone == number
        hours[own] = local_hour(np.asarray(dataset["time"])[rows[own]], name)
    return hours
