"""Windows of series by index: which observations end a window that may be trained on or predicted.

A window is named by the index of its last observation; it covers the `length` observations up to and including it.
Nothing is copied, so that a series can stay one contiguous array on the device.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landbridge.contract import Dataset
from landbridge.stage import StageError

SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def clock(time: np.ndarray, step: str) -> np.ndarray:
    """Steps since 1970-01-01, int64, so that neighbours differ by one.

    Args:
        time: (obs,) days for the steps `day` and `month`, seconds for finer ones.
        step: `day`, `month`, or a number and a unit such as `6 second`, `30 minute`.

    Raises:
        StageError: an unknown step.
    """
    if step == "day":
        return np.asarray(time, np.int64)
    if step == "month":
        return np.asarray(time, "datetime64[D]").astype("datetime64[M]").astype(np.int64)
    number, _, unit = step.rpartition(" ")
    if unit not in SECONDS or not (number or "1").isdigit():
        raise StageError(f"step '{step}' is not known; write day, month, or a number and {', '.join(SECONDS)}")
    return np.asarray(time, np.int64) // (int(number or 1) * SECONDS[unit])


def first_of_unit(row_size: np.ndarray) -> np.ndarray:
    """(obs,) bool: whether an observation is the first of its unit."""
    first = np.zeros(int(row_size.sum()), bool)
    first[(np.cumsum(row_size) - row_size)[row_size > 0]] = True
    return first


def run_lengths(good: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """How many good observations stand in a row up to and including each one; a break begins a new run.

    Args:
        good: (obs,) bool.
        breaks: (obs,) bool, true where an observation does not follow on from the one before.
    """
    index = np.arange(len(good))
    last_bad = np.maximum.accumulate(np.where(good, -1, index)) if len(good) else index
    last_break = np.maximum.accumulate(np.where(breaks, index - 1, -1)) if len(good) else index
    return np.where(good, index - np.maximum(last_bad, last_break), 0)


def complete_runs(dataset: Dataset, inputs: Sequence[str], step: str) -> np.ndarray:
    """(obs,) length of the run of complete, evenly spaced observations that ends at each one."""
    row_size = dataset["row_size"]
    good = np.ones(int(row_size.sum()), bool)
    for name in inputs:
        good &= np.isfinite(dataset[name])
    ticks = clock(dataset["time"], step)
    breaks = first_of_unit(row_size)
    if len(ticks):
        breaks[1:] |= np.diff(ticks) != 1
    return run_lengths(good, breaks)


def complete_windows(dataset: Dataset, inputs: Sequence[str], length: int, stride: int, step: str) -> np.ndarray:
    """Ends (window,) int64 of windows without a missing input or a gap, inside one unit.

    The first window of each unbroken run ends at its `length`-th observation; the next follow every `stride` steps.
    """
    runs = complete_runs(dataset, inputs, step)
    return np.flatnonzero((runs >= length) & ((runs - length) % stride == 0))


def label_weights(dataset: Dataset, targets: Sequence[str], quality: str | None) -> np.ndarray:
    """(obs, target) float32 weights of labels on `obs`: 0 where missing, else the quality in 0..1, or 1 without one."""
    labels = np.stack([dataset[name] for name in targets], axis=1)
    weights = np.isfinite(labels).astype(np.float32)
    if quality is not None and quality in dataset:
        weights *= np.nan_to_num(np.clip(dataset[quality], 0, 1), nan=0.0)[:, None]
    return weights


def training_windows(
    dataset: Dataset, inputs: Sequence[str], weights: np.ndarray, length: int, stride: int, scored: int, step: str
) -> np.ndarray:
    """Ends of the complete windows whose last `scored` observations hold a label of positive weight.

    Args:
        dataset: series.
        inputs: variables that must be complete.
        weights: (obs, target) of `label_weights`.
        length: observations of a window.
        stride: observations between the ends of windows of one unbroken run.
        scored: last observations of a window among which a label must be.
        step: of the clock, see `clock`.
    """
    ends = complete_windows(dataset, inputs, length, stride, step)
    labelled = np.concatenate([[0], np.cumsum((weights > 0).any(axis=1))])
    return ends[labelled[ends + 1] > labelled[ends + 1 - scored]]


def unit_index(row_size: np.ndarray) -> np.ndarray:
    """(obs,) int32 index of the unit of each observation."""
    return np.repeat(np.arange(len(row_size), dtype=np.int32), row_size)


def months(time: np.ndarray, units: str) -> np.ndarray:
    """Calendar month 1..12 of times in `days since 1970-01-01` or `seconds since 1970-01-01`."""
    unit = "D" if units.startswith("days") else "s"
    return np.asarray(time, np.int64).astype(f"datetime64[{unit}]").astype("datetime64[M]").astype(np.int64) % 12 + 1


def share_of_year(time: np.ndarray, units: str) -> np.ndarray:
    """How much of its calendar year has gone by, 0 to 1, at times as in `months`."""
    unit = "D" if units.startswith("days") else "s"
    stamps = np.asarray(time, np.int64).astype(f"datetime64[{unit}]")
    start = stamps.astype("datetime64[Y]")
    length = (start + 1).astype(f"datetime64[{unit}]") - start.astype(f"datetime64[{unit}]")
    return (stamps - start.astype(f"datetime64[{unit}]")).astype(np.int64) / length.astype(np.int64)
