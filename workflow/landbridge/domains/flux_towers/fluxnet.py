"""Reader of daily files in FLUXNET's layout: FLUXNET2015, AmeriFlux-FLUXNET, ICOS and JapanFlux2024.

Pastorello et al. (2020), doi 10.1038/s41597-020-0534-3. A tower is one CSV, a zip that holds it, or its copy as an
Excel sheet; FULLSET and SUBSET. Tried on one published sheet (SUBSET); all else follows the documentation and was tried
on the twin.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.flux_towers import towers
from landbridge.domains.flux_towers.carbonfluxbench import truth_of_twin
from landbridge.domains.flux_towers.records import Records, Tower, physical_towers, unknown_classes
from landbridge.io.daily import days_of, in_order, numbers_of, place, season
from landbridge.kinds import one_of
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

log = logging.getLogger(__name__)

DAILY = re.compile(r"(FLX|AMF|ICOSETC|ICOS|JPX)_([A-Za-z]{2}-[A-Za-z0-9]{3,4})_.*?_DD_[^/]*\.(csv|xlsx)$")
ARCHIVE = re.compile(r"(FLX|AMF|ICOSETC|ICOS|JPX)_([A-Za-z]{2}-[A-Za-z0-9]{3,4})_.*\.zip$")
# The flux columns of each processing. They are different quantities: 50 is the median of the versions of 40 thresholds
# of friction velocity. SUBSET files hold no USTAR50.
FLUX_COLUMNS = {
    name: {
        "gpp": f"GPP_NT_VUT_{name.upper()}",
        "reco": f"RECO_NT_VUT_{name.upper()}",
        "nee": f"NEE_VUT_{name.upper()}",
        "qc": f"NEE_VUT_{name.upper()}_QC",
    }
    for name in ("ustar50", "ref", "50")
}
# Canonical name: column, factor to the canonical unit.
DRIVERS = {
    "temperature": ("TA_F", 1.0),
    "shortwave": ("SW_IN_F", 1.0),
    "vapour_pressure_deficit": ("VPD_F", 1.0),
    "precipitation": ("P_F", 1.0),
    "co2": ("CO2_F_MDS", 1.0),
}
NEEDED_DRIVERS = ("temperature", "shortwave", "vapour_pressure_deficit", "precipitation")
SETTINGS = {"fluxes": "ustar50", "overlap": "best_year", "sites": {}}
FEWEST_EQUAL_DAYS = 100  # days of equal, changing fluxes by which two files are one record


@dataclass(frozen=True)
class File:
    """One daily table.

    Attributes:
        name: path below the folder, with the member of an archive.
        network: prefix of the name.
        site: id in the name.
        days: (row,) datetime64[D], growing, each once.
        columns: (row,) float64 by column name; missing is NaN.
    """

    name: str
    network: str
    site: str
    days: np.ndarray
    columns: Mapping[str, np.ndarray]


def read_fluxnet_daily(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Towers of all daily files of a folder, one contiguous daily axis each, in the order of their names.

    Args:
        folder: holds the files; metadata tables and ICOS's SITEINFO beside them give place and class.
        settings: `fluxes`: which processing, ustar50, ref or 50; `overlap`: see
            `landbridge.domains.flux_towers.records.physical_towers`; `sites`: by id lat, lon and igbp of towers that no
            metadata table names.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names it and what to do.
    """
    own = own_settings(settings, SETTINGS, {"fluxes": one_of(*FLUX_COLUMNS)})
    files = list(daily_files(folder))
    if not files:
        raise StageError(
            f"{folder}: no daily file; names look like FLX_DE-Hai_FLUXNET2015_FULLSET_DD_2000-2012_1-4.csv (or .zip)"
        )
    counts["files"] += len(files)
    for file in files:
        _check_columns(file, own["fluxes"])
    _refuse_copies(files, own["fluxes"])
    places = {**site_table(folder), **{str(name).upper(): value for name, value in own["sites"].items()}}
    found = physical_towers(_records(files, places, own["fluxes"]), own["overlap"])
    unknown_classes(found)
    yield from _units(folder, found, files, own["fluxes"])


def daily_files(folder: Path) -> Iterator[File]:
    """Every daily table of a folder, archives included, in the order of names.

    Raises:
        StageError: an archive with no daily table or with two, or with one of another tower.
    """
    for path in sorted(folder.iterdir()):
        plain, packed = DAILY.match(path.name), ARCHIVE.match(path.name)
        if plain:
            data = path.read_bytes()
            yield _parse(path, path.name, plain, data)
        elif packed:
            try:
                with zipfile.ZipFile(path) as archive:
                    names = [name for name in archive.namelist() if DAILY.search(name.rsplit("/", 1)[-1])]
                    if len(names) != 1:
                        listed = ", ".join(names) if names else "none"
                        raise StageError(
                            f"{path}: holds {len(names)} daily files ({listed}), and one is wanted; unpack the "
                            f"right one"
                        )
                    inner = DAILY.match(names[0].rsplit("/", 1)[-1])
                    data = archive.read(names[0])
            except zipfile.BadZipFile as error:
                raise StageError(f"{path}: not a readable zip ({error}); fetch it again") from error
            assert inner is not None
            if inner.group(2).upper() != packed.group(2).upper():
                raise StageError(
                    f"{path}: is named {packed.group(2)} and holds {names[0]}, a file of another tower; fetch it again"
                )
            yield _parse(path, f"{path.name}:{names[0]}", inner, data)


def _parse(path: Path, name: str, match: re.Match[str], data: bytes) -> File:
    rows = _sheet_rows(path) if match.group(3) == "xlsx" else _csv_rows(data)
    header, body = [word.strip().upper() for word in rows[0]], rows[1:]  # JapanFlux varies the case of its columns
    where = path.parent / name
    if "TIMESTAMP" not in header:
        why = "it has TIMESTAMP_START, so it is half-hourly or hourly; hand in the file with _DD_ in its name"
        if "TIMESTAMP_START" not in header:
            why = f"it has {', '.join(header[:8])}"
        raise StageError(f"{where}: no column TIMESTAMP; {why}")
    stamps = days_of([row[header.index("TIMESTAMP")] for row in body], where)
    wanted = {column for names in FLUX_COLUMNS.values() for column in names.values()}
    wanted |= {column for column, _ in DRIVERS.values()}
    columns = {}
    for place_, column in enumerate(header):
        if column in wanted:
            columns[column] = numbers_of([row[place_] if place_ < len(row) else "" for row in body], where, column)
    if match.group(1) == "JPX":
        columns |= {
            column: quality_of_japanflux(values) for column, values in columns.items() if column.endswith("_QC")
        }
    days, columns = in_order(stamps, columns, where)
    return File(name, match.group(1), match.group(2), days, columns)


def quality_of_japanflux(flag: np.ndarray) -> np.ndarray:
    """JapanFlux2024 counts quality from 0 (best) to 3 (worst); as a share from 1 to 0."""
    return (3 - flag) / 3


def _csv_rows(data: bytes) -> list[list[str]]:
    rows = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig", errors="replace"))) if row]
    return rows or [[]]


def _sheet_rows(path: Path) -> list[list[str]]:
    """Rows of the first sheet of a workbook, as text."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = [
        [
            "" if cell is None else (f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell))
            for cell in row
        ]
        for row in book.worksheets[0].iter_rows(values_only=True)
    ]
    book.close()
    return [row for row in rows if any(row)] or [[]]


def _check_columns(file: File, fluxes: str) -> None:
    columns = [*FLUX_COLUMNS[fluxes].values(), *(DRIVERS[name][0] for name in NEEDED_DRIVERS)]
    absent = [column for column in columns if column not in file.columns]
    if not absent:
        return
    other = [
        name
        for name, words in FLUX_COLUMNS.items()
        if name != fluxes and all(column in file.columns for column in words.values())
    ]
    text = f"{file.name}: no column {', '.join(absent)}"
    if other and any(column in absent for column in FLUX_COLUMNS[fluxes].values()):
        text += (
            f"; SUBSET files hold no USTAR50: take the FULLSET file, or name another processing, which is another "
            f"quantity: reader_settings: {{fluxes: {other[0]}}}"
        )
    raise StageError(text)


def _refuse_copies(files: Sequence[File], fluxes: str) -> None:
    """Refuse a file whose fluxes are those of another tower's file."""
    seen: dict[bytes, File] = {}
    for file in files:
        nee = file.columns[FLUX_COLUMNS[fluxes]["nee"]]
        known = np.isfinite(nee)
        if known.sum() < FEWEST_EQUAL_DAYS or np.ptp(nee[known]) == 0:
            continue
        key = nee[known].tobytes()
        other = seen.setdefault(key, file)
        if towers.site_id(other.site).upper() != towers.site_id(file.site).upper():
            raise StageError(
                f"{file.name} holds the very fluxes of {other.name}: one of them is a file of another tower under a "
                f"wrong name; fetch both again"
            )


def site_table(folder: Path) -> dict[str, dict[str, Any]]:
    """lat, lon and igbp of towers by id in upper case, from the metadata tables and SITEINFO files of a folder."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*etadata*")):
        delimiter = "\t" if path.suffix == ".tsv" else ","
        with path.open(newline="", encoding="utf-8-sig") as handle:
            for row in csv.DictReader(handle, delimiter=delimiter):
                name = row.get("SITE_ID") or row.get("Site ID") or row.get("site") or ""
                lat, lon = (row.get(key) or row.get(f"{long} (degrees)") or "" for key, long in LAT_LON)
                igbp = row.get("IGBP") or row.get("Vegetation Abbreviation (IGBP)") or ""
                if name and lat and lon:
                    found[name.upper()] = {"lat": lat, "lon": lon, "igbp": igbp}
    for path in sorted(folder.glob("ICOS*_SITEINFO_*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as handle:
            values = {row["VARIABLE"]: row["DATAVALUE"] for row in csv.DictReader(handle)}
        site = path.name.split("_")[1]
        if values.get("SITE_ID", site).upper() != site.upper():
            raise StageError(f"{path}: is of {values['SITE_ID']}, another tower than its name says; fetch it again")
        if "LOCATION_LAT" in values and "LOCATION_LONG" in values:
            found[site.upper()] = {
                "lat": values["LOCATION_LAT"],
                "lon": values["LOCATION_LONG"],
                "igbp": values.get("IGBP", ""),
            }
    return found


LAT_LON = (("LAT", "Latitude"), ("LON", "Longitude"))


def _records(files: Sequence[File], places: Mapping[str, Mapping[str, Any]], fluxes: str) -> Records:
    lost = sorted({file.site for file in files if file.site.upper() not in places})
    if lost:
        raise StageError(
            f"no place is known of {', '.join(lost)}; put the network's metadata table beside the files, or write "
            f"reader_settings: {{sites: {{{lost[0]}: {{lat: 50.1, lon: 8.2, igbp: GRA}}}}}}"
        )
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("gpp", "reco", "nee", "qc", "day", "code")}
    network: list[np.ndarray] = []
    place_of: dict[str, list[np.ndarray]] = {"lat": [], "lon": [], "igbp": []}
    for number, file in enumerate(files):
        values = {name: file.columns[column] for name, column in FLUX_COLUMNS[fluxes].items()}
        complete = np.isfinite(np.stack(list(values.values()))).all(axis=0)
        for name in values:
            columns[name].append(values[name][complete])
        columns["day"].append(file.days[complete])
        columns["code"].append(np.full(int(complete.sum()), number))
        network.append(np.full(int(complete.sum()), file.network))
        own = places[file.site.upper()]
        for axis in ("lat", "lon"):
            try:
                place_of[axis].append(np.full(int(complete.sum()), float(own[axis])))
            except (KeyError, ValueError, TypeError) as error:
                raise StageError(f"{file.site}: its {axis} is {own.get(axis)!r}; write degrees") from error
        place_of["igbp"].append(np.full(int(complete.sum()), str(own.get("igbp") or "")))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return Records(
        site=[towers.site_id(file.site) for file in files],
        code=joined["code"],
        network=np.concatenate(network),
        day=joined["day"],
        fluxes={name: joined[name] for name in ("gpp", "reco", "nee")},
        quality=joined["qc"],
        lat=np.concatenate(place_of["lat"]),
        lon=np.concatenate(place_of["lon"]),
        igbp=np.concatenate(place_of["igbp"]),
    )


def _units(folder: Path, found: Sequence[Tower], files: Sequence[File], fluxes: str) -> Iterator[Unit]:
    names = [tower.name for tower in found]
    lat, lon = (np.array([getattr(tower, axis) for tower in found]) for axis in ("lat", "lon"))
    groups = towers.tower_groups(names, lat, lon, [towers.era5_cell(*pair) for pair in zip(lat, lon, strict=True)])
    spelling = towers.one_spelling([*names, *(towers.site_id(file.site) for file in files)])
    truth = truth_of_twin(folder, names)
    for number, tower in enumerate(found):
        own = [file for file in files if spelling[towers.site_id(file.site)] == tower.name]
        first, last = min(file.days[0] for file in own), max(file.days[-1] for file in own)
        time = np.arange(first, last + np.timedelta64(1, "D"))
        values = {name: place(time, tower.days, tower.values[name]) for name in ("gpp", "reco", "nee", "qc")}
        for name, (column, factor) in DRIVERS.items():
            values[name] = np.full(len(time), np.nan, np.float32)
            for file in reversed(own):  # the first file of a tower stands where several have a day
                if column in file.columns:
                    drivers = place(time, file.days, file.columns[column] * factor)
                    values[name] = np.where(np.isfinite(drivers), drivers, values[name])
        values |= season(time)
        if truth is not None:
            values |= truth.on(tower.name, time)
        static: dict[str, float | str] = {
            "lat": tower.lat,
            "lon": tower.lon,
            "igbp": tower.igbp,
            "igbp_labels": " ".join(tower.labels),
            "network": " ".join(tower.networks),
            "flux_processing": FLUX_COLUMNS[fluxes]["nee"],
            "utc_offset": float(round(tower.lon / 15)),
            **{column: members[number] for column, members in groups.items()},
        }
        yield Unit(tower.name, time, values, static)
