"""Daily records of methane towers, from whichever table, to units with canonical names.

The days of a unit are unbroken, 29 February among them: windows of a year end at every gap in the days, so dropping
that day would leave no window in a leap year. `leap_days: drop` drops it all the same, to count days as published.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.wetland_methane import sites, units
from landbridge.domains.wetland_methane.ranges import check
from landbridge.domains.wetland_methane.settings import Given, factors
from landbridge.domains.wetland_methane.simulation import GASES, STATICS, Cells, Simulation
from landbridge.domains.wetland_methane.tables import Record, read_rows, record_of, water_table
from landbridge.io.daily import place, season
from landbridge.stage import StageError

log = logging.getLogger(__name__)

DRIVERS = {"air_temperature": "TA_F", "precipitation": "P_F", "shortwave": "SW_IN_F"}  # with their columns
DEFICIT, SOIL, WATER = "VPD_F", "TS_1", "WTD"
FILLED = ("FCH4_F", "FCH4_F_ANNOPTLM")  # published gap filling; the first that has a day gives its label
TOWER, GRID, PUBLISHED = "tower", "grid", "published"
DEFAULTS = {
    "drivers": TOWER,
    "grid": "",
    "grid_scale": {},
    "grid_npp": "month",
    "scale": {},
    "water_table_units": "m",
    "leap_days": "keep",
    "sites": {},
}
Series = tuple[np.ndarray, dict[str, np.ndarray]]  # days, and variables on them by canonical name
TRUTH = "truth.csv"  # of twins: SITE_ID, TIMESTAMP, CH4 in mg m-2 d-1


class Towers:
    """Makes units of records, by the settings of `DEFAULTS`.

    Args:
        folder: raw folder; `grid` is a path below it.
        place: folder of the towers' tables, where a site table may lie.
        own: settings.
        counts: gets what was read and what was dropped.
        unit: of fluxes.
        conversion: see `units.factor`.
        measured: whether the tables tell measured fluxes (FCH4) from filled ones.

    Raises:
        StageError: a setting that can't be used.
    """

    def __init__(
        self,
        folder: Path,
        place: Path,
        own: Given,
        counts: Counter[str],
        unit: str = "nmol m-2 s-1",
        conversion: str = "exact",
        measured: bool = True,
    ) -> None:
        self.counts, self.measured = counts, measured
        self.factor = units.factor(unit, conversion)
        self.drivers = own.word("drivers", (TOWER, GRID, PUBLISHED))
        self.leap_days = own.word("leap_days", ("keep", "drop"))
        self.scale = {sites.site_id(str(name)): value for name, value in own.mapping("scale").items()}
        for name, value in self.scale.items():
            factors(value, f"scale: {name}")
        self.water_units = own.values["water_table_units"]
        self.table = sites.site_table(place, own.mapping("sites"))
        self.truth = _truth(place / TRUTH)
        self.simulation: Simulation | None = None
        if self.drivers != TOWER:
            if not own.text("grid"):
                raise StageError(
                    f"reader_settings: drivers is {self.drivers}; name the folder of the grid files in grid:"
                )
            npp = own.word("grid_npp", ("month", "day"))
            self.simulation = Simulation(folder / own.text("grid"), own.factors("grid_scale"), npp, counts)
            self.land = self.simulation.land()

    def units(self, records: Sequence[Record]) -> Iterator[Unit]:
        """Units in the order of their names.

        Raises:
            StageError: a site that no table names, a tower that comes twice, or a driver out of its range.
        """
        named = sorted(((sites.site_id(record.site), record) for record in records), key=lambda pair: pair[0])
        lost = sorted({name for name, _ in named if name.upper() not in self.table})
        if lost:
            raise StageError(
                f"no place is known of {', '.join(lost)}; put a site table beside the files, or write reader_settings: "
                f"{{sites: {{{lost[0]}: {{lat: 61.8, lon: 24.2, wetland_class: fen, igbp: WET}}}}}}"
            )
        for (name, record), (other, further) in itertools.pairwise(named):
            if name == other:
                raise StageError(f"{further.where}: {name} is in {record.where.name} too; keep one of the two")
        mistyped = sorted(name for name in self.scale if name.upper() not in self.table)
        if mistyped:
            raise StageError(f"reader_settings: scale: no site is named {', '.join(mistyped)}; mend the id")
        kept = []
        for name, record in named:
            self.counts["towers"] += 1
            labels = ("FCH4",) if self.measured else FILLED
            if not any(np.isfinite(record.columns[label]).any() for label in labels):
                log.warning("%s: %s has no value of %s at all; left out", record.where, name, " or ".join(labels))
                self.counts["dropped: towers without one flux"] += 1
                continue
            kept.append((self.table[name.upper()], record))
        yield from self._made(kept)

    def _made(self, kept: Sequence[tuple[sites.Site, Record]]) -> Iterator[Unit]:
        if self.simulation is not None:
            outside = [site.name for site, _ in kept if self._cell(site) is None]
            if outside:
                log.warning("the grid has no data at the cells of %s; left out", ", ".join(outside))
                self.counts["dropped: towers whose cell the grid does not know"] += len(outside)
            kept = [pair for pair in kept if pair[0].name not in outside]
        statics = sites.statics([site for site, _ in kept])
        simulated = self._simulated(kept)
        for (site, record), static in zip(kept, statics, strict=True):
            time = np.arange(record.days[0], record.days[-1] + np.timedelta64(1, "D"))
            values = self._labels(record, time, site.name)
            values |= self._weather(record, time, site.name)
            fields = dict.fromkeys(STATICS, np.nan)
            cell = self._cell(site)
            if self.simulation is not None and cell is not None:
                values |= self._from_grid(*simulated[cell], time, values)
                fields = {name: float(field[cell]) for name, field in self.simulation.statics.items()}
            values |= season(time)
            told = {name: value for name, value in static.items() if value == value}  # NaN is not itself
            yield self._without_leap_days(Unit(site.name, time, values, {**fields, **told}))

    def _cell(self, site: sites.Site) -> tuple[int, int] | None:
        """Cell of a tower, None where there is no grid or it has no data there."""
        if self.simulation is None:
            return None
        cell = self.simulation.grid.index(site.lat, site.lon)
        return cell if cell is not None and self.land[cell] else None

    def _simulated(self, kept: Sequence[tuple[sites.Site, Record]]) -> dict[tuple[int, int], Series]:
        """Days, and drivers and simulated flux on them, of every cell that holds a tower."""
        found: dict[tuple[int, int], Series] = {}
        if self.simulation is None or not kept:
            return found
        days = np.concatenate([record.days[[0, -1]] for _, record in kept]).astype("datetime64[Y]").astype(int) + 1970
        years = [year for year in self.simulation.years if days.min() <= year <= days.max()]
        places = np.array(sorted({cell for site, _ in kept if (cell := self._cell(site)) is not None}))
        cells = Cells(places[:, 0], places[:, 1])
        for part in self.simulation.batches(cells, max(len(years), 1)):
            time, values = self.simulation.series(part, years)
            for number in range(len(part)):
                own = {name: column if column.ndim == 1 else column[number] for name, column in values.items()}
                found[int(part.rows[number]), int(part.columns[number])] = (time, own)
        self.simulation.close()
        return found

    def _labels(self, record: Record, time: np.ndarray, name: str) -> dict[str, np.ndarray]:
        """Measured and filled fluxes in mg m-2 d-1, and which of the filled labels are filled."""
        none = np.full(len(record.days), np.nan)
        measured = record.columns.get("FCH4", none) * self.factor
        filled = none
        for column in reversed(FILLED):
            own = record.columns.get(column, none) * self.factor
            filled = np.where(np.isfinite(own), own, filled)
        fix = "Look at the file's documentation; the tables give nmol m-2 s-1."
        for label, values in (("FCH4", measured), ("FCH4_F", filled)):
            check("ch4_flux", values, f"{record.where}: {label}", fix)
        flag = np.where(np.isfinite(filled), np.where(np.isfinite(measured), 0.0, 1.0), np.nan)
        found = {"ch4_flux": place(time, record.days, measured)} if self.measured else {}
        found["ch4_flux_filled"] = place(time, record.days, filled)
        found["ch4_filled"] = place(time, record.days, flag if self.measured else none)
        if self.measured:
            self.counts["days with a measured flux"] += int(np.isfinite(measured).sum())
        if self.truth:
            found["ch4_flux_truth"] = np.full(len(time), np.nan, np.float32)
            if name in self.truth:
                found["ch4_flux_truth"] = place(time, *self.truth[name])
        return found

    def _weather(self, record: Record, time: np.ndarray, name: str) -> dict[str, np.ndarray]:
        """The tower's own drivers in canonical units; what it does not measure is NaN."""
        scale = self.scale.get(name, {})
        lost = [column for column in scale if column not in record.columns]
        if lost:
            raise StageError(f"reader_settings: scale: {name}: no column {', '.join(lost)} is read; mend its name")
        columns = {column: values * scale.get(column, 1.0) for column, values in record.columns.items()}
        none = np.full(len(record.days), np.nan)
        found = {driver: columns.get(column, none) for driver, column in DRIVERS.items()}
        found["soil_temperature"] = columns.get(SOIL, none)
        names = {**DRIVERS, "soil_temperature": SOIL}
        for driver, values in found.items():
            check(driver, values, f"{record.where}: {names[driver]}", _fix(name, names[driver]))
        deficit = columns.get(DEFICIT, none)
        check("vapour_pressure_deficit", deficit, f"{record.where}: {DEFICIT}", _fix(name, DEFICIT))
        found["vapour_pressure"] = units.vapour_pressure(found["air_temperature"], deficit)
        check("vapour_pressure", found["vapour_pressure"], f"{record.where}: {DEFICIT}", _fix(name, DEFICIT))
        where = f"{record.where}: {WATER}"
        found["water_table"] = water_table(columns.get(WATER, none), self.water_units, name, "m", where)
        for column, what in ((SOIL, "soil temperature"), (WATER, "water table")):
            if not np.isfinite(columns.get(column, none)).any():
                self.counts[f"towers without {what}"] += 1
        return {driver: place(time, record.days, values) for driver, values in found.items()}

    def _from_grid(
        self, days: np.ndarray, there: Mapping[str, np.ndarray], time: np.ndarray, own: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Drivers and simulated flux of a tower's cell on its days; of `published`, its own three drivers stay."""
        years = set((time.astype("datetime64[Y]").astype(int) + 1970).tolist())
        absent = len(years - set((days.astype("datetime64[Y]").astype(int) + 1970).tolist()))
        if absent:
            self.counts["tower years that the grid does not have, without drivers"] += absent
        found = {}
        for name in ("precipitation", "shortwave", "air_temperature", "vapour_pressure", "npp", *GASES):
            found[name] = place(time, days, there[name])
        found["ch4_simulated"] = _leap_days_filled(place(time, days, there["ch4_flux"]))
        if self.drivers == PUBLISHED:
            found |= {name: own[name] for name in ("air_temperature", "precipitation", "vapour_pressure")}
        return found

    def _without_leap_days(self, unit: Unit) -> Unit:
        months = unit.time.astype("datetime64[M]")
        leap = (months.astype(int) % 12 == 1) & ((unit.time - months.astype("datetime64[D]")).astype(int) == 28)
        if self.leap_days == "keep" or not leap.any():
            return unit
        self.counts["dropped: 29 February"] += int(leap.sum())
        return Unit(unit.name, unit.time[~leap], {name: v[~leap] for name, v in unit.values.items()}, unit.static)


def _fix(name: str, column: str) -> str:
    return f"If so, write reader_settings: {{scale: {{{name}: {{{column}: FACTOR}}}}}}"


def _truth(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Noise-free fluxes by tower, which only a twin has: days and mg m-2 d-1."""
    if not path.is_file():
        return {}
    header, rows = read_rows(path, ("SITE_ID", "TIMESTAMP", "CH4"), ("SITE_ID", "TIMESTAMP", "CH4"))
    by_site: dict[str, list[list[str]]] = {}
    for row in rows:
        by_site.setdefault(sites.site_id(row[header.index("SITE_ID")]), []).append(row)
    records = {name: record_of(path, name, header, own, ["CH4"]) for name, own in by_site.items()}
    return {name: (record.days, record.columns["CH4"]) for name, record in records.items()}


def _leap_days_filled(flux: np.ndarray) -> np.ndarray:
    """A simulation's flux with the one day that it lacks, 29 February, the mean of its neighbours."""
    lone = np.isnan(flux[1:-1]) & np.isfinite(flux[:-2]) & np.isfinite(flux[2:])
    filled = flux.copy()
    filled[1:-1][lone] = ((flux[:-2] + flux[2:]) / 2)[lone]
    return filled
