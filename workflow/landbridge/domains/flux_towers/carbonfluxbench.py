"""Reader of CarbonFluxBench's parquet files (Rozanov et al. 2026, arXiv 2603.09868).

Written from the documentation of the published files and tried on the twin, which has their layout.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from landbridge.contract import Unit
from landbridge.domains.flux_towers import parquet, towers
from landbridge.domains.flux_towers.records import FLUXES, Records, Tower, physical_towers, unknown_classes
from landbridge.io.daily import MISSING, place
from landbridge.kinds import one_of
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

log = logging.getLogger(__name__)

TARGET_FILES = ("target_fluxes_v2.parquet", "target_fluxes.parquet")
TARGETS = {"gpp": "GPP_NT_VUT_USTAR50", "reco": "RECO_NT_VUT_USTAR50", "nee": "NEE_VUT_USTAR50"}
QUALITY = "NEE_VUT_USTAR50_QC"
# Published column, factor and offset to the canonical unit.
WEATHER = {
    "temperature": ("temperature_2m", 1.0, -273.15),  # K to degC
    "precipitation": ("total_precipitation_sum", 1000.0, 0.0),  # m to mm
    "net_shortwave": ("surface_net_solar_radiation_sum", 1 / 86400, 0.0),  # J m-2 per day to W m-2
    "evaporation": ("total_evaporation_sum", -1000.0, 0.0),  # m, downward positive, to mm upward
    "lai_high": ("leaf_area_index_high_vegetation", 1.0, 0.0),
    "lai_low": ("leaf_area_index_low_vegetation", 1.0, 0.0),
}
FEATURE_SETS = ("minimal", "standard", "full")
OTHER_BANDS = "era5_"  # prefix of the further bands, which keep ERA5-Land's own units
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
# MiCASA's net primary production and heterotrophic respiration stand for GPP and RECO, as the benchmark's authors
# compare them: both lack autotrophic respiration, so only NEE is like for like.
PRODUCT = {"gpp_micasa": "NPP", "reco_micasa": "Rh", "nee_micasa": "NEE"}
SETTINGS = {"weather": "minimal", "overlap": "best_year", "naming": "tower"}


def read_carbonfluxbench(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Towers of CarbonFluxBench, one contiguous daily axis each, in the order of their names.

    Rows with a missing target are dropped, as published; the day stays with NaN. Satellite channels are interpolated
    in time, to both ends, and `reflectance_filled` says where; weather and targets are never filled.

    Args:
        folder: of the raw files.
        settings: `weather`: bands of ERA5-Land, minimal, standard or full by feature_sets.json; `overlap` and
            `naming`: see `landbridge.domains.flux_towers.records.physical_towers`.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file or column is missing or of a wrong type, or a setting is not known.
    """
    own = own_settings(settings, SETTINGS, {"weather": one_of(*FEATURE_SETS)})
    records = read_records(folder)
    counts["days with all three fluxes"] += len(records.code)
    found = physical_towers(records, own["overlap"], own["naming"])
    unknown_classes(found)
    bands = _bands(folder, own["weather"])
    physical = [tower.name.split("_")[-1] for tower in found]  # without the network, where that is a part of the name
    order = sorted(set(physical))
    weather = parquet.Features(folder / "ERA5.parquet", [column for column, _, _ in bands.values()], order)
    satellite = parquet.Features(folder / "MOD09GA.parquet", list(SATELLITE.values()), order)
    columns = _static_columns(folder, found)
    truth = truth_of_twin(folder, order)
    product = further_file(folder / "MiCASA.parquet", "TIMESTAMP", PRODUCT, order)
    for number in np.argsort(physical, kind="stable"):
        tower, site = found[number], physical[number]
        if site not in weather or site not in satellite:
            log.warning("%s: no rows in ERA5.parquet or MOD09GA.parquet; left out", tower.name)
            counts["dropped: tower without weather or reflectance"] += 1
            continue
        values = _series(tower, bands, weather.rows(site), satellite.rows(site))
        for part in (truth, product):
            if part is not None:
                values |= part.on(site, values["time"])
        time = values.pop("time")
        yield Unit(tower.name, time, values, {name: column[number] for name, column in columns.items()})


def read_records(folder: Path) -> Records:
    """Rows of the target file that have all three fluxes and a quality."""
    path = next((folder / name for name in TARGET_FILES if (folder / name).is_file()), folder / TARGET_FILES[0])
    parquet.check(path, ["TIMESTAMP", "site", "IGBP"], [*TARGETS.values(), QUALITY, "lat", "lon"])
    has_network = "network" in parquet.columns_of(path)
    columns = ["TIMESTAMP", "site", "IGBP", *TARGETS.values(), QUALITY, "lat", "lon"]
    table = pq.read_table(path, columns=[*columns, "network"] if has_network else columns)
    fluxes = {name: parquet.numbers(table, column).astype(np.float64) for name, column in TARGETS.items()}
    quality = parquet.numbers(table, QUALITY).astype(np.float64)
    complete = np.isfinite(quality) & (quality != MISSING)
    for values in fluxes.values():
        complete &= np.isfinite(values) & (values != MISSING)
    if not complete.any():
        raise StageError(f"{path}: no row has all of {', '.join(TARGETS.values())} and {QUALITY}")
    words, code = parquet.text_codes(table["site"])
    if has_network:
        labels, network = parquet.text_codes(table["network"])
    else:
        labels, network = [word.split("_")[0] if "_" in word else "" for word in words], code
    classes, igbp = parquet.text_codes(table["IGBP"])
    days = parquet.days(table["TIMESTAMP"], path)
    return Records(
        site=[towers.site_id(word) for word in words],
        code=code[complete],
        network=np.asarray(labels)[network[complete]],
        day=days[complete],
        fluxes={name: values[complete] for name, values in fluxes.items()},
        quality=quality[complete],
        lat=parquet.numbers(table, "lat")[complete],
        lon=parquet.numbers(table, "lon")[complete],
        igbp=np.asarray(classes)[igbp[complete]],
    )


def _bands(folder: Path, name: str) -> dict[str, tuple[str, float, float]]:
    """Bands of ERA5-Land of a feature set: by canonical name the column, factor and offset."""
    if name == "minimal":
        return dict(WEATHER)
    path = folder / "feature_sets.json"
    if not path.is_file():
        raise StageError(f"{path}: not there; it lists the bands of weather '{name}', so put it into this folder")
    try:
        wanted = list(json.loads(path.read_text())[name])
    except (ValueError, KeyError, TypeError) as error:
        raise StageError(f"{path}: holds no list '{name}' ({error!r}); fetch the file again") from error
    known = {column: canonical for canonical, (column, _, _) in WEATHER.items()}
    absent = [column for column in known if column not in wanted]
    if absent:
        log.warning("%s: its list '%s' lacks %s of the minimal set; read all the same", path, name, ", ".join(absent))
    further = {f"{OTHER_BANDS}{column}": (column, 1.0, 0.0) for column in sorted(wanted) if column not in known}
    return {**WEATHER, **further}


def _static_columns(folder: Path, found: Sequence[Tower]) -> dict[str, list[Any]]:
    """Columns of units by name, each as long as `found`."""
    names = [tower.name for tower in found]
    lat, lon = (np.array([getattr(tower, axis) for tower in found]) for axis in ("lat", "lon"))
    cells = [towers.era5_cell(*place) for place in zip(lat, lon, strict=True)]
    groups = towers.tower_groups(names, lat, lon, cells)
    physical = [name.split("_")[-1] for name in names]
    koppen = {name: _classes(folder / f"{name}.json") for name in ("koppen_sites", "koppen_sites_short")}
    return {
        "lat": lat.tolist(),
        "lon": lon.tolist(),
        "igbp": [tower.igbp for tower in found],
        "igbp_labels": [" ".join(tower.labels) for tower in found],
        "koppen": [koppen["koppen_sites"].get(site.upper(), "") for site in physical],
        "koppen_short": [koppen["koppen_sites_short"].get(site.upper(), "") for site in physical],
        "network": [" ".join(tower.networks) for tower in found],
        "utc_offset": [float(round(value / 15)) for value in lon],
        **groups,
    }


def _classes(path: Path) -> dict[str, str]:
    """Class of each site, by its id in upper case; empty where there is no such file."""
    if not path.is_file():
        log.warning("%s: not there; towers have no such class", path)
        return {}
    return {towers.site_id(name).upper(): str(value) for name, value in json.loads(path.read_text()).items()}


class Further:
    """A further file by tower: the truth of a twin, or an existing product."""

    def __init__(self, features: parquet.Features, columns: Mapping[str, str]) -> None:
        self.features, self.columns = features, columns

    def on(self, site: str, time: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of a tower on its days; NaN where there are none."""
        if site not in self.features:
            return {name: np.full(len(time), np.nan, np.float32) for name in self.columns}
        days, values = self.features.rows(site)
        return {name: place(time, days, values[column]) for name, column in self.columns.items()}


def further_file(path: Path, date: str, columns: Mapping[str, str], order: Sequence[str]) -> Further | None:
    """A file that may be missing; None where it is."""
    if not path.is_file():
        return None
    return Further(parquet.Features(path, list(columns.values()), order, date=date), columns)


def truth_of_twin(folder: Path, order: Sequence[str]) -> Further | None:
    """Noise-free fluxes by tower, which only a twin has."""
    columns = {f"{flux}_truth": flux.upper() for flux in FLUXES}
    return further_file(folder / "truth.parquet", "TIMESTAMP", columns, order)


def _series(
    tower: Tower,
    bands: Mapping[str, tuple[str, float, float]],
    weather: tuple[np.ndarray, dict[str, np.ndarray]],
    satellite: tuple[np.ndarray, dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """All variables on one contiguous daily axis from the first to the last day of weather; `time` is one of them."""
    time = np.arange(weather[0][0], weather[0][-1] + np.timedelta64(1, "D"))
    found: dict[str, np.ndarray] = {"time": time}
    for name in (*FLUXES, "qc"):
        found[name] = place(time, tower.days, tower.values[name])
    for name, (column, factor, offset) in bands.items():
        found[name] = place(time, weather[0], weather[1][column].astype(np.float64) * factor + offset)
    seen = place(time, satellite[0], np.ones(len(satellite[0])))
    for name, column in SATELLITE.items():
        found[name] = interpolate(place(time, satellite[0], satellite[1][column]))
    found["reflectance_filled"] = np.isnan(seen).astype(np.float32)
    return found


def interpolate(values: np.ndarray) -> np.ndarray:
    """NaN replaced by the line between its neighbours in time, or by the nearest value at the ends; (obs,) float32."""
    known = np.isfinite(values)
    if not known.any():
        return values
    index = np.arange(len(values))
    return np.interp(index, index[known], values[known]).astype(np.float32)
