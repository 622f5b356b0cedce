"""Reader of the processed tables of the reference work: speeds by trip, without time of day, place or user.

Zhang et al. (2026), arXiv 2603.00340: MOBIS (29 GB), Geolife and the CarbonClever mini-program. Written from the
documentation, and tried on files made by hand. The tables went through the published filter, which asks for the true
mode, so all that is trained or tested on them inherits that leak: `leakage` says so on every unit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from landbridge.contract import Unit
from landbridge.domains.gps_traces import fixes
from landbridge.domains.gps_traces.legs import LABEL_FREE, PAPER, TRUTH, Truth, long_enough, settings_of_legs, statics
from landbridge.domains.gps_traces.modes import GEOLIFE, class_of
from landbridge.stage import StageError

SETTINGS = {"cleaning": LABEL_FREE, "region": "", "file": None}
TEXT = pa.dictionary(pa.int32(), pa.string())
TYPES = {"time_diff": pa.float64(), "speed": pa.float64(), "traj_id": TEXT, "label": TEXT}
# An empty field is missing; no other word is, for a trip may be named so.
CONVERT = pa.csv.ConvertOptions(
    column_types=TYPES, include_columns=list(TYPES), null_values=[""], strings_can_be_null=True
)
BATCH = 4 << 20  # bytes of text read at a time
GEOLIFE_USER = re.compile(r"Geolife_(\d+)_\d+")


def read_processed_csv(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Trips of a processed table, in the order of the file, which is far too large to be sorted.

    Rows of a trip stand together; a trip that is open at the end of a batch is carried over. Times count from 1970 by
    the sum of `time_diff`, for the file has none; they are only good for differences. The first row of a trip keeps
    its speed, for the fix that it is measured from was taken away by the origin.

    Args:
        folder: holds one table with the columns time_diff (s), speed (km/h), traj_id and label.
        settings: `cleaning`: label_free cuts trips at gaps of 300 s and asks for 10 points and 60 s on top of what the
            origin did; paper takes them as they are, from three points on. `file`: name of the table where the folder
            holds several; `region`: of all trips.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a column is missing, a value can't be used, or a trip has two labels; the text names file and row.
    """
    own = settings_of_legs(settings, SETTINGS)
    path = _table(folder, own["file"])
    truth = Truth(folder)
    for block in _blocks(path, counts):
        yield from _units(path, block, own, truth, counts)


def _table(folder: Path, file: str | None) -> Path:
    if file is not None:
        file = str(file)
        if not (folder / file).is_file():
            raise StageError(f"{folder / file}: not there; put it into this folder, or mend reader_settings: file")
        return folder / file
    found = sorted(path for path in folder.glob("*.csv") if not path.name.startswith(("._", TRUTH.split(".")[0])))
    if len(found) != 1:
        listed = ", ".join(path.name for path in found) or "none"
        raise StageError(f"{folder}: holds {len(found)} tables ({listed}); name one in reader_settings: file")
    return found[0]


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=BATCH),
            convert_options=CONVERT,
        ) as reader:
            yield from reader
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise StageError(
            f"{path}: {error}; its columns are time_diff and speed, which are numbers, traj_id and label"
        ) from error


@dataclass(frozen=True)
class Block:
    """Whole trips, end to end.

    Attributes:
        row: number of the first row in the file, the header being row 1.
        step, speed: (row,) seconds since the row before, and km/h.
        begins: (trip,) place of the first row of each.
        names, labels: of each trip.
    """

    row: int
    step: np.ndarray
    speed: np.ndarray
    begins: np.ndarray
    names: list[str]
    labels: list[str]


def _blocks(path: Path, counts: Counter[str]) -> Iterator[Block]:
    """The whole trips of each batch; a trip that a batch does not end is put before the next batch."""
    row = 2
    held = Block(row, np.zeros(0), np.zeros(0), np.zeros(0, np.int64), [], [])
    for batch in _batches(path):
        block = _joined(path, held, _block(path, batch, row))
        counts["points"] += batch.num_rows
        row += batch.num_rows
        last = int(block.begins[-1]) if len(block.begins) else 0
        if len(block.begins) > 1:
            whole = block.begins[:-1]
            yield Block(block.row, block.step[:last], block.speed[:last], whole, block.names[:-1], block.labels[:-1])
        step, speed = block.step[last:].copy(), block.speed[last:].copy()  # copies: the batch itself may go
        held = Block(block.row + last, step, speed, block.begins[-1:] - last, block.names[-1:], block.labels[-1:])
    if held.names:
        yield held


def _block(path: Path, batch: pa.RecordBatch, row: int) -> Block:
    step, speed = (batch.column(column).to_numpy(zero_copy_only=False) for column in ("time_diff", "speed"))
    trip, words = _codes(path, batch, "traj_id", row)
    mode, labels = _codes(path, batch, "label", row)
    same = trip[1:] == trip[:-1]
    turns = np.flatnonzero(same & (mode[1:] != mode[:-1]))
    if len(turns):
        at = int(turns[0])
        raise _two_labels(path, row + at + 1, words[trip[at]], labels[mode[at]], labels[mode[at + 1]])
    begins = np.flatnonzero(np.concatenate([np.ones(min(len(trip), 1), bool), ~same]))
    names = [words[code] for code in trip[begins].tolist()]
    return Block(row, step, speed, begins, names, [labels[code] for code in mode[begins].tolist()])


def _joined(path: Path, held: Block, block: Block) -> Block:
    """The block with the open trip of the one before in front of it."""
    if not held.names or not block.names:
        return block if block.names else held
    follows = block.names[0] == held.names[0]
    if follows and block.labels[0] != held.labels[0]:
        raise _two_labels(path, block.row, held.names[0], held.labels[0], block.labels[0])
    size, skip = len(held.step), int(follows)
    return Block(
        held.row,
        np.concatenate([held.step, block.step]),
        np.concatenate([held.speed, block.speed]),
        np.concatenate([held.begins, block.begins[skip:] + size]),
        held.names + block.names[skip:],
        held.labels + block.labels[skip:],
    )


def _codes(path: Path, batch: pa.RecordBatch, column: str, row: int) -> tuple[np.ndarray, Sequence[str]]:
    """A column of text as codes and words."""
    array = batch.column(column)
    if array.null_count:
        at = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
        raise StageError(f"{path}, row {row + at}: {column} is empty; every row names its trip and its label")
    return array.indices.to_numpy(), array.dictionary.to_pylist()


def _two_labels(path: Path, row: int, name: str, first: str, second: str) -> StageError:
    return StageError(f"{path}, row {row}: trip {name} is {first} and {second}; a trip has one label")


def _units(path: Path, block: Block, own: Mapping[str, Any], truth: Truth, counts: Counter[str]) -> Iterator[Unit]:
    """The units of a block's trips."""
    step, speed = block.step, block.speed
    if not (step >= 0).all():
        at = int(np.flatnonzero(~(step >= 0))[0])
        raise StageError(f"{path}, row {block.row + at}: time_diff is {step[at]}; write seconds, 0 or more")
    sizes = np.diff(np.append(block.begins, len(step)))
    trip = np.repeat(np.arange(len(sizes)), sizes)
    classes = _classes(path, block, counts)
    first = np.zeros(len(step), bool)
    first[block.begins] = True
    milliseconds = np.rint(1000 * step).astype(np.int64)
    repeated = (milliseconds == 0) & ~first
    known = speed >= 0
    counts["dropped: repeated time"] += int(repeated.sum())
    counts["dropped: no speed, or a negative one"] += int((~known & ~repeated).sum())
    time = np.cumsum(milliseconds)
    time -= np.repeat(time[block.begins], sizes)
    keep = known & ~repeated & (classes[trip] >= 0)
    trip, time, speed = trip[keep], time[keep], speed[keep].astype(np.float32)
    if not len(trip):
        return
    same = trip[1:] == trip[:-1]
    if own["cleaning"] == LABEL_FREE:
        starts = np.flatnonzero(same & (np.diff(time) > fixes.LONGEST_GAP)) + 1
        counts["segments that begin inside a trip"] += len(starts)
        speed[starts] = np.nan
    begins = np.flatnonzero(np.concatenate([[True], ~same]))
    stops = np.append(begins[1:], len(trip)).tolist()
    stamps = time.astype("datetime64[ms]")
    for place in long_enough(time, speed, begins, own["cleaning"], counts).tolist():
        part = slice(int(begins[place]), stops[place])
        number = int(trip[part.start])
        name = block.names[number]
        match = GEOLIFE_USER.fullmatch(name)
        about = {"user": match.group(1).zfill(3) if match else "", "region": own["region"]}
        static = statics(int(classes[number]), block.labels[number], truth.of(name), PAPER, np.nan, about)
        yield Unit(name, stamps[part], {"speed": speed[part]}, static)


def _classes(path: Path, block: Block, counts: Counter[str]) -> np.ndarray:
    """(trip,) class; -1 where the mode is none of the five."""
    found = np.full(len(block.names), -1)
    for place, label in enumerate(block.labels):
        mode = class_of(label.strip().lower(), GEOLIFE, f"{path}, row {block.row + int(block.begins[place])}")
        if mode is None:
            counts[f"dropped: mode {label}"] += 1
        else:
            found[place] = mode
    return found
