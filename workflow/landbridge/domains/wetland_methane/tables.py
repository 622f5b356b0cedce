"""Tables of days as CSV: header and rows, one tower's record, and the unit of a water table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.wetland_methane import sites
from landbridge.domains.wetland_methane.ranges import FEWEST, check
from landbridge.io.daily import days_of, in_order, numbers_of
from landbridge.stage import StageError

CENTIMETRES = {"m": 100.0, "cm": 1.0}
LEAST_SPREAD = 3.0  # cm, between the 1st and 99th percentile of a year's water table; less was given in m


@dataclass(frozen=True)
class Record:
    """One tower's table.

    Attributes:
        where: file that it stands in.
        site: id as the table or the file's name has it.
        days: (row,) datetime64[D], growing, each once.
        columns: (row,) float64 by column name; missing is NaN.
    """

    where: Path
    site: str
    days: np.ndarray
    columns: Mapping[str, np.ndarray]


def read_rows(path: Path, wanted: Sequence[str], needed: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header in capitals and rows of a CSV, short rows filled up.

    Args:
        path: file.
        wanted: columns that may be read, so may not come twice.
        needed: columns that must be there.

    Raises:
        StageError: no such column, one that comes twice, or no row.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as handle:
        rows = [row for row in csv.reader(handle) if row]
    header = [word.strip().upper() for word in rows[0]] if rows else []
    absent = [column for column in needed if column not in header]
    if absent:
        half = "TIMESTAMP_START" in header
        why = "it is half-hourly: hand in the daily file" if half else f"it has {', '.join(header[:12]) or 'nothing'}"
        raise StageError(f"{path}: no column {', '.join(absent)}; {why}")
    if len(rows) < 2:
        raise StageError(f"{path}: has a header and no row; fetch it again")
    twice = [column for column in wanted if header.count(column) > 1]
    if twice:
        raise StageError(f"{path}: column {', '.join(twice)} comes twice; keep one")
    return header, [row + [""] * (len(header) - len(row)) for row in rows[1:]]


def record_of(path: Path, site: str, header: list[str], rows: list[list[str]], columns: Sequence[str]) -> Record:
    """The rows of one tower, in the order of time, with those of `columns` that the table has."""
    days = days_of([row[header.index("TIMESTAMP")].strip() for row in rows], path)
    values = {
        column: numbers_of([row[header.index(column)] for row in rows], path, column)
        for column in columns
        if column in header
    }
    return Record(path, site, *in_order(days, values, path))


def water_table(values: np.ndarray, given: Any, site: str, default: str, where: str) -> np.ndarray:
    """A water table in cm, positive above the surface.

    Args:
        values: as the table has them.
        given: m or cm, for all towers or by id.
        site: id of the tower.
        default: of towers that `given` does not name.
        where: file and column.

    Raises:
        StageError: an unknown unit; values that can't be cm; or "cm" that stay within 3 cm all year.
    """
    unit = given
    if isinstance(given, Mapping):
        unit = {sites.site_id(str(name)): value for name, value in given.items()}.get(site, default)
    if unit not in CENTIMETRES:
        raise StageError(f"reader_settings: water_table_units of {site} is {unit!r}; write m or cm")
    found = values * CENTIMETRES[unit]
    fix = f"Write reader_settings: {{water_table_units: {{{site}: {'m' if unit == 'cm' else 'cm'}}}}}"
    check("water_table", found, where, fix)
    known = found[np.isfinite(found)]
    if unit == "cm" and len(known) >= FEWEST:
        low, high = np.percentile(known, [1, 99])
        if high - low < LEAST_SPREAD:
            raise StageError(f"{where} stays between {low:.2f} and {high:.2f} cm all year: is it in m? {fix}")
    return found
