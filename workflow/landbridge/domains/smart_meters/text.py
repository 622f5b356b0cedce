"""Tables of text in batches of arrays: whole blocks at a time, and line by line where a block holds a broken line.

What becomes of faults: a last line without its end may be cut anywhere, so it is dropped, as is a broken last line; a
header that comes again and blank lines are skipped; line ends may be mixed. All but blank lines are counted. Any other
broken line is refused with its number.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from landbridge.stage import StageError

BLOCK = 8 << 20  # bytes of text parsed at a time


@dataclass(frozen=True)
class Layout:
    """Columns of a table.

    Attributes:
        columns: all of them, in the order of the file.
        time: the column that holds the time: s since 1970, or text YYYY-MM-DD hh:mm:ss if `clock`.
        values: columns to read, in the order wanted; an empty field is missing.
        mask: column whose readings count unless it is 0; "" for none.
        delimiter: one character; a space stands for any blanks, and then no field may be empty.
        clock: whether time is text.
        header: line that may come again; "" for none.
    """

    columns: Sequence[str]
    time: str
    values: Sequence[str]
    mask: str = ""
    delimiter: str = ","
    clock: bool = False
    header: str = ""

    @property
    def types(self) -> dict[str, Any]:
        """Types of the columns that are read."""
        time = pa.timestamp("s") if self.clock else pa.int64()
        mask = {self.mask: pa.float32()} if self.mask else {}
        return {self.time: time, **dict.fromkeys(self.values, pa.float32()), **mask}


@dataclass(frozen=True)
class Batch:
    """Readings as they stand in a file.

    Attributes:
        lines: (n,) number of the line of each.
        time: (n,) s since 1970.
        values: (k, n) float32 W; missing is NaN.
        masked: (n,) bool.
    """

    lines: np.ndarray
    time: np.ndarray
    values: np.ndarray
    masked: np.ndarray


def read_batches(
    handle: IO[bytes] | gzip.GzipFile, where: str, layout: Layout, line: int, counts: Counter[str]
) -> Iterator[Batch]:
    """The rest of a file, from its line `line` on, in its own order.

    Raises:
        StageError: a broken line before the last; the text names file and line.
    """
    rest = b""
    while True:
        try:
            block = handle.read(BLOCK)
        except (OSError, EOFError) as error:  # of archives that are damaged
            raise StageError(f"{where}: can't be unpacked ({error}); fetch it again") from error
        if not block:
            break
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest += block
            if len(rest) > BLOCK:
                raise StageError(
                    f"{where}, line {line}: has more than {BLOCK >> 20} MB; end each line with a line feed"
                )
            continue
        body, rest = rest + block[:cut], block[cut:]
        # One byte more tells whether a broken line is the last of the file.
        ahead = b"" if rest else handle.read(1)
        rest += ahead
        yield _parse(body, where, layout, line, not rest, counts)
        line += body.count(b"\n")
    if b"\r" in rest.strip():
        raise StageError(f"{where}, line {line}: ends in a carriage return alone; end each line with a line feed")
    if rest.strip():
        counts["dropped: last line, cut"] += 1


def _parse(body: bytes, where: str, layout: Layout, line: int, last: bool, counts: Counter[str]) -> Batch:
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(body),
            read_options=pa.csv.ReadOptions(column_names=layout.columns, use_threads=False, block_size=len(body) + 1),
            parse_options=pa.csv.ParseOptions(delimiter=layout.delimiter, quote_char=False),
            convert_options=pa.csv.ConvertOptions(column_types=layout.types, include_columns=list(layout.types)),
        )
    except pa.ArrowInvalid:
        return _by_line(body, where, layout, line, last, counts)
    columns = {name: table.column(name).combine_chunks() for name in layout.types}
    # Lines that the parser skipped would shift the numbers of those after them.
    if columns[layout.time].null_count or table.num_rows != body.count(b"\n"):
        return _by_line(body, where, layout, line, last, counts)
    values = np.empty((len(layout.values), table.num_rows), np.float32)
    for row, name in enumerate(layout.values):
        values[row] = columns[name].to_numpy(zero_copy_only=False)
        if layout.delimiter == " " and columns[name].null_count:  # blanks part fields, so none can be empty
            return _by_line(body, where, layout, line, last, counts)
    time = columns[layout.time].cast(pa.int64()).to_numpy()
    masked = np.zeros(len(time), bool)
    if layout.mask:
        masked = columns[layout.mask].to_numpy(zero_copy_only=False) != 0  # a missing one counts as set
    return Batch(np.arange(line, line + len(time)), time, values, masked)


def _by_line(body: bytes, where: str, layout: Layout, line: int, last: bool, counts: Counter[str]) -> Batch:
    """The same, line by line."""
    places = [list(layout.columns).index(name) for name in layout.types]
    text = [(line + at, part.decode(errors="replace").strip()) for at, part in enumerate(body.split(b"\n")[:-1])]
    split = [(number, part) for number, words in text for part in words.split("\r") if part.strip()]
    lines, rows = [], []
    for index, (number, words) in enumerate(split):
        if words.strip() == layout.header:
            counts["dropped: header line that comes again"] += 1
            continue
        fields = words.split(None if layout.delimiter == " " else layout.delimiter)
        try:
            if len(fields) != len(layout.columns):
                raise ValueError(f"has {len(fields)} fields")
            rows.append(_numbers([fields[place].strip() for place in places], layout))
            lines.append(number)
        except ValueError as error:
            if last and index == len(split) - 1:
                counts["dropped: last line, cut"] += 1
                break
            raise StageError(
                f"{where}, line {number}: '{words[:100]}' {error}; {len(layout.columns)} fields are wanted: "
                f"{', '.join(layout.columns)}, the values in W"
            ) from error
    time = np.array([row[0] for row in rows], np.int64)
    table = np.array([row[1:] for row in rows], np.float32).reshape(len(rows), len(places) - 1).T
    count = len(layout.values)
    masked = table[count] != 0 if layout.mask else np.zeros(len(rows), bool)
    return Batch(np.array(lines, np.int64), time, np.ascontiguousarray(table[:count]), masked)


def _numbers(fields: Sequence[str], layout: Layout) -> list[float]:
    """Numbers of a row: time first; raises ValueError."""
    time = int(np.datetime64(fields[0], "s").astype(np.int64)) if layout.clock else int(fields[0])
    if layout.clock and len(fields[0]) < len("YYYY-MM-DD"):
        raise ValueError(f"has the time '{fields[0]}'")
    return [time, *(float(field or "nan") for field in fields[1:])]
