"""Readings of one file in the order of time, a window at a time, whatever its length.

A clock may go backwards by an hour at most: a reading goes to the place of its stamp as long as it is no older than
that against the newest one before it. So what is older than the newest by more than an hour is final.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from landbridge.domains.smart_meters.appliances import MOST_POWER
from landbridge.domains.smart_meters.grid import merge_repeats
from landbridge.domains.smart_meters.text import Batch
from landbridge.stage import StageError

LATEST = 3600  # s that a reading may be older than the newest before it
END_OF_TIME = 4_102_444_800  # s, the year 2100
FAR = np.iinfo(np.int64).max

Readings = tuple[np.ndarray, np.ndarray, np.ndarray]  # time (n,) s, values (k, n) W, masked (n,)


class Stream:
    """Readings of one file.

    Args:
        batches: of the file, in its order.
        where: the file as an error names it.
        columns: what each row of values measures, as counts name it.
        counts: gets what is read, dropped, sorted and averaged.

    Attributes:
        ready: final readings: sorted, each time once, from those asked for last on.
    """

    def __init__(self, batches: Iterator[Batch], where: str, columns: list[str], counts: Counter[str]) -> None:
        self.batches, self.where, self.columns, self.counts = batches, where, columns, counts
        nothing = np.zeros(0, np.int64), np.zeros((len(columns), 0), np.float32), np.zeros(0, bool)
        self.ready: Readings = nothing
        self.waiting: Readings = nothing  # in the order of the file, within an hour of the newest
        self.newest = -FAR
        self.ended = False

    def window(self, start: int, stop: int) -> Readings:
        """Readings of start <= time < stop, s; those before `start` are forgotten.

        Raises:
            StageError: the clock went back too far; the text names file and line.
        """
        while not self.ended and self._final() < stop:
            self._load()
        time, values, masked = self.ready
        begin, end = np.searchsorted(time, [start, stop]).tolist()
        if begin:
            self.ready = time[begin:], values[:, begin:], masked[begin:]
        return time[begin:end], values[:, begin:end], masked[begin:end]

    def next_time(self, start: int) -> int:
        """Time of the first reading at or after `start`; a number beyond all times where there is none."""
        while True:
            place = int(np.searchsorted(self.ready[0], start))
            if place < len(self.ready[0]):
                return int(self.ready[0][place])
            if self.ended:
                return FAR
            self._load()

    def _final(self) -> int:
        """Time before which no reading can come any more."""
        return self.newest - LATEST

    def _load(self) -> None:
        batch = next(self.batches, None)
        if batch is None:
            self.ended, self.newest = True, FAR
            self._settle(self.waiting, FAR)
            return
        if not len(batch.time):
            return
        odd = (batch.time < 0) | (batch.time >= END_OF_TIME)
        if odd.any():
            at = int(np.flatnonzero(odd)[0])
            raise StageError(
                f"{self.where}, line {batch.lines[at]}: the time {batch.time[at]} is not between 1970 and 2100; write "
                f"seconds since 1970"
            )
        newest = np.maximum(np.maximum.accumulate(batch.time), self.newest)
        late = newest - batch.time
        if (late > LATEST).any():
            at = int(np.flatnonzero(late > LATEST)[0])
            raise StageError(
                f"{self.where}, line {batch.lines[at]}: the time {batch.time[at]} is {late[at]} s older than one "
                f"before it; a clock may go back {LATEST} s; sort the file by time or mend this line"
            )
        self.counts["readings"] += len(late)
        self.counts["sorted: readings older than one before"] += int((late > 0).sum())
        self.counts["masked: readings"] += int(batch.masked.sum())
        self._drop_absurd(batch.values)
        self.newest = int(newest[-1])
        parts = (self.waiting[0], batch.time), (self.waiting[1], batch.values), (self.waiting[2], batch.masked)
        time, values, masked = (np.concatenate(pair, axis=-1) for pair in parts)
        self._settle((time, values, masked), self._final())

    def _drop_absurd(self, values: np.ndarray) -> None:
        """Make readings missing that no meter can have, in place."""
        for name, row in zip(self.columns, values, strict=True):
            for reason, wrong in (("negative", row < 0), (f"above {MOST_POWER / 1000:.0f} kW", row > MOST_POWER)):
                if wrong.any():
                    self.counts[f"dropped: {name} {reason}"] += int(wrong.sum())
                    row[wrong] = np.nan

    def _settle(self, readings: Readings, final: int) -> None:
        """Move the readings before `final` to those that are ready."""
        time, values, masked = readings
        done = time < final
        if (time[1:] < time[:-1]).any():
            order = np.argsort(time, kind="stable")
            time, values, masked = time[order], values[:, order], masked[order]
        count = int(done.sum())
        self.waiting = time[count:].copy(), values[:, count:].copy(), masked[count:].copy()
        merged = merge_repeats(time[:count], values[:, :count], masked[:count])
        self.counts["averaged: readings of a time that repeats"] += count - len(merged[0])
        pairs = zip(self.ready, merged, strict=True)
        time, values, masked = (np.concatenate(pair, axis=-1) for pair in pairs)
        self.ready = time, values, masked
