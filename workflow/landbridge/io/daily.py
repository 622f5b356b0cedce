"""Daily tables as text, as networks of flux towers write them: days, numbers, and an unbroken axis of days."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from landbridge.stage import StageError

log = logging.getLogger(__name__)

MISSING = -9999.0


def days_of(words: Sequence[str], where: Path, column: str = "TIMESTAMP") -> np.ndarray:
    """Days written YYYYMMDD, as datetime64[D]; the first word stands in line 2 of the file.

    Raises:
        StageError: a word that is no day, such as the stamp of a half-hour; the text names file and line.
    """
    for line, word in enumerate(words, start=2):
        if not (len(word) == 8 and word.isdigit()):
            why = "; this is a stamp of a half-hour, so hand in the daily file" if len(word) >= 12 else ""
            raise StageError(f"{where}, line {line}: {column} '{word}' is no day written YYYYMMDD{why}")
    try:
        return np.array([f"{word[:4]}-{word[4:6]}-{word[6:]}" for word in words], "datetime64[D]")
    except ValueError as error:
        raise StageError(f"{where}: {error}; {column} is written YYYYMMDD") from error


def numbers_of(words: Sequence[str], where: Path, column: str) -> np.ndarray:
    """Numbers of a column; -9999 in any spelling, and an empty field, are NaN.

    Raises:
        StageError: a word that is no number; the text names file, line and column.
    """
    try:
        values = np.array([word.strip() or "nan" for word in words]).astype(np.float64)
    except ValueError:
        for line, word in enumerate(words, start=2):
            try:
                float(word.strip() or "nan")
            except ValueError:
                raise StageError(
                    f"{where}, line {line}: {column} is '{word}'; write a number, -9999, or nothing"
                ) from None
        raise
    values[values == MISSING] = np.nan
    return values


def in_order(
    days: np.ndarray, columns: Mapping[str, np.ndarray], where: Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows in the order of time, each day once; what was sorted or dropped is logged.

    Raises:
        StageError: a day that comes twice with different values.
    """
    order = np.argsort(days, kind="stable")
    if (np.diff(order) != 1).any():
        log.warning("%s: its rows are not in the order of time; sorted", where)
    days, sorted_columns = days[order], {column: values[order] for column, values in columns.items()}
    first = np.concatenate([[True], days[1:] != days[:-1]])[: len(days)]
    again = np.flatnonzero(~first)
    for column, values in sorted_columns.items():
        here, before = values[again], values[again - 1]
        differ = again[~((here == before) | (np.isnan(here) & np.isnan(before)))]
        if len(differ):
            raise StageError(
                f"{where}: the day {days[differ[0]]} comes twice with different {column}; remove the row that is wrong"
            )
    if len(again):
        log.warning("%s: %d rows repeat a day with equal values; dropped", where, len(again))
    return days[first], {column: values[first] for column, values in sorted_columns.items()}


def place(time: np.ndarray, days: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values of some days on a contiguous axis of days, float32; NaN elsewhere."""
    column = np.full(len(time), np.nan, np.float32)
    inside = (days >= time[0]) & (days <= time[-1])
    column[(days[inside] - time[0]).astype(int)] = values[inside]
    return column


def season(time: np.ndarray) -> dict[str, np.ndarray]:
    """`day_of_year_sine` and `day_of_year_cosine` (obs,) float32: the end of a year lies beside its beginning.

    Of the middle of each day, a year of 365.25 days being the circle.
    """
    days = time.astype("datetime64[D]")
    phase = 2 * np.pi * ((days - days.astype("datetime64[Y]")).astype(int) + 0.5) / 365.25
    return {
        "day_of_year_sine": np.sin(phase).astype(np.float32),
        "day_of_year_cosine": np.cos(phase).astype(np.float32),
    }
