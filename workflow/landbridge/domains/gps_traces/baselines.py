"""The rule baseline: thresholds on the speed of a window, calibrated on labelled windows.

After the rules that accompany Zhang et al. (2026), arXiv 2603.00340; its published accuracy is not available. Three
numbers describe a window: the 95th percentile of its speeds, the share of its fixes below 0.3 m/s, and the standard
deviation of the differences between neighbouring speeds. All of them in m/s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from landbridge.contract import Dataset
from landbridge.domains.gps_traces.features import METRES_PER_SECOND, units_of
from landbridge.domains.gps_traces.modes import CLASSES
from landbridge.methods.given import NotApplicable

STANDING = 0.3  # m/s
LEAST_SPREAD = (0.2, 0.05, 0.05)  # of the three numbers, where windows are alike
UNSURE = 4e-3  # probability left to all classes but the decided one
ROUGHER = 1.2  # times acceleration_split: what a bus may be rougher than the line between bus and car
CHUNK = 8192  # windows described at a time


@dataclass(frozen=True)
class Thresholds:
    """Where one mode ends and the next begins, in m/s; `least_stops` is a share of fixes."""

    walk_most: float
    bike_most: float
    train_least: float
    road_least: float
    least_stops: float
    acceleration_split: float


@dataclass(frozen=True)
class Rules:
    """Calibrated rules.

    Attributes:
        classes: names, in the order of the columns that are predicted.
        thresholds: of the decisions in order.
        medians, spreads: (class, 3) of each class's windows, for what no rule decides, spreads as quartile ranges.
    """

    classes: tuple[str, ...]
    thresholds: Thresholds
    medians: np.ndarray
    spreads: np.ndarray

    def predict(self, dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Log-probabilities (row, class) float32: 0.996 for the decided class, the rest shared by the others.

        Arguments and errors as in `describe`.
        """
        decided = self.decide(describe(dataset, ends, sizes))
        found = np.full((len(decided), len(self.classes)), np.log(UNSURE / (len(self.classes) - 1)), np.float32)
        found[np.arange(len(decided)), decided] = np.log1p(-UNSURE)
        return found

    def decide(self, numbers: np.ndarray) -> np.ndarray:
        """(row,) index of the class of windows described by `numbers` (row, 3); the first rule that holds decides."""
        limit = self.thresholds
        fast, stops, rough = numbers.T
        distance = (np.abs(numbers[:, None] - self.medians) / self.spreads).sum(axis=2)  # (row, class)
        bus = (stops >= limit.least_stops) & (rough <= ROUGHER * limit.acceleration_split)
        place = {name: self.classes.index(name) for name in CLASSES}
        return np.select(
            [fast >= limit.train_least, fast <= limit.walk_most, fast <= limit.bike_most, fast >= limit.road_least],
            [place["train"], place["walk"], place["bike"], np.where(bus, place["bus"], place["car"])],
            default=distance.argmin(axis=1),
        )

    def counts(self) -> tuple[int, int]:
        """Calibrated numbers, all of them."""
        count = len(vars(self.thresholds)) + self.medians.size + self.spreads.size
        return count, count


def fit(
    dataset: Dataset,
    ends: np.ndarray,
    sizes: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: Sequence[str],
) -> Rules:
    """Rules calibrated on labelled windows.

    Args:
        dataset: with `speed` (obs,) in km/h, finite inside windows, and `row_size` (unit,).
        ends: (row,) last observation of each window.
        sizes: (row,) observations of each window.
        labels: (row,) or (row, 1) index into `classes`; NaN and what is no index is left out.
        weights: of the labels' shape; a window without weight is left out, the others count the same.
        classes: names that hold the five modes.

    Raises:
        NotApplicable: a mode without a labelled window, or other classes.
        ContractError: a window that is not inside one unit.
    """
    if sorted(classes) != sorted(CLASSES):
        raise NotApplicable(f"the rules know {', '.join(CLASSES)}, and the classes are {', '.join(classes)}")
    labels, weights = np.asarray(labels, float).ravel(), np.asarray(weights, float).ravel()
    used = (weights > 0) & (labels >= 0) & (labels < len(classes))
    numbers, own = describe(dataset, np.asarray(ends)[used], np.asarray(sizes)[used]), labels[used].astype(int)
    by_class = {name: numbers[own == number] for number, name in enumerate(classes)}
    lacking = [name for name, rows in by_class.items() if len(rows) == 0]
    if lacking:
        raise NotApplicable(
            f"the rules need labelled windows of every mode, and there are none of {', '.join(lacking)}"
        )
    lower, medians, upper = (
        np.stack([np.quantile(rows, share, axis=0) for rows in by_class.values()]) for share in (0.25, 0.5, 0.75)
    )
    return Rules(tuple(classes), calibrate(by_class), medians, np.maximum(upper - lower, LEAST_SPREAD))


def calibrate(by_class: Mapping[str, np.ndarray]) -> Thresholds:
    """Thresholds from the numbers (row, 3) of the windows of each mode.

    All are taken from the data first, then held to what is plausible, each within limits that those before it set.
    """
    fast = {name: rows[:, 0] for name, rows in by_class.items()}
    road = np.concatenate([fast["car"], fast["bus"]])
    walk = float(np.quantile(fast["walk"], 0.75))
    bike = max(float(np.quantile(fast["bike"], 0.75)), walk + 0.6)
    train = max(float(np.quantile(fast["train"], 0.35)), bike + 1)
    least = max(bike, float(np.quantile(road, 0.20)))
    stops = float(np.clip(np.median(by_class["bus"][:, 1]) - 0.05, 0.05, 0.9))
    rough = 0.6 * np.median(by_class["bus"][:, 2]) + 0.4 * np.median(by_class["car"][:, 2])
    walk = float(np.clip(walk, 0.3, 3))
    bike = float(np.clip(bike, walk + 0.2, 8))
    least = float(np.clip(least, bike, 18))
    train = float(np.clip(train, least + 1.5, 40))
    return Thresholds(walk, bike, train, least, min(stops, 0.7), float(np.clip(rough, 0.05, 2)))


def describe(dataset: Dataset, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(row, 3) float64 of each window: 95th percentile of speed, share of fixes that stand, spread of differences.

    Args:
        dataset: with `speed` (obs,) in km/h, finite inside windows, and `row_size` (unit,).
        ends: (row,) last observation of each window.
        sizes: (row,) observations of each window.

    Raises:
        ContractError: a window that is not inside one unit.
    """
    units_of(dataset, ends, sizes)
    speed = np.asarray(dataset["speed"])
    ends, sizes = np.asarray(ends, np.int64), np.asarray(sizes, np.int64)
    found = np.empty((len(ends), 3))
    for start in range(0, len(ends), CHUNK):
        rows = slice(start, start + CHUNK)
        found[rows] = _described(speed, ends[rows], sizes[rows])
    return found


def _described(speed: np.ndarray, ends: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    step = np.arange(sizes.max())
    real = step < sizes[:, None]  # (row, step)
    index = np.where(real, ends[:, None] - sizes[:, None] + 1 + step, ends[:, None])
    values = speed[index].astype(np.float64) * METRES_PER_SECOND
    ordered = np.sort(np.where(real, values, np.inf), axis=1)
    place = 0.95 * (sizes - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, sizes - 1)
    low, high = (np.take_along_axis(ordered, at[:, None], axis=1)[:, 0] for at in (below, above))
    stands = ((values < STANDING) & real).sum(axis=1) / sizes
    count = np.maximum(sizes - 1, 1)  # one fix has no difference, and the spread of nothing is taken as 0
    differences = np.where(real[:, 1:], np.diff(values, axis=1), 0.0)
    mean = differences.sum(axis=1) / count
    squares = np.where(real[:, 1:], (differences - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return np.stack([low + (place - below) * (high - low), stands, np.sqrt(squares / count)], axis=1)
