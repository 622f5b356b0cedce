"""Columns of CarbonFluxBench's parquet files as arrays, with errors that name file, column and fix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from landbridge.domains.flux_towers import towers
from landbridge.stage import StageError

VALUES_IN_MEMORY = 48_000_000  # of a feature file, read for some towers at a time


def columns_of(path: Path) -> list[str]:
    """Names of a file's columns.

    Raises:
        StageError: it is not there, or not parquet.
    """
    if not path.is_file():
        raise StageError(f"{path}: not there; CarbonFluxBench's files must lie in this folder under their own names")
    try:
        return pq.read_schema(path).names
    except pa.ArrowInvalid as error:
        raise StageError(f"{path}: not a parquet file ({error}); fetch it again") from error


def check(path: Path, texts: Sequence[str], numbers: Sequence[str]) -> None:
    """Refuse a file that lacks a column, or whose numbers are text.

    Raises:
        StageError: names file and columns.
    """
    present = columns_of(path)
    absent = [column for column in (*texts, *numbers) if column not in present]
    if absent:
        shown = ", ".join(present[:20]) + (" and more" if len(present) > 20 else "")
        raise StageError(f"{path}: no column {', '.join(absent)}; it has {shown}")
    schema = pq.read_schema(path)
    wrong = [
        f"{column} ({schema.field(column).type})"
        for column in numbers
        if not (pa.types.is_floating(schema.field(column).type) or pa.types.is_integer(schema.field(column).type))
    ]
    if wrong:
        raise StageError(f"{path}: {', '.join(wrong)} must hold numbers; write the file again with float columns")


def numbers(table: pa.Table, column: str) -> np.ndarray:
    """A column as numbers, missing as NaN."""
    return table[column].to_numpy(zero_copy_only=False)


def days(column: pa.ChunkedArray, path: Path) -> np.ndarray:
    """Dates given as YYYYMMDD numbers, text or dates, as datetime64[D].

    Raises:
        StageError: a stamp that is no day, such as one of a half-hour.
    """
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return column.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    encoded = pc.dictionary_encode(column).combine_chunks()
    words = [str(word).replace("-", "")[:14] for word in encoded.dictionary.to_pylist()]
    bad = [word for word in words if not (len(word) == 8 and word.isdigit())]
    if bad:
        why = ", a stamp of a part of a day: hand in the daily file" if bad[0].isdigit() and len(bad[0]) > 8 else ""
        raise StageError(f"{path}: {column.type} '{bad[0]}' is no day written YYYYMMDD{why}")
    try:
        parsed = np.array([f"{word[:4]}-{word[4:6]}-{word[6:]}" for word in words], "datetime64[D]")
    except ValueError as error:
        raise StageError(f"{path}: {error}; dates are written YYYYMMDD") from error
    return parsed[encoded.indices.to_numpy(zero_copy_only=False)]


def text_codes(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The words of a text column, and the number of each row's word; missing is the word ""."""
    encoded = pc.dictionary_encode(column.fill_null("")).combine_chunks()
    return [str(word) for word in encoded.dictionary.to_pylist()], encoded.indices.to_numpy(zero_copy_only=False)


class Features:
    """A feature file by tower; only the columns of some towers are in memory at a time.

    Args:
        path: parquet with `site`, `date` (or another name of it) and feature columns; sites may carry network prefixes.
        columns: features to read.
        order: towers in the order in which they will be asked for.
        date: column of the day.
    """

    def __init__(self, path: Path, columns: Sequence[str], order: Sequence[str], date: str = "date") -> None:
        check(path, ["site", date], columns)
        self.path, self.columns, self.date = path, list(columns), date
        words, codes = text_codes(pq.read_table(path, columns=["site"])["site"])
        ids = [towers.site_id(word) for word in words]
        spelling = towers.one_spelling([*order, *ids])
        self.words: dict[str, list[str]] = {}
        for word, name in zip(words, ids, strict=True):
            self.words.setdefault(spelling[name], []).append(word)
        rows = np.bincount(codes, minlength=len(words))
        sizes = {name: int(sum(rows[words.index(word)] for word in own)) for name, own in self.words.items()}
        self.batch_of: dict[str, int] = {}
        self.batches: list[list[str]] = []
        filled = VALUES_IN_MEMORY + 1
        for name in order:
            if name not in self.words:
                continue
            filled += sizes[name] * len(self.columns)
            if filled > VALUES_IN_MEMORY:
                self.batches.append([])
                filled = sizes[name] * len(self.columns)
            self.batch_of[name] = len(self.batches) - 1
            self.batches[-1].append(name)
        self.loaded = -1
        self.bounds: dict[str, tuple[int, int]] = {}
        self.days: np.ndarray = np.zeros(0, "datetime64[D]")
        self.values: dict[str, np.ndarray] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.batch_of

    def rows(self, name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Days of one tower, growing and each once (the first of equal ones), and the columns on them."""
        if self.batch_of[name] != self.loaded:
            self._load(self.batch_of[name])
        start, stop = self.bounds[name]
        own = self.days[start:stop]
        first = np.concatenate([[True], own[1:] != own[:-1]])
        return own[first], {column: values[start:stop][first] for column, values in self.values.items()}

    def _load(self, number: int) -> None:
        names = self.batches[number]
        wanted = {word: code for code, name in enumerate(names) for word in self.words[name]}
        whole = len(self.batches) == 1
        selection = None if whole else pads.field("site").isin(list(wanted))
        table = pads.dataset(self.path).to_table(columns=["site", self.date, *self.columns], filter=selection)
        words, codes = text_codes(table["site"])
        code_of = np.array([wanted.get(word, -1) for word in words])
        tower, found = code_of[codes], days(table[self.date], self.path)
        order = np.lexsort((found, tower))
        order = order[tower[order] >= 0]
        if len(order) == len(tower) and (np.diff(order) == 1).all():
            self.values = {column: numbers(table, column) for column in self.columns}
        else:
            self.values = {column: numbers(table, column)[order] for column in self.columns}
        self.days = found[order]
        tower = tower[order]
        starts = np.searchsorted(tower, np.arange(len(names) + 1))
        self.bounds = {name: (int(starts[i]), int(starts[i + 1])) for i, name in enumerate(names)}
        self.loaded = number
