"""Reader of CARDAMOM-FluxVal v1.0: monthly fluxes of FLUXNET2015 towers, in text and binary files.

Yang et al. (in preparation); tower data Pastorello et al. (2020), doi 10.1038/s41597-020-0534-3.
"""

from __future__ import annotations

import csv
import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.flux_towers import towers
from landbridge.stage import StageError

log = logging.getLogger(__name__)

MISSING = -9999.0
HEADER_VALUES = 300  # float64, little-endian
LATITUDE, STEPS, DRIVERS, OBSERVATIONS = 1, 2, 3, 4  # places in the header
FIRST_MONTH = np.datetime64("2001-01")
MEGAJOULE_PER_DAY = 1e6 / 86400  # MJ m-2 d-1 to W m-2
# Column of a step's row, by canonical name.
DRIVER_COLUMNS = {
    "temperature_min": 1,
    "temperature_max": 2,
    "shortwave": 3,
    "co2": 4,
    "day_of_year": 5,
    "burned_fraction": 6,
    "vapour_pressure_deficit": 7,
    "precipitation": 8,
}
GPP_OBSERVATION, NEE_OBSERVATION = 0, 2


@dataclass(frozen=True)
class DriverFile:
    """One `.cbf` file.

    Attributes:
        latitude: of the driver cell, degrees.
        drivers: (month, driver) float64.
        observations: (month, observation) float64, missing as NaN.
        cell: hash of the drivers; files of one cell have equal bytes.
    """

    latitude: float
    drivers: np.ndarray
    observations: np.ndarray
    cell: str


def read_driver_file(path: Path) -> DriverFile:
    """Decode a `.cbf` file: 300 header values, then a row of drivers and observations for each month.

    Raises:
        StageError: the file is cut short, or its header does not fit its size.
    """
    values = np.fromfile(path, "<f8")
    if len(values) < HEADER_VALUES:
        raise StageError(f"{path}: {len(values)} values, fewer than the header's {HEADER_VALUES}; fetch the file again")
    steps, drivers, observations = (int(values[place]) for place in (STEPS, DRIVERS, OBSERVATIONS))
    expected = HEADER_VALUES + steps * (drivers + observations)
    if len(values) != expected:
        raise StageError(f"{path}: {len(values)} values where its header announces {expected}; fetch the file again")
    table = values[HEADER_VALUES:].reshape(steps, drivers + observations)
    measured = table[:, drivers:]
    block = np.ascontiguousarray(table[:, :drivers])
    digest = hashlib.sha256(block.tobytes()).hexdigest()[:12]
    return DriverFile(float(values[LATITUDE]), block, np.where(measured == MISSING, np.nan, measured), digest)


def read_cardamom_fluxval(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Towers of CARDAMOM-FluxVal: 192 months from January 2001, in the order of their names.

    A tower's months in its `.cbf` file and in its validation file never overlap; both are joined. Respiration is
    derived as GPP + NEE. There is no quality flag. A row of the site table without its two files is skipped.

    Args:
        folder: of `location_fluxnet.csv`, `cbf_files/` and `validation_data/`.
        settings: none are used.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: no site table, no tower with both files, or a broken file.
    """
    sites = _sites(folder, counts)
    files = {name: read_driver_file(path) for name, (path, _, _) in sites.items()}
    names = sorted(sites)
    lat = np.array([float(sites[name][2]["Lat"]) for name in names])
    lon = np.array([float(sites[name][2]["lon"]) for name in names])
    groups = towers.tower_groups(names, lat, lon, [files[name].cell for name in names])
    for number, name in enumerate(names):
        values = _series(files[name], sites[name][1])
        static: dict[str, float | str] = {
            "lat": float(lat[number]),
            "lon": float(lon[number]),
            "igbp": sites[name][2]["LC"],
            "network": "FLX",
            "utc_offset": float(round(lon[number] / 15)),
            **{column: members[number] for column, members in groups.items()},
        }
        months = FIRST_MONTH + np.arange(len(files[name].drivers))
        yield Unit(name, months.astype("datetime64[D]"), values, static)


def _sites(folder: Path, counts: Counter[str]) -> dict[str, tuple[Path, Path, dict[str, str]]]:
    """By tower: driver file, validation file and row of the site table."""
    table = folder / "location_fluxnet.csv"
    if not table.is_file():
        raise StageError(f"{table}: not there; the site table must lie beside cbf_files/ and validation_data/")
    with table.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    found, absent = {}, 0
    for number, row in enumerate(rows, start=1):  # the row's number names its driver file
        name = row["Flux_name"].strip()
        drivers = folder / "cbf_files" / f"flux_site_{number}.cbf"
        validation = folder / "validation_data" / f"validation_{name}.csv"
        if drivers.is_file() and validation.is_file():
            found[towers.site_id(name)] = (drivers, validation, {key: value.strip() for key, value in row.items()})
        else:
            absent += 1
    if not found:
        raise StageError(f"{folder}: no tower of {table.name} has both its driver file and its validation file")
    counts["dropped: row of the site table without its files"] += absent
    if absent:
        log.info("%d of %d rows of %s are without files and skipped", absent, len(rows), table.name)
    return found


def read_validation_file(path: Path) -> dict[np.datetime64, tuple[float, float]]:
    """GPP and NEE (gC m-2 d-1) by month of a validation file; NaN where missing.

    Raises:
        StageError: a column is missing or a value is no number; the text names file and line.
    """
    found = {}
    with path.open(newline="") as handle:
        for line, row in enumerate(csv.DictReader(handle), start=2):
            try:
                month = np.datetime64(f"{row['Date'][:4]}-{row['Date'][4:6]}")
                pair = tuple(np.nan if float(row[name]) == MISSING else float(row[name]) for name in ("GPP", "NEE"))
            except (KeyError, ValueError) as error:
                raise StageError(
                    f"{path}, line {line}: {error}; it needs the columns Date (YYYYMM), GPP and NEE"
                ) from error
            found[month] = (pair[0], pair[1])
    return found


def _series(file: DriverFile, validation: Path) -> dict[str, np.ndarray]:
    """All variables of one tower, (month,) float32."""
    gpp, nee = file.observations[:, GPP_OBSERVATION].copy(), file.observations[:, NEE_OBSERVATION].copy()
    for month, (month_gpp, month_nee) in read_validation_file(validation).items():
        place = int((month - FIRST_MONTH).astype(int))
        if 0 <= place < len(gpp):
            gpp[place] = month_gpp if np.isnan(gpp[place]) else gpp[place]
            nee[place] = month_nee if np.isnan(nee[place]) else nee[place]
    drivers = {name: file.drivers[:, column] for name, column in DRIVER_COLUMNS.items()}
    angle = 2 * np.pi * drivers.pop("day_of_year") / 365.25
    drivers["shortwave"] = drivers["shortwave"] * MEGAJOULE_PER_DAY
    drivers |= {"day_of_year_sine": np.sin(angle), "day_of_year_cosine": np.cos(angle)}
    values = {"gpp": gpp, "reco": gpp + nee, "nee": nee, **drivers}
    return {name: column.astype(np.float32) for name, column in values.items()}
