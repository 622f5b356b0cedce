"""Summary statistics of whole trips, for learners that take tables.

Speeds are those of the steps between neighbouring fixes of one segment. The first fix of a segment has none, and the
gap before it counts nowhere; a speed at the first fix of a unit belongs to a step that begins outside of the file, and
is left out. Statistics of speed weigh every fix the same, whatever time it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landbridge.contract import ContractError, Dataset

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)
SLOW = (0.5, 1.0)  # m/s
STOP = 0.5  # m/s; a stop is an unbroken run of slower fixes of one segment
LONG_STEP = 30.0  # s
METRES_PER_SECOND = 1 / 3.6  # in one km/h
COLUMNS: tuple[str, ...] = (
    "speed_q05",
    "speed_q25",
    "speed_q50",
    "speed_q75",
    "speed_q95",
    "speed_mean",
    "speed_sd",
    "speed_max",
    "share_below_0.5",
    "share_below_1",
    "stops_per_km",
    "stop_length",
    "acceleration_q05",
    "acceleration_q25",
    "acceleration_q50",
    "acceleration_q75",
    "acceleration_q95",
    "acceleration_sd",
    "share_of_long_steps",
    "median_step",
    "log_duration",
    "log_distance",
)


def table(dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Statistics (row, column) float32, in the order of `COLUMNS`, of the whole trip that each window belongs to.

    Speeds and accelerations are in m/s and m/s2, steps and stops in s. Acceleration is the size of the difference of
    two speeds over the time between the middles of their steps. `log_duration` is the natural logarithm of the seconds
    from first to last fix, `log_distance` of the metres inside segments. What is not defined is NaN: stops per km of a
    trip of no length, the length of stops where there are none, acceleration of one step.

    Args:
        dataset: with `speed` (obs,) in km/h, NaN at the first fix of each segment, `time` (obs,) in milliseconds and
            `row_size` (unit,).
        ends: (row,) last observation of each window.
        sizes: (row,) observations of each window.

    Raises:
        ContractError: a window that is not inside one unit.
    """
    return _of_units(dataset)[units_of(dataset, ends, sizes)].astype(np.float32)


def median_time_step(dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Median seconds between fixes (row, 1) float32 of the trip that each window belongs to, and nothing else.

    In scripted data the way of sampling alone can give a mode away; this column measures how much. Arguments and errors
    as in `table`.
    """
    steps = _Steps(dataset)
    median = _quantiles(steps.seconds, steps.unit, len(dataset["row_size"]), (0.5,))
    return median[units_of(dataset, ends, sizes)].astype(np.float32)


def units_of(dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(row,) unit of each window.

    Raises:
        ContractError: a window that is not inside one unit.
    """
    last = np.cumsum(dataset["row_size"])
    ends, sizes = np.asarray(ends, np.int64), np.asarray(sizes, np.int64)
    unit = np.searchsorted(last, ends, side="right")
    first = (last - dataset["row_size"])[np.minimum(unit, len(last) - 1)] if len(last) else np.zeros_like(unit)
    outside = (unit >= len(last)) | (sizes < 1) | (ends - sizes + 1 < first)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise ContractError(
            f"window {row} of {sizes[row]} observations that ends at {ends[row]} is not inside one unit; "
            "windows must be cut by the `row_size` of the same file"
        )
    return unit


class _Steps:
    """Steps between neighbouring fixes of one segment.

    Attributes:
        index: (step,) observation at the end of each step.
        unit: (step,) its unit.
        seconds, speed: (step,) s and m/s.
    """

    def __init__(self, dataset: Dataset) -> None:
        speed = np.asarray(dataset["speed"], np.float64)
        units = np.repeat(np.arange(len(dataset["row_size"])), dataset["row_size"])
        self.index = np.flatnonzero(np.isfinite(speed) & (np.diff(units, prepend=-1) == 0))
        self.unit = units[self.index]
        self.seconds = (dataset["time"][self.index] - dataset["time"][self.index - 1]) / 1000.0
        self.speed = speed[self.index] * METRES_PER_SECOND


def _of_units(dataset: Dataset) -> np.ndarray:
    """Statistics (unit, column) float64."""
    steps = _Steps(dataset)
    row_size = np.asarray(dataset["row_size"])
    count = len(row_size)
    total = np.bincount(steps.unit, minlength=count).astype(np.float64)

    def sums(values: np.ndarray, unit: np.ndarray = steps.unit) -> np.ndarray:
        return np.bincount(unit, values, minlength=count)

    distance = sums(steps.speed * steps.seconds)
    follows = np.diff(steps.index, prepend=-2) == 1  # the step before is of the same segment
    slow = steps.speed < STOP
    begins = slow & ~(follows & np.concatenate([[False], slow[:-1]]))
    stops = sums(begins.astype(np.float64))
    second = np.flatnonzero(follows)
    between = (steps.seconds[second] + steps.seconds[second - 1]) / 2
    acceleration = np.abs(steps.speed[second] - steps.speed[second - 1]) / between
    last = np.cumsum(row_size)
    time = np.asarray(dataset["time"], np.int64)
    duration = np.full(count, np.nan)
    some = row_size > 0
    duration[some] = (time[last[some] - 1] - time[(last - row_size)[some]]) / 1000.0
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is the NaN of what is not defined
        columns = [
            *_quantiles(steps.speed, steps.unit, count, QUANTILES).T,
            sums(steps.speed) / total,
            _spread(steps.speed, steps.unit, count),
            _quantiles(steps.speed, steps.unit, count, (1.0,))[:, 0],
            *(sums((steps.speed < limit).astype(np.float64)) / total for limit in SLOW),
            np.where(distance > 0, stops / (distance / 1000), np.nan),
            sums(np.where(slow, steps.seconds, 0.0)) / stops,
            *_quantiles(acceleration, steps.unit[second], count, QUANTILES).T,
            _spread(acceleration, steps.unit[second], count),
            sums((steps.seconds > LONG_STEP).astype(np.float64)) / total,
            _quantiles(steps.seconds, steps.unit, count, (0.5,))[:, 0],
            np.log(np.where(duration > 0, duration, np.nan)),
            np.log(np.where(distance > 0, distance, np.nan)),
        ]
    return np.stack(columns, axis=1)


def _spread(values: np.ndarray, unit: np.ndarray, count: int) -> np.ndarray:
    """(unit,) standard deviation of the values of each unit, by their number; NaN where there are none."""
    number = np.bincount(unit, minlength=count)
    mean = np.bincount(unit, values, minlength=count) / np.where(number, number, np.nan)
    squares = np.bincount(unit, (values - mean[unit]) ** 2, minlength=count)
    return np.sqrt(squares / np.where(number, number, np.nan))


def _quantiles(values: np.ndarray, unit: np.ndarray, count: int, shares: Sequence[float]) -> np.ndarray:
    """(unit, share) quantiles of the values of each unit, linear between neighbours; NaN where there are none."""
    ordered = np.append(values[np.lexsort((values, unit))], np.nan)
    number = np.bincount(unit, minlength=count)
    first = np.cumsum(number) - number
    found = np.full((count, len(shares)), np.nan)
    some = number > 0
    for column, share in enumerate(shares):
        place = share * (number[some] - 1)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, number[some] - 1)
        low, high = ordered[first[some] + below], ordered[first[some] + above]
        found[some, column] = low + (place - below) * (high - low)
    return found
