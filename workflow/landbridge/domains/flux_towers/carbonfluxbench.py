"""Reader of CarbonFluxBench's parquet files (Rozanov et al. 2026, arXiv 2603.09868).

Written from the documentation of the published files and tried on the twin, which has their layout.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from landbridge.contract import Unit
from landbridge.domains.flux_towers import towers
from landbridge.stage import StageError

log = logging.getLogger(__name__)

TARGET_FILES = ("target_fluxes_v2.parquet", "target_fluxes.parquet")
TARGETS = {"gpp": "GPP_NT_VUT_USTAR50", "reco": "RECO_NT_VUT_USTAR50", "nee": "NEE_VUT_USTAR50"}
QUALITY = "NEE_VUT_USTAR50_QC"
MISSING = -9999.0
NETWORK_ORDER = ("FLX", "AMF", "ICOSETC", "ICOS", "JPX")  # from the oldest release to the newest
# Published column, factor and offset to the canonical unit.
WEATHER = {
    "temperature": ("temperature_2m", 1.0, -273.15),  # K to degC
    "precipitation": ("total_precipitation_sum", 1000.0, 0.0),  # m to mm
    "net_shortwave": ("surface_net_solar_radiation_sum", 1 / 86400, 0.0),  # J m-2 per day to W m-2
    "evaporation": ("total_evaporation_sum", -1000.0, 0.0),  # m, downward positive, to mm upward
    "lai_high": ("leaf_area_index_high_vegetation", 1.0, 0.0),
    "lai_low": ("leaf_area_index_low_vegetation", 1.0, 0.0),
}
SATELLITE = {
    "reflectance_red": "sur_refl_b01",
    "reflectance_nir": "sur_refl_b02",
    "reflectance_blue": "sur_refl_b03",
    "reflectance_green": "sur_refl_b04",
    "reflectance_1240": "sur_refl_b05",
    "reflectance_1640": "sur_refl_b06",
    "reflectance_2130": "sur_refl_b07",
    "view_zenith": "SensorZenith",
    "view_azimuth": "SensorAzimuth",
    "solar_zenith": "SolarZenith",
    "solar_azimuth": "SolarAzimuth",
    "cloud_share": "clouds",
}


def read_carbonfluxbench(
    folder: Path, settings: Mapping[str, Any], *, variables: Sequence[str] | None = None
) -> Iterator[Unit]:
    """Towers of CarbonFluxBench, one contiguous daily axis each, in the order of their names.

    Rows with a missing target are dropped, as published; the day stays with NaN. Satellite channels are interpolated
    in time, to both ends, and `reflectance_filled` says where; weather and targets are never filled. Where two
    networks distribute one tower, each calendar year is taken from the one with the higher mean quality, the newer
    network on a tie.

    Args:
        folder: of the raw files.
        settings: none are used.
        variables: canonical names wanted; all if None.

    Raises:
        StageError: a file or column is missing.
    """
    targets = _targets(folder)
    truth = _truth(folder)
    names = sorted(targets)
    lat = np.array([targets[name]["lat"] for name in names])
    lon = np.array([targets[name]["lon"] for name in names])
    cells = [towers.era5_cell(*place) for place in zip(lat, lon, strict=True)]
    groups = towers.tower_groups(names, lat, lon, cells)
    koppen = _koppen(folder)
    weather = _ByTower(folder / "ERA5.parquet", [column for column, _, _ in WEATHER.values()])
    satellite = _ByTower(folder / "MOD09GA.parquet", list(SATELLITE.values()))
    for number, name in enumerate(names):
        record = targets[name]
        if name not in weather or name not in satellite:
            log.warning("%s: no rows in ERA5.parquet or MOD09GA.parquet; left out", name)
            continue
        time, values = _series(record, weather.rows(name), satellite.rows(name), truth.get(name))
        static: dict[str, float | str] = {
            "lat": float(lat[number]),
            "lon": float(lon[number]),
            "igbp": record["igbp"],
            "koppen": koppen.get(name, ""),
            "network": record["network"],
            "utc_offset": float(round(lon[number] / 15)),
            **{column: members[number] for column, members in groups.items()},
        }
        if variables is not None:
            values = {key: value for key, value in values.items() if key in variables}
        yield Unit(name, time, values, static)


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    if not path.is_file():
        raise StageError(f"{path}: not there; CarbonFluxBench's files must lie in this folder under their own names")
    present = pq.read_schema(path).names
    absent = [column for column in columns if column not in present]
    if absent:
        raise StageError(f"{path}: no column {', '.join(absent)}; it has {', '.join(present[:20])}")
    return pq.read_table(path, columns=list(columns))


def _days(column: pa.ChunkedArray) -> np.ndarray:
    """Dates given as YYYYMMDD numbers, text or dates, as datetime64[D]."""
    kind = column.type
    if pa.types.is_integer(kind):
        numbers = column.to_numpy()
        text = np.char.mod("%d", numbers)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        unique = pc.dictionary_encode(column).combine_chunks()
        words = np.array([word.replace("-", "") for word in unique.dictionary.to_pylist()])
        return _parse(words)[unique.indices.to_numpy()]
    else:
        return column.to_numpy().astype("datetime64[D]")
    words, index = np.unique(text, return_inverse=True)
    return _parse(words)[index]


def _parse(words: np.ndarray) -> np.ndarray:
    return np.array([f"{word[:4]}-{word[4:6]}-{word[6:8]}" for word in words], "datetime64[D]")


def _sites(column: pa.ChunkedArray) -> np.ndarray:
    """Site ids of a column that may carry network prefixes, one spelling for each tower."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    words = [towers.site_id(word) for word in encoded.dictionary.to_pylist()]
    spelling = towers.one_spelling(words)
    return np.array([spelling[word] for word in words], object)[encoded.indices.to_numpy()]


def _targets(folder: Path) -> dict[str, dict[str, Any]]:
    """By tower: days, targets, quality, place and classes; one network for each calendar year."""
    path = next((folder / name for name in TARGET_FILES if (folder / name).is_file()), folder / TARGET_FILES[0])
    columns = ["TIMESTAMP", *TARGETS.values(), QUALITY, "site", "lat", "lon", "IGBP"]
    has_network = path.is_file() and "network" in pq.read_schema(path).names
    table = _read(path, [*columns, "network"] if has_network else columns)
    values = {name: table[column].to_numpy().astype(np.float64) for name, column in TARGETS.items()}
    quality = table[QUALITY].to_numpy().astype(np.float64)
    days = _days(table["TIMESTAMP"])
    site = _sites(table["site"])
    raw_site = np.asarray(table["site"].to_pylist(), object) if not has_network else None
    network = (
        np.asarray(table["network"].to_pylist(), object)
        if raw_site is None
        else np.array([str(name).split("_")[0] if "_" in str(name) else "" for name in raw_site], object)
    )
    complete = np.isfinite(quality)
    for name in TARGETS:
        complete &= np.isfinite(values[name]) & (values[name] != MISSING)
    _count_imbalance(values, complete)
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    igbp = np.asarray(table["IGBP"].to_pylist(), object)
    merged = _merge_places(site, days, values["nee"], complete, lat, lon)
    site = np.array([merged[name] for name in site], object)
    order = np.lexsort((days, site.astype(str)))
    order = order[complete[order]]
    found: dict[str, dict[str, Any]] = {}
    bounds = _bounds(site[order])
    for start, stop in pairwise(bounds):
        own = order[start:stop]
        chosen = own[_one_network_a_year(days[own], network[own], quality[own])]
        last = chosen[-1]
        labels = sorted(set(igbp[own]))
        if len(labels) > 1:
            log.warning(
                "%s: networks disagree on its class (%s); the newest record's is kept", site[last], ", ".join(labels)
            )
        found[str(site[last])] = {
            "days": days[chosen],
            **{name: values[name][chosen] for name in TARGETS},
            "qc": np.clip(quality[chosen], 0, 1),
            "lat": float(lat[last]),
            "lon": float(lon[last]),
            "igbp": str(igbp[last]),
            "network": " ".join(sorted(set(network[own].astype(str)))),
        }
    if not found:
        raise StageError(f"{path}: no row has all of {', '.join(TARGETS.values())} and {QUALITY}")
    return found


def _bounds(names: np.ndarray) -> list[int]:
    """Where each stretch of equal names begins, and the end of the last."""
    if len(names) == 0:
        return []
    return np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1], [True]])).tolist()


def _merge_places(
    site: np.ndarray, days: np.ndarray, nee: np.ndarray, complete: np.ndarray, lat: np.ndarray, lon: np.ndarray
) -> dict[str, str]:
    """Site ids to the tower that they name, by place and correlation."""
    names, first = np.unique(site.astype(str), return_index=True)
    series = {}
    for name in names:
        rows = np.flatnonzero((site == name) & complete)
        unique, index = np.unique(days[rows], return_index=True)
        series[str(name)] = (unique, nee[rows][index])
    return towers.same_tower([str(name) for name in names], lat[first], lon[first], series)


def _one_network_a_year(days: np.ndarray, network: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Indices, by day, of one record for each day: that of the network with the higher mean quality in the year."""
    years = days.astype("datetime64[Y]")
    kept = []
    for year in np.unique(years):
        rows = np.flatnonzero(years == year)
        names = sorted(set(network[rows]))
        newest = {name: NETWORK_ORDER.index(name) if name in NETWORK_ORDER else -1 for name in names}
        best = max(names, key=lambda name: (round(float(quality[rows][network[rows] == name].mean()), 9), newest[name]))
        own = rows[network[rows] == best]
        _, first = np.unique(days[own], return_index=True)
        kept.append(own[first])
    return np.concatenate(kept)


def _count_imbalance(values: Mapping[str, np.ndarray], complete: np.ndarray) -> None:
    """Log how many rows break NEE = RECO - GPP by more than 0.01; they are kept as they are."""
    error = np.abs(values["nee"] - (values["reco"] - values["gpp"]))[complete]
    broken = int((error >= 0.01).sum())
    if broken:
        log.warning("%d of %d rows break NEE = RECO - GPP by 0.01 gC m-2 d-1 or more; kept", broken, len(error))


def _truth(folder: Path) -> dict[str, tuple[np.ndarray, dict[str, np.ndarray]]]:
    """By tower: days and noise-free fluxes, which only a twin has."""
    path = folder / "truth.parquet"
    if not path.is_file():
        return {}
    table = _read(path, ["site", "TIMESTAMP", "GPP", "RECO", "NEE"])
    site, days = _sites(table["site"]).astype(str), _days(table["TIMESTAMP"])
    found = {}
    for name in np.unique(site):
        rows = np.flatnonzero(site == name)
        fluxes = {f"{flux.lower()}_truth": table[flux].to_numpy()[rows] for flux in ("GPP", "RECO", "NEE")}
        found[str(name)] = (days[rows], fluxes)
    return found


def _koppen(folder: Path) -> dict[str, str]:
    path = folder / "koppen_sites.json"
    if not path.is_file():
        log.warning("%s: not there; towers have no Koeppen class", path)
        return {}
    classes = {towers.site_id(name): str(value) for name, value in json.loads(path.read_text()).items()}
    spelling = towers.one_spelling(list(classes))
    return {spelling[name]: value for name, value in classes.items()}


class _ByTower:
    """A feature file, sorted by tower and day once, and cut by tower on demand."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        table = _read(path, ["site", "date", *columns])
        site, days = _sites(table["site"]).astype(str), _days(table["date"])
        order = np.lexsort((days, site))
        self.days = days[order]
        self.values = {column: table[column].to_numpy()[order] for column in columns}
        site = site[order]
        bounds = _bounds(site)
        self.bounds = {str(site[start]): (start, stop) for start, stop in pairwise(bounds)}

    def __contains__(self, name: str) -> bool:
        return name in self.bounds

    def rows(self, name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Days, each once, and columns of one tower."""
        start, stop = self.bounds[name]
        days, first = np.unique(self.days[start:stop], return_index=True)
        return days, {column: values[start:stop][first] for column, values in self.values.items()}


def _series(
    record: Mapping[str, Any],
    weather: tuple[np.ndarray, dict[str, np.ndarray]],
    satellite: tuple[np.ndarray, dict[str, np.ndarray]],
    truth: tuple[np.ndarray, dict[str, np.ndarray]] | None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One contiguous daily axis from the first to the last day of weather, and all variables on it."""
    start, stop = weather[0][0], weather[0][-1]
    time = np.arange(start, stop + np.timedelta64(1, "D"))

    def place(days: np.ndarray, values: np.ndarray) -> np.ndarray:
        column = np.full(len(time), np.nan, np.float32)
        inside = (days >= start) & (days <= stop)
        column[(days[inside] - start).astype(int)] = values[inside]
        return column

    found = {name: place(record["days"], record[name]) for name in (*TARGETS, "qc")}
    for name, (column, factor, offset) in WEATHER.items():
        found[name] = place(weather[0], weather[1][column].astype(np.float64) * factor + offset)
    seen = place(satellite[0], np.ones(len(satellite[0])))
    for name, column in SATELLITE.items():
        found[name] = interpolate(place(satellite[0], satellite[1][column]))
    found["reflectance_filled"] = np.isnan(seen).astype(np.float32)
    if truth is not None:
        for name, values in truth[1].items():
            found[name] = place(truth[0], values)
    return time, found


def interpolate(values: np.ndarray) -> np.ndarray:
    """NaN replaced by the line between its neighbours in time, or by the nearest value at the ends; (obs,) float32."""
    known = np.isfinite(values)
    if not known.any():
        return values
    index = np.arange(len(values))
    return np.interp(index, index[known], values[known]).astype(np.float32)
