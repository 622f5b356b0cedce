"""Reader of the table of PEPRMT-Tidal: five tidal wetlands (Oikawa et al. 2024, doi 10.1029/2023JG007943).

Tried on the published table. Its fluxes were filtered and filled by the authors and have no flag, so they are labels of
`ch4_flux_filled`, and whether one is filled is not known.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.wetland_methane import sites, units
from landbridge.domains.wetland_methane.ranges import check
from landbridge.domains.wetland_methane.settings import Given
from landbridge.domains.wetland_methane.tables import read_rows, water_table
from landbridge.io.daily import in_order, numbers_of, place, season
from landbridge.stage import StageError

log = logging.getLogger(__name__)

TABLE = "All_sites_master.csv"
FLUX = "CH4_GC_M2_DAY"
# Canonical name: column, in capitals, and factor. GPP is negative uptake in the table, and positive here.
COLUMNS = {
    "air_temperature": ("TA_C", 1.0),
    "par": ("PAR_UMOL_M2_DAY", 1.0),  # a mean per second, whatever the name says
    "evi": ("EVI", 1.0),
    "salinity": ("SALINITY_DAILY_AVE_PPT", 1.0),
    "gpp": ("GPP_GC_M2_DAY", -1.0),
    "reco": ("RECO_GC_M2_DAY", 1.0),
}
WATER = "WTD_CM"
DEFAULTS: dict[str, Any] = {"water_table_units": "cm", "sites": {}}
LEAST_SHARE = 0.5  # of the towers' median radiation, below which a tower's is told to lie on another level


def read_peprmt(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Towers of the table, an unbroken axis of days each, in the order of their names.

    Args:
        folder: of All_sites_master.csv.
        settings: `water_table_units`: cm or m of WTD_cm, for all or by id (that of US_STJ is in m); `sites`: by id what
            no site table says.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a table that can't be used, or a water table whose unit can't be cm.
    """
    own = Given(settings, DEFAULTS)
    table = sites.site_table(folder, own.mapping("sites"))
    path = folder / TABLE
    if not path.is_file():
        raise StageError(f"{path}: not there; put the table of PEPRMT-Tidal into this folder")
    needed = ["SITE_CHAR", "YEAR", "DOY_DISC", FLUX, WATER, *(column for column, _ in COLUMNS.values())]
    header, rows = read_rows(path, needed, needed)
    by_site: dict[str, list[list[str]]] = {}
    for row in rows:
        by_site.setdefault(sites.site_id(row[header.index("SITE_CHAR")]), []).append(row)
    lost = sorted(name for name in by_site if name.upper() not in table)
    if lost:
        raise StageError(
            f"{path}: no place is known of {', '.join(lost)}; write reader_settings: {{sites: {{{lost[0]}: "
            f"{{lat: 42.7, lon: -70.8, wetland_class: salt marsh}}}}}}"
        )
    names = sorted(by_site)
    statics = sites.statics([table[name.upper()] for name in names])
    series = {name: _series(path, name, header, by_site[name], own) for name in names}
    _tell_levels({name: values["par"] for name, (_, values) in series.items()}, counts)
    for name, static in zip(names, statics, strict=True):
        counts["towers"] += 1
        time, values = series[name]
        counts["days with a flux that may be filled"] += int(np.isfinite(values["ch4_flux_filled"]).sum())
        yield Unit(name, time, values, static)


def _series(
    path: Path, name: str, header: list[str], rows: list[list[str]], own: Given
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Days and variables of one tower."""
    days = _days(path, header, rows)
    wanted = [FLUX, WATER, *(column for column, _ in COLUMNS.values())]
    columns = {column: numbers_of([row[header.index(column)] for row in rows], path, column) for column in wanted}
    days, columns = in_order(days, columns, path)
    time = np.arange(days[0], days[-1] + np.timedelta64(1, "D"))
    where = f"{path}: {name}:"
    flux = columns[FLUX] * units.factor("g m-2 d-1 of carbon")
    check("ch4_flux", flux, f"{where} {FLUX}", "The table gives grams of carbon per square metre and day.")
    values = {"ch4_flux_filled": flux, "ch4_filled": np.full(len(days), np.nan)}
    for variable, (column, factor) in COLUMNS.items():
        values[variable] = columns[column] * factor
        if variable in ("air_temperature", "par", "salinity"):
            check(variable, values[variable], f"{where} {column}", "Mend the column.")
    values["water_table"] = water_table(columns[WATER], own.values["water_table_units"], name, "cm", f"{where} {WATER}")
    placed = {variable: place(time, days, column) for variable, column in values.items()}
    return time, placed | season(time)


def _days(path: Path, header: list[str], rows: list[list[str]]) -> np.ndarray:
    year, day = (numbers_of([row[header.index(name)] for row in rows], path, name) for name in ("YEAR", "DOY_DISC"))
    if not (np.isfinite(year) & np.isfinite(day) & (day >= 1) & (day <= 366)).all():
        raise StageError(f"{path}: a row has no Year, or a DOY_disc that is not 1 to 366; mend or remove it")
    start = np.array([f"{int(number):04d}-01-01" for number in year], "datetime64[D]")
    found = start + (day.astype(int) - 1)
    if (found.astype("datetime64[Y]") != start.astype("datetime64[Y]")).any():
        raise StageError(f"{path}: a DOY_disc of 366 in a year of 365 days; mend it")
    return found


def _tell_levels(radiation: Mapping[str, np.ndarray], counts: Counter[str]) -> None:
    """Say which towers' radiation lies on another level; it stays as it is, for the reason is not known."""
    known = {name: values[np.isfinite(values)] for name, values in radiation.items()}
    medians = {name: float(np.median(values)) for name, values in known.items() if len(values)}
    usual = float(np.median(list(medians.values())))
    for name, own in medians.items():
        if own < LEAST_SHARE * usual:
            log.warning(
                "%s: its radiation has the median %.0f, the towers together %.0f; left as it is", name, own, usual
            )
            counts["towers whose radiation lies on another level"] += 1
