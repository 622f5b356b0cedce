"""What meters make of a home's power, and the truth beside it: readings are means of the time until the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landbridge.domains.smart_meters.household import METERED, Calendar, Home
from landbridge.domains.smart_meters.machines import DAY

BLOCK_DAYS = 7  # of a home in memory at a time
PAD = 60  # s after a block that its last readings may reach into
BIN = 10  # s of a row of the truth


@dataclass(frozen=True)
class Plan:
    """What is asked of a layout's writer.

    Attributes:
        dataset, seed: keys of the random streams.
        country: `a` or `b`.
        homes, days: how many.
        unrelated: sub-meters hang in another home than the mains.
        defects: what goes wrong with meters goes wrong.
        truth: `truth.parquet` is written.
    """

    dataset: str
    seed: int
    country: str
    homes: int
    days: int
    unrelated: bool
    defects: bool
    truth: bool


@dataclass(frozen=True)
class House:
    """A house of the twin: the home that its mains feed, that which its sub-meters hang in, and its quirks.

    Attributes:
        number: as in the layout.
        own, metered: homes; one and the same unless the twin is `unrelated`.
        drifts: its dishwasher is replaced half-way.
        swaps: two of its columns are swapped for a day.
    """

    number: int
    own: Home
    metered: Home
    drifts: bool
    swaps: bool


@dataclass(frozen=True)
class Block:
    """Some days of a home, each second of them and of the `PAD` that follows.

    Attributes:
        begin, end: s since the beginning of the record.
        own: power of the legs of each machine that feeds the mains, (second,) W each.
        metered: the same of the machines that have sub-meters; the same object unless they hang in another home.
    """

    begin: int
    end: int
    own: Mapping[str, Sequence[np.ndarray]]
    metered: Mapping[str, Sequence[np.ndarray]]

    def means(self, power: np.ndarray, times: np.ndarray, following: int) -> np.ndarray:
        """(reading,) mean W from each time to the next one, from the last to `following`, all s of the record."""
        energy = np.concatenate([[0.0], np.cumsum(power)])
        borders = np.append(times, following)
        return np.diff(energy[borders - self.begin]) / np.diff(borders)


def blocks(own: Home, metered: Home, days: Calendar) -> Iterator[Block]:
    """The record in blocks of days."""
    for begin in range(0, days.length, BLOCK_DAYS * DAY):
        end = min(begin + BLOCK_DAYS * DAY, days.length)
        power = _legs(own, begin, end)
        yield Block(begin, end, power, power if metered is own else _legs(metered, begin, end))


def _legs(home: Home, begin: int, end: int) -> dict[str, list[np.ndarray]]:
    return {name: [leg.power(begin, end + PAD) for leg in machine.legs] for name, machine in home.machines.items()}


def noisy(watts: np.ndarray, noise: Sequence[float], random: np.random.Generator) -> np.ndarray:
    """Readings with noise of standard deviation noise[0] of them and noise[1] W; what is off stays 0, none is below."""
    spread = noise[0] * watts + noise[1]
    return np.where(watts > 0, np.maximum(watts + spread * random.normal(size=len(watts)), 0), 0)


class TruthWriter:
    """Writes `truth.parquet`: home, time (UTC s, left edge of 10-s bins), mean W of each appliance or NaN.

    Rows come sorted, a row group for each block.
    """

    def __init__(self, path: Path) -> None:
        powers = [(name, pa.float32()) for name in METERED]
        self.schema = pa.schema([("home", pa.int64()), ("time", pa.int64()), *powers])
        self.writer = pq.ParquetWriter(
            path,
            self.schema,
            compression="zstd",
            use_dictionary=["home", *METERED],
            column_encoding={"time": "DELTA_BINARY_PACKED"},
        )

    def add(self, home: int, first: int, block: Block) -> None:
        """Append one block of home number `home`, whose record begins at `first`, s since 1970-01-01."""
        size = block.end - block.begin
        time = first + np.arange(block.begin, block.end, BIN)
        columns = [np.full(len(time), home), time]
        for name in METERED:
            power = np.full(size, np.nan)
            if name in block.metered:
                power = np.sum([leg[:size] for leg in block.metered[name]], axis=0)
            columns.append(power.reshape(-1, BIN).mean(axis=1))
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, self.schema, strict=True)]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))

    def __enter__(self) -> TruthWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()
