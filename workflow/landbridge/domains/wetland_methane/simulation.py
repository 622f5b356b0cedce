"""The simulation of X-MethaneWet: TEM-MDM on a grid (Sun et al. 2025, arXiv 2505.18355).

Files of a folder, on one grid: static ones, two tables of yearly gases, and for each year four daily drivers, monthly
NPP and daily emission, arrays (lat, lon, month 12, day 31). Written from documentation, untried on a published file.

The calendar. Published arrays stand for years of 365 days: dates that no month has are masked, and 29 February is
dropped. An axis of days without it would break every window that holds it, so a leap year has its 366 days here: the
drivers of 29 February are the means of those of its neighbours, its emission is missing.
"""

from __future__ import annotations

import calendar
import itertools
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landbridge.domains.wetland_methane.grids import Field, Grid, check_direction, check_elevation
from landbridge.domains.wetland_methane.ranges import RANGES, Watch, check
from landbridge.stage import StageError

log = logging.getLogger(__name__)

STATICS = {  # canonical name: file and variable
    "elevation": "clelev",
    "soil_texture": "clfaotxt",
    "vegetation": "cltveg",
    "soil_ph": "phh2o",
    "bulk_density": "topsoil_bulk_density",
    "vegetation_type_11": "vegetation_type_11",
    "wetland_type": "wetlandtype",
    "climate_type": "climatetype",
}
DAILY = {  # canonical name: variable and the file of a year
    "precipitation": ("PREC", "daily_ecmwf_PREC_{}.nc"),
    "shortwave": ("SOLR", "daily_ecmwf_SOLR_{}.nc"),
    "air_temperature": ("TAIR", "daily_ecmwf_TAIR_{}.nc"),
    "vapour_pressure": ("VAPR", "daily_ecmwf_VAPR_{}.nc"),
    "ch4_flux": ("CH4_emission", "CH4_emission_intensity_{}.nc"),
}
MONTHLY = {"npp": ("NPP", "monthly_NPP_{}.nc")}
GASES = {"ch4_air": "ch4-*.txt", "co2_air": "kco2*.txt"}
EMISSION = re.compile(r"CH4_emission_intensity_(\d{4})\.nc")
DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
LEAP = 59  # place of 29 February in a leap year
KEPT_BYTES, READ_BYTES = 256 << 20, 96 << 20  # of cells that wait for their years, and of one read
IMPOSSIBLE = "dropped: values on dates that no month has"


@dataclass(frozen=True)
class Cells:
    """Some cells, in the order of rows, then columns: (cell,) indices from the south and from the west."""

    rows: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> Cells:
        """The cells from `start` up to `stop`."""
        return Cells(self.rows[start:stop], self.columns[start:stop])


class Simulation:
    """The files of a folder, checked; nothing but static fields is in memory.

    Args:
        folder: of the files.
        scale: factor by variable of a file, such as {"phh2o": 0.1}.
        npp: time that NPP is given per, `month` or `day`.
        counts: gets what was dropped.

    Attributes:
        grid: centres of cells.
        statics: (lat, lon) by canonical name.
        years: that have a file of emission, growing.

    Raises:
        StageError: a file is missing, or can't be what its name says.
    """

    def __init__(self, folder: Path, scale: Mapping[str, float], npp: str, counts: Counter[str]) -> None:
        self.folder, self.scale, self.npp, self.counts = folder, dict(scale), npp, counts
        if not folder.is_dir():
            raise StageError(f"{folder}: not there; it holds clelev.nc and the other files of the simulation")
        known = [*STATICS.values(), *(name for name, _ in (DAILY | MONTHLY).values())]
        unknown = [name for name in self.scale if name not in known]
        if unknown:
            raise StageError(f"reader_settings: scale: {', '.join(unknown)} is not known; write {', '.join(known)}")
        self.years = sorted(
            int(match.group(1)) for path in folder.iterdir() if (match := EMISSION.fullmatch(path.name))
        )
        if not self.years:
            raise StageError(f"{folder}: no file CH4_emission_intensity_YYYY.nc")
        self.statics: dict[str, np.ndarray] = {}
        for name, variable in STATICS.items():
            field = Field(folder / f"{variable}.nc", variable, ("lat", "lon"))
            if name == "elevation":
                check_elevation(field)
                self.grid: Grid = field.grid
            self._accept(field)
            self.statics[name] = field.read(0, len(self.grid.lat)) * np.float32(self.scale.get(variable, 1))
            field.close()
            if name in RANGES:
                check(name, self.statics[name], f"{field.path}: {variable}", self._fix(variable))
        self.gases = {name: _yearly(folder, pattern, name) for name, pattern in GASES.items()}
        for name, found in self.gases.items():
            without = [year for year in self.years if year not in found]
            if without:
                raise StageError(f"{folder}: {GASES[name]} has no line of {without[0]}; add it")
        self.watches = {
            name: Watch(name, f"{folder}: {word}", self._fix(word)) for name, (word, _) in (DAILY | MONTHLY).items()
        }

    def wanted(self, years: Sequence[int]) -> list[int]:
        """The years from the first to the last of `years`, or all that there are.

        Raises:
            StageError: one of those asked for has no file.
        """
        asked = list(range(years[0], years[-1] + 1)) if years else self.years
        absent = [year for year in asked if year not in self.years]
        if absent:
            raise StageError(
                f"reader_settings: years: no CH4_emission_intensity_{absent[0]}.nc in {self.folder}; there are "
                f"{self.years[0]} to {self.years[-1]}, {len(self.years)} years"
            )
        missing = sorted(set(range(asked[0], asked[-1] + 1)) - set(asked))
        if missing:
            self.counts["years without a file, between the first and the last"] += len(missing)
            log.warning("%s: no files of %s; series break there", self.folder, ", ".join(map(str, missing)))
        return asked

    def land(self) -> np.ndarray:
        """(lat, lon) bool: cells that any static field knows."""
        return np.any([np.isfinite(values) for values in self.statics.values()], axis=0)

    def batches(self, cells: Cells, years: int) -> Iterator[Cells]:
        """The cells in parts of consecutive ones whose years fit into memory, cut where the files' chunks end."""
        name, pattern = DAILY["ch4_flux"]
        probe = Field(self.folder / pattern.format(self.years[0]), name, ("lat", "lon", "month", "day"))
        chunk = probe.rows_of_chunk
        probe.close()
        most = max(1, KEPT_BYTES // (years * 366 * 4 * len(DAILY | MONTHLY)))
        rows = max(1, READ_BYTES // (len(self.grid.lon) * 372 * 4))
        rows = max(rows // chunk * chunk, 1) if rows > chunk else rows
        start = 0
        while start < len(cells):
            beyond = (cells.rows[start] // rows + 1) * rows
            stop = min(start + most, int(np.searchsorted(cells.rows, beyond)))
            yield cells.part(start, stop)
            start = stop

    def series(self, cells: Cells, years: Sequence[int]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Days of the years, and drivers and emission on them.

        Returns:
            (day,) datetime64[D] and by canonical name (cell, day) float32; gases and the like, which are one for all
            cells, are (day,).
        """
        time = np.concatenate([np.zeros(0, "datetime64[D]"), *map(_days_of_year, years)])
        values = {name: np.full((len(cells), len(time)), np.nan, np.float32) for name in DAILY | MONTHLY}
        for name, found in self.gases.items():
            values[name] = np.array(
                [found[year] for year in time.astype("datetime64[Y]").astype(int) + 1970], np.float32
            )
        start = 0
        for year in years:
            stop = start + 365 + calendar.isleap(year)
            for name, (variable, pattern) in DAILY.items():
                block = self._read(pattern, variable, year, cells, ("lat", "lon", "month", "day"))
                self._lay_days(values[name][:, start:stop], block, name == "ch4_flux")
                self.watches[name].add(values[name][:, start:stop])
            for name, (variable, pattern) in MONTHLY.items():
                block = np.nan_to_num(self._read(pattern, variable, year, cells, ("lat", "lon", "month")), nan=0.0)
                if self.npp == "month":
                    block = block / DAYS.astype(np.float32)
                values[name][:, start:stop] = np.repeat(block, _month_lengths(year), axis=1)
                self.watches[name].add(block)
            start = stop
        return time, values

    def close(self) -> None:
        """Judge the means of all that was read.

        Raises:
            StageError: a driver that has the wrong unit.
        """
        for watch in self.watches.values():
            watch.close()

    def _fix(self, variable: str) -> str:
        return f"Look at the file's documentation, and write reader_settings: {{scale: {{{variable}: FACTOR}}}}"

    def _accept(self, field: Field) -> None:
        """Refuse a file on another grid than the first one's."""
        if not field.grid.equals(self.grid):
            raise StageError(f"{field.path}: is on another grid than {STATICS['elevation']}.nc; bring it to that grid")
        if not check_direction(field):
            self.counts["files whose direction of rows nothing tells, taken as from the south"] += 1

    def _read(self, pattern: str, variable: str, year: int, cells: Cells, kinds: tuple[str, ...]) -> np.ndarray:
        """(cell, month[, day]) of one file."""
        field = Field(self.folder / pattern.format(year), variable, kinds)
        self._accept(field)
        found = np.empty((len(cells), 12, 31)[: len(kinds) - 1], np.float32)
        # Rows far from each other, as those of towers, are read apart.
        cuts = np.flatnonzero(np.diff(cells.rows) > max(field.rows_of_chunk, 1)) + 1
        for start, stop in itertools.pairwise([0, *cuts.tolist(), len(cells)]):
            first, last = int(cells.rows[start]), int(cells.rows[stop - 1])
            block = field.read(first, last + 1)
            found[start:stop] = block[cells.rows[start:stop] - first, cells.columns[start:stop]]
        field.close()
        if variable in self.scale:
            found *= np.float32(self.scale[variable])
        return found

    def _lay_days(self, out: np.ndarray, block: np.ndarray, target: bool) -> None:
        """Put (cell, month, day) on the days of a year, in place, and count what stands on impossible dates."""
        leap = out.shape[1] == 366
        start = 0
        for month, number in enumerate(DAYS):
            out[:, start : start + number] = block[:, month, :number]
            start += int(number) + (leap and month == 1)
            none = number + (leap and month == 1)  # in a leap year 29 February is a date, and is dropped all the same
            self.counts[IMPOSSIBLE] += int(np.isfinite(block[:, month, none:]).sum())
        if leap:
            out[:, LEAP] = np.nan if target else (out[:, LEAP - 1] + out[:, LEAP + 1]) / 2


def _yearly(folder: Path, pattern: str, name: str) -> dict[int, float]:
    """Values by year of a table of two columns.

    Raises:
        StageError: no such file, a line that is none, or values that the gas can't have.
    """
    paths = sorted(folder.glob(pattern))
    if len(paths) != 1:
        raise StageError(f"{folder}: {len(paths)} files {pattern}, and one is wanted; it has lines of year and value")
    found = {}
    for line, text in enumerate(paths[0].read_text().splitlines(), start=1):
        words = text.replace(",", " ").split()
        if not words:
            continue
        try:
            year, value = int(float(words[0])), float(words[1])
        except (ValueError, IndexError):
            raise StageError(f"{paths[0]}, line {line}: '{text}'; write a year and a value") from None
        found[year] = value
    check(name, np.array(list(found.values())), str(paths[0]), "Write ppb for methane and ppm for carbon dioxide.")
    return found


def _days_of_year(year: int) -> np.ndarray:
    return np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")


def _month_lengths(year: int) -> np.ndarray:
    return DAYS + (np.arange(12) == 1) * calendar.isleap(year)
