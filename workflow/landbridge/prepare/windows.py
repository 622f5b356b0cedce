"""Windows of series by index: which observations end a window that may be trained on or predicted.

A window is named by the index of its last observation; it covers the `length` observations up to and including it.
Nothing is copied, so that a series can stay one contiguous array on the device. Where windows may be padded the last
one of an unbroken run is shorter: it covers fewer observations, and what is missing at its end is masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.io import mapped
from landbridge.stage import StageError

IRREGULAR = "irregular"  # step of a series whose observations come when they come
RUN_BYTES = 64  # that finding the runs takes for each observation
SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def clock(time: np.ndarray, step: str) -> np.ndarray:
    """Steps since 1970-01-01, int64, so that neighbours differ by one.

    Args:
        time: (obs,) days for the steps `day` and `month`, seconds for finer ones.
        step: `day`, `month`, `irregular` (ticks are those of the time axis), or a number and a unit such as
            `6 second`, `30 minute`.

    Raises:
        StageError: an unknown step.
    """
    if step in ("day", IRREGULAR):
        return np.asarray(time, np.int64)
    if step == "month":
        return np.asarray(time, "datetime64[D]").astype("datetime64[M]").astype(np.int64)
    number, _, unit = step.rpartition(" ")
    if unit not in SECONDS or not (number or "1").isdigit():
        raise StageError(
            f"step '{step}' is not known; write day, month, irregular, or a number and {', '.join(SECONDS)}"
        )
    return np.asarray(time, np.int64) // (int(number or 1) * SECONDS[unit])


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


def complete_runs(dataset: Dataset, inputs: Sequence[str], step: str) -> Iterator[tuple[int, np.ndarray]]:
    """Length of the run of complete, evenly spaced observations that ends at each one, part by part.

    Where the step is irregular any two neighbours follow on from each other; a missing input ends the run.

    Yields:
        The first observation of a part, and the lengths of its runs (n,) int64. Runs go on from part to part.
    """
    row_size = dataset["row_size"]
    firsts = (np.cumsum(row_size, dtype=np.int64) - row_size)[row_size > 0]
    before = 0  # length of the run that ends with the last part
    for rows in mapped.blocks(int(row_size.sum()), RUN_BYTES):
        start, stop = rows.start, rows.stop
        good = np.ones(stop - start, bool)
        for name in inputs:
            good &= np.isfinite(dataset[name][rows])
        breaks = np.zeros(stop - start, bool)
        breaks[firsts[np.searchsorted(firsts, start) : np.searchsorted(firsts, stop)] - start] = True
        if step != IRREGULAR:
            begin = max(start - 1, 0)
            ticks = clock(dataset["time"][begin:stop], step)
            breaks[begin + 1 - start :] |= np.diff(ticks) != 1
        runs = run_lengths(good, breaks)
        ended = ~good | breaks
        first_end = int(np.argmax(ended)) if ended.any() else len(ended)
        runs[:first_end] += before
        before = int(runs[-1])
        yield start, runs


@dataclass(frozen=True)
class Grid:
    """How windows lie over an unbroken run of observations.

    Attributes:
        length: observations of a window.
        stride: observations between the beginnings of windows of one run.
        shortest: None where every window must be full. Otherwise windows begin every `stride` until one reaches the
            end of the run, the last one has what is left, and one of fewer observations than this is left out.
    """

    length: int
    stride: int = 1
    shortest: int | None = None

    @classmethod
    def of(cls, window: Mapping[str, Any], stride: str = "stride") -> Grid:
        """The grid that a scenario's `window:` describes, with the stride of that name."""
        return cls(window["length"], window[stride], window.get("shortest") if window.get("pad") else None)


@dataclass(frozen=True)
class Rows:
    """Rows to predict: steps of complete windows.

    Attributes:
        ends, sizes: (row,) last observation of the row's window, and how many the window covers.
        back: (row,) observations from the row to the end of its window.
    """

    ends: np.ndarray
    sizes: np.ndarray
    back: np.ndarray

    @property
    def observations(self) -> np.ndarray:
        """(row,) observation that each row is about."""
        return self.ends - self.back


def rows_to_predict(dataset: Dataset, inputs: Sequence[str], window: Mapping[str, Any], step: str) -> Rows:
    """Every step that a scenario's `window:` predicts, in order; labels play no part."""
    ends, sizes = complete_windows(dataset, inputs, Grid.of(window, "predict_stride"), step)
    lookahead, predicted = window.get("lookahead", 0), window.get("predicted", 1)
    back = lookahead + np.arange(predicted - 1, -1, -1)
    return Rows(np.repeat(ends, predicted), np.repeat(sizes, predicted), np.tile(back, len(ends)))


def complete_windows(dataset: Dataset, inputs: Sequence[str], grid: Grid, step: str) -> tuple[np.ndarray, np.ndarray]:
    """Ends and sizes (window,) int64 of windows without a missing input or a gap, inside one unit."""
    found = [np.zeros(0, np.int64)]
    lasts, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]  # of runs: last observation, and how many
    before, observations = np.zeros(1, np.int64), 0
    for start, runs in complete_runs(dataset, inputs, step):
        found.append(start + np.flatnonzero((runs >= grid.length) & ((runs - grid.length) % grid.stride == 0)))
        if grid.shortest is not None:
            shifted = np.append(before, runs)
            ended = np.flatnonzero((shifted[:-1] > 0) & (shifted[1:] <= 1))
            lasts.append(start - 1 + ended)
            numbers.append(shifted[ended])
            before, observations = runs[-1:], start + len(runs)
    full = np.concatenate(found)
    sizes = np.full(len(full), grid.length, np.int64)
    if grid.shortest is None:
        return full, sizes
    if before[0] > 0:
        lasts.append(np.array([observations - 1]))
        numbers.append(before)
    last, number = np.concatenate(lasts), np.concatenate(numbers)
    # n observations take 1 window if they fit into it, else as many as begin before the run is covered.
    begun = np.maximum(-(-(number - grid.length) // grid.stride), 0)
    rest = number - begun * grid.stride
    kept = (rest >= grid.shortest) & (rest != grid.length)  # a last window that is full has been found already
    ends = np.concatenate([full, last[kept]])
    order = np.argsort(ends)
    return ends[order], np.concatenate([sizes, rest[kept]])[order]


def label_weights(
    dataset: Dataset, targets: Sequence[str], quality: str | None, rows: slice = slice(None)
) -> np.ndarray:
    """(obs, target) float32 weights of labels on `obs`: 0 where missing, else the quality in 0..1, or 1 without one.

    Args:
        dataset: series.
        targets: variables on `obs`.
        quality: variable on `obs`.
        rows: observations that are wanted.
    """
    labels = np.stack([dataset[name][rows] for name in targets], axis=1)
    weights = np.isfinite(labels).astype(np.float32)
    if quality is not None and quality in dataset:
        weights *= np.nan_to_num(np.clip(dataset[quality][rows], 0, 1), nan=0.0)[:, None]
    return weights


def training_windows(
    dataset: Dataset,
    inputs: Sequence[str],
    weights: np.ndarray,
    grid: Grid,
    scored: int,
    step: str,
    lookahead: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Ends and sizes of the complete windows whose `scored` observations hold a label of positive weight.

    Args:
        dataset: series.
        inputs: variables that must be complete.
        weights: (obs, target) of `label_weights`.
        grid: how windows lie.
        scored: observations of a window among which a label must be.
        step: of the clock, see `clock`.
        lookahead: observations of the window after those.
    """
    ends, sizes = complete_windows(dataset, inputs, grid, step)
    labelled = mapped.empty_beside(weights, (len(weights) + 1,), np.int64)  # before each observation
    labelled[0] = 0
    for rows in mapped.blocks(len(weights), 8):
        counts = np.cumsum((weights[rows] > 0).any(axis=1))
        labelled[rows.start + 1 : rows.stop + 1] = labelled[rows.start] + counts
    last = ends - lookahead
    kept = labelled[last + 1] > labelled[last + 1 - scored]
    return ends[kept], sizes[kept]


def unit_index(row_size: np.ndarray, rows: slice | None = None) -> np.ndarray:
    """(obs,) int32 index of the unit of each observation, or of those in `rows`."""
    if rows is None:
        return np.repeat(np.arange(len(row_size), dtype=np.int32), row_size)
    stops = np.cumsum(row_size, dtype=np.int64)
    return np.searchsorted(stops, np.arange(rows.start, rows.stop), side="right").astype(np.int32)


def months(time: np.ndarray) -> np.ndarray:
    """Calendar month 1..12 of datetime64."""
    return time.astype("datetime64[M]").astype(np.int64) % 12 + 1


def share_of_year(time: np.ndarray) -> np.ndarray:
    """How much of its calendar year has gone by, 0 to 1, at each datetime64."""
    start = time.astype("datetime64[Y]")
    length = (start + 1).astype(time.dtype) - start.astype(time.dtype)
    return (time - start.astype(time.dtype)).astype(np.int64) / length.astype(np.int64)
