"""The flux-tower twin: raw files in CarbonFluxBench's layout, made by a process model whose truth is known.

Two populations of towers, temperate (source) and dry or cold (target), with a shift between them; noise, gaps and
quality as a tower has them; some towers that two networks distribute, and some neighbours 300 m away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landbridge.domains.flux_towers import process, twin_files
from landbridge.prepare import weather as climates
from landbridge.prepare.streams import generator
from landbridge.stage import StageError

SHIFTS = ("none", "related", "unrelated")
LAYOUTS = ("carbonfluxbench", "fluxnet")
RELATED_EFFICIENCY, RELATED_RESPIRATION = 0.75, 1.3
SOURCE_CLASSES, SOURCE_CLIMATES = ("ENF", "DBF", "MF", "GRA", "CRO"), ("C", "D")
TARGET_CLASSES, TARGET_CLIMATES = (*SOURCE_CLASSES, "OSH"), ("B", "E")
SHORT_CLASSES = {"A": "Af", "B": "BSk", "C": "Cfb", "D": "Dfb", "E": "ET"}
LATITUDES = {"A": (-10, 10), "B": (25, 38), "C": (36, 50), "D": (50, 62), "E": (64, 70)}
FIRST_DAY = np.datetime64("2016-01-01")
SECOND_NAMES, NEIGHBOURS = 0.20, 0.05  # shares of towers planted under a second network, and with a neighbour
NEIGHBOUR_DEGREES = 0.0027  # about 300 m of latitude
# Reflectance in the MODIS bands 1 to 7: 645, 859, 469, 555, 1240, 1640, 2130 nm.
SPECTRA = {
    "leaf": (0.04, 0.45, 0.03, 0.07, 0.42, 0.22, 0.10),
    "soil": (0.18, 0.26, 0.09, 0.14, 0.33, 0.36, 0.30),
    "snow": (0.90, 0.85, 0.92, 0.92, 0.40, 0.10, 0.05),
    "cloud": (0.55, 0.58, 0.54, 0.55, 0.50, 0.40, 0.33),
}
WEATHER_COLUMNS = (
    "temperature_2m",
    "total_precipitation_sum",
    "surface_net_solar_radiation_sum",
    "total_evaporation_sum",
    "leaf_area_index_high_vegetation",
    "leaf_area_index_low_vegetation",
)
# Bands of the larger feature sets, of which the published benchmark has 36 and 150.
FURTHER_COLUMNS = ("dewpoint_temperature_2m", "surface_pressure", "soil_temperature_level_1", "skin_temperature")
PRODUCT_DAYS = 16  # over which the product's fluxes are smooth
NPP_SHARE = 0.5  # of gross primary production


@dataclass(frozen=True)
class Towers:
    """Physical towers: names, classes and places; (tower,)."""

    names: list[str]
    igbp: list[str]
    koppen: list[str]
    lat: np.ndarray
    lon: np.ndarray
    is_target: np.ndarray


@dataclass(frozen=True)
class Fluxes:
    """Gross primary production, respiration and net exchange, gC m-2 d-1; (tower, day)."""

    gpp: np.ndarray
    reco: np.ndarray
    nee: np.ndarray


def write_twin(
    folder: Path,
    dataset: str,
    seed: int,
    *,
    source_towers: int = 48,
    target_towers: int = 28,
    years: int = 2,
    shift: str = "related",
    layout: str = "carbonfluxbench",
) -> None:
    """Write the raw files of a twin; equal arguments give equal bytes.

    Args:
        folder: where to; it exists.
        dataset: name of the dataset; a part of the random streams.
        seed: of everything drawn.
        source_towers, target_towers: physical towers of each population; neighbours come on top.
        years: length of every record.
        shift: between the populations. `none`; `related`: light use 0.75 and respiration 1.3 times as strong in the
            target; `unrelated`: the target's fluxes are seasonal curves with random phase that no driver explains.
        layout: `carbonfluxbench`, or `fluxnet` for daily files of three networks, whose drivers are those of the
            towers and which have no satellite.

    Raises:
        StageError: an unknown shift or sizes that are too small.
    """
    if shift not in SHIFTS:
        raise StageError(f"datasets.{dataset}.twin.shift: '{shift}' is not known; write {', '.join(SHIFTS)}")
    if layout not in LAYOUTS:
        raise StageError(f"datasets.{dataset}.twin.layout: '{layout}' is not known; write {', '.join(LAYOUTS)}")
    for name, value, least in (
        ("source_towers", source_towers, 10),
        ("target_towers", target_towers, 8),
        ("years", years, 1),
    ):
        if not isinstance(value, int) or value < least:
            raise StageError(
                f"datasets.{dataset}.twin.{name}: {value!r} is too few; write a whole number from {least} on"
            )
    random = generator("twin", dataset, seed)
    towers = draw_towers(source_towers, target_towers, random)
    dates = FIRST_DAY + np.arange(round(years * 365.25))
    day = (dates - dates.astype("datetime64[Y]")).astype(int) + 1.0
    biome, climate = _site_constants(towers, shift, random)
    weather = climates.weather(climate, towers.lat[:, None], day, random)
    fapar = _phenology(towers, biome, day)
    filling, evaporated = process.bucket(weather.rain, weather.temperature, weather.shortwave)
    truth = true_fluxes(towers, biome, weather, fapar, filling, shift, random)
    if layout == "fluxnet":
        _write_fluxnet(folder, towers, dates, weather, truth, random)
        _write_truth(folder, towers, dates, truth)
        return
    _write_drivers(folder, towers, dates, day, weather, fapar, evaporated, random)
    _write_targets(folder, towers, dates, truth, random)
    _write_product(folder, towers, dates, truth, generator("twin product", dataset, seed))
    labels = dict(zip(towers.names, towers.koppen, strict=True))
    _write_json(folder / "koppen_sites.json", labels)
    _write_json(folder / "koppen_sites_short.json", {name: SHORT_CLASSES[letter] for name, letter in labels.items()})
    further = list(FURTHER_COLUMNS)
    sets = {"minimal": [], "standard": further[:2], "full": further}
    _write_json(folder / "feature_sets.json", {name: [*WEATHER_COLUMNS, *bands] for name, bands in sets.items()})


def draw_towers(source: int, target: int, random: np.random.Generator) -> Towers:
    """Towers of both populations, far apart, and their neighbours.

    Longitudes are evenly spaced, so physical towers are more than 100 km apart and the groups are known.
    """
    count = source + target
    classes, climates = [], []
    for number in range(source):
        classes.append(SOURCE_CLASSES[number % len(SOURCE_CLASSES)])
        climates.append(SOURCE_CLIMATES[number // len(SOURCE_CLASSES) % len(SOURCE_CLIMATES)])
    for number in range(target):
        classes.append(TARGET_CLASSES[number % len(TARGET_CLASSES)])
        climates.append(TARGET_CLIMATES[number // len(TARGET_CLASSES) % len(TARGET_CLIMATES)])
    bounds = np.array([LATITUDES[letter] for letter in climates], float)
    lat = random.uniform(bounds[:, 0], bounds[:, 1])
    southern = np.isin(climates, ["B", "C"]) & (np.arange(count) % 6 == 5)
    lat = np.where(southern, -lat, lat).round(3)
    lon = np.round(random.permutation(-180 + 360 * (np.arange(count) + 0.5) / count), 3)
    names = [f"TW-{'S' if number < source else 'T'}{number:03d}" for number in range(count)]
    near = np.sort(random.choice(count, max(1, round(NEIGHBOURS * count)), replace=False))
    return Towers(
        names=[*names, *(f"TW-N{number:03d}" for number in near)],
        igbp=[*classes, *(classes[number] for number in near)],
        koppen=[*climates, *(climates[number] for number in near)],
        lat=np.concatenate([lat, np.round(lat[near] + NEIGHBOUR_DEGREES, 4)]),
        lon=np.concatenate([lon, lon[near]]),
        is_target=np.concatenate([np.arange(count) >= source, near >= source]),
    )


def _site_constants(
    towers: Towers, shift: str, random: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Constants of each tower: those of its class with effects of the site, and the shift of the target."""
    biome = climates.columns([process.BIOMES[name] for name in towers.igbp])
    climate = climates.columns([climates.CLIMATES[name] for name in towers.koppen])
    shape = (len(towers.names), 1)
    biome["efficiency"] = biome["efficiency"] * random.lognormal(0, 0.20, shape)
    biome["respiration"] = biome["respiration"] * random.lognormal(0, 0.20, shape)
    biome["sensitivity"] = biome["sensitivity"] + random.normal(0, 30, shape)
    biome["start"] = biome["start"] + random.normal(0, 8, shape)
    biome["end"] = biome["end"] + random.normal(0, 8, shape)
    if shift == "related":
        target = towers.is_target[:, None]
        biome["efficiency"] = np.where(target, RELATED_EFFICIENCY, 1.0) * biome["efficiency"]
        biome["respiration"] = np.where(target, RELATED_RESPIRATION, 1.0) * biome["respiration"]
    return biome, climate


def _phenology(towers: Towers, biome: dict[str, np.ndarray], day: np.ndarray) -> np.ndarray:
    """Absorbed share of light; seasons south of the equator move by half a year."""
    # Dates of savannas are given for the south, those of all other classes for the north.
    is_southern_class = np.array([name == "SAV" for name in towers.igbp])
    moved = (towers.lat < 0) != is_southern_class
    local = np.where(moved[:, None], (day + 182.5 - 1) % 365 + 1, day)
    return climates.season(local, biome["fapar_low"], biome["fapar_high"], biome["start"], biome["end"])


def true_fluxes(
    towers: Towers,
    biome: dict[str, np.ndarray],
    weather: climates.Weather,
    fapar: np.ndarray,
    filling: np.ndarray,
    shift: str,
    random: np.random.Generator,
) -> Fluxes:
    """Fluxes before noise and gaps."""
    water = np.clip(filling / 0.4, 0.1, 1)
    gpp = process.uptake(biome, fapar, weather.shortwave, weather.minimum, 100 * weather.vpd, water)
    reco = process.respiration(biome, weather.temperature, filling, gpp)
    if shift == "unrelated":
        curves = [_random_season(gpp.shape, random) for _ in range(2)]
        gpp = np.where(towers.is_target[:, None], 6 * curves[0], gpp)
        reco = np.where(towers.is_target[:, None], 1 + 3 * curves[1], reco)
    return Fluxes(gpp, reco, reco - gpp)


def _random_season(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """A seasonal curve 0..1 for each tower, of random phase and height."""
    phase, height = random.uniform(0, 365, (shape[0], 1)), random.uniform(0.5, 1, (shape[0], 1))
    return height * (0.5 + 0.5 * np.cos(2 * np.pi * (np.arange(shape[1]) - phase) / 365.25))


def quality(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Share of good half-hours of each day from a Markov chain of the states good, partial and out.

    Stationary shares are 0.42, 0.43 and 0.15.
    """
    good, partial, out = 0, 1, 2
    state = random.choice(3, shape[0], p=[0.42, 0.43, 0.15])
    draws = random.random(shape)
    states = np.empty(shape, int)
    for number in range(shape[1]):
        states[:, number] = state
        draw = draws[:, number]
        from_partial = np.where(draw < 0.3256, good, np.where(draw < 0.3256 + 0.01744, out, partial))
        state = np.select(
            [state == good, state == partial],
            [np.where(draw < 1 / 3, partial, good), from_partial],
            np.where(draw < 0.05, partial, out),
        )
    return np.select([states == good, states == partial], [np.ones(shape), random.beta(2, 1.2, shape)], 0.0)


def observe(truth: Fluxes, qc: np.ndarray, random: np.random.Generator) -> Fluxes:
    """Measured fluxes: Laplace noise that grows with the flux (Richardson et al. 2006), a running mean where the
    quality is low, and a bias of respiration for each site and year; the balance closes exactly.
    """
    spread = 0.25 + 0.10 * np.abs(truth.nee)
    noisy = truth.nee + random.laplace(0, 1, truth.nee.shape) * spread / np.sqrt(2)
    padded = np.pad(truth.nee, ((0, 0), (7, 6)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    smooth = (sums[:, 14:] - sums[:, :-14]) / 14
    nee = qc * noisy + (1 - qc) * smooth
    days = truth.nee.shape[1]
    year = np.arange(days) // 365
    bias = random.normal(0, 0.08, (len(truth.nee), year[-1] + 1))[:, year]
    reco = truth.reco * (1 + bias)
    return Fluxes(reco - nee, reco, nee)


def _outages(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """(tower, day) bool: days without any record; about one outage of 30 to 200 days in two site-years."""
    lost = np.zeros(shape, bool)
    for tower in range(shape[0]):
        for _ in range(random.poisson(0.5 * shape[1] / 365)):
            start, length = random.integers(0, shape[1]), random.integers(30, 201)
            lost[tower, start : start + length] = True
    return lost


def _write_targets(folder: Path, towers: Towers, dates: np.ndarray, truth: Fluxes, random: np.random.Generator) -> None:
    shape = truth.gpp.shape
    qc = quality(shape, random)
    observed = observe(truth, qc, random)
    kept = ~_outages(shape, random)
    physical = [number for number, name in enumerate(towers.names) if not name.startswith("TW-N")]
    second = np.sort(random.choice(physical, max(1, round(SECOND_NAMES * len(physical))), replace=False))
    jitter = random.normal(0, 0.05, (len(second), shape[1])) * (1 + 0.2 * np.abs(observed.nee[second]))
    again = Fluxes(observed.gpp[second] - jitter, observed.reco[second], observed.nee[second] + jitter)
    parts = []
    for network, members, fluxes in (("FLX", np.arange(shape[0]), observed), ("AMF", second, again)):
        rows, columns = np.nonzero(kept[members])
        tower = members[rows]
        parts.append(
            {
                "TIMESTAMP": _yyyymmdd(dates)[columns],
                "GPP_NT_VUT_USTAR50": fluxes.gpp[rows, columns],
                "RECO_NT_VUT_USTAR50": fluxes.reco[rows, columns],
                "NEE_VUT_USTAR50": fluxes.nee[rows, columns],
                "NEE_VUT_USTAR50_QC": qc[tower, columns],
                "site": np.asarray(towers.names, object)[tower],
                "lat": towers.lat[tower],
                "lon": towers.lon[tower],
                "IGBP": np.asarray(towers.igbp, object)[tower],
                "network": np.full(len(rows), network, object),
            }
        )
    _write_table(
        folder / "target_fluxes_v2.parquet", {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    )
    _write_truth(folder, towers, dates, truth)


def _write_truth(folder: Path, towers: Towers, dates: np.ndarray, truth: Fluxes) -> None:
    rows, columns = np.nonzero(np.ones(truth.gpp.shape, bool))
    keys = {"site": np.asarray(towers.names, object)[rows], "TIMESTAMP": _yyyymmdd(dates)[columns]}
    values = {"GPP": truth.gpp.ravel(), "RECO": truth.reco.ravel(), "NEE": truth.nee.ravel()}
    _write_table(folder / "truth.parquet", {**keys, **values})


def _write_drivers(
    folder: Path,
    towers: Towers,
    dates: np.ndarray,
    day: np.ndarray,
    weather: climates.Weather,
    fapar: np.ndarray,
    evaporated: np.ndarray,
    random: np.random.Generator,
) -> None:
    shape = fapar.shape
    rows, columns = np.nonzero(np.ones(shape, bool))
    keys = {
        "site": np.asarray([f"FLX_{name}_FLUXNET2015" for name in towers.names], object)[rows],
        "date": np.datetime_as_string(dates)[columns].astype(object),
    }
    month = dates.astype("datetime64[M]").astype(int) % 12
    area = -np.log(1 - fapar) / 0.5
    by_month = np.stack([area[:, month == number].mean(axis=1) for number in range(12)], axis=1)[:, month]
    forest = np.isin(towers.igbp, process.FORESTS)[:, None]
    era5 = {
        "temperature_2m": weather.temperature + 273.15,
        "total_precipitation_sum": weather.rain / 1000,
        "surface_net_solar_radiation_sum": 0.82 * weather.shortwave * 1e6,
        "total_evaporation_sum": -evaporated / 1000,
        "leaf_area_index_high_vegetation": np.where(forest, by_month, 0),
        "leaf_area_index_low_vegetation": np.where(forest, 0, by_month),
    }
    smooth = _running_mean(weather.temperature, PRODUCT_DAYS)
    era5 |= {
        "dewpoint_temperature_2m": weather.minimum + 273.15 - 2,
        "surface_pressure": np.full(shape, 101325.0) - 60 * weather.temperature,
        "soil_temperature_level_1": smooth + 273.15,
        "skin_temperature": weather.temperature + 273.15 + 0.02 * weather.shortwave,
    }
    _write_table(
        folder / "ERA5.parquet", {**keys, **{name: values.ravel().astype(np.float32) for name, values in era5.items()}}
    )
    seen = random.random(shape) >= 0.15  # days with a retrieval
    modis = {
        name: values[seen].astype(np.float32)
        for name, values in _satellite(towers, day, weather, fapar, random).items()
    }
    kept = seen.ravel()
    _write_table(folder / "MOD09GA.parquet", {**{name: values[kept] for name, values in keys.items()}, **modis})


def _satellite(
    towers: Towers, day: np.ndarray, weather: climates.Weather, fapar: np.ndarray, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """The twelve channels of a daily overpass: seven reflectances, four angles in degrees, share of cloud."""
    shape = fapar.shape
    leaf = np.concatenate([np.repeat(fapar[:, :1], 3, axis=1), fapar[:, :-3]], axis=1)
    sums = np.cumsum(np.pad(weather.temperature, ((0, 0), (10, 0)), mode="edge"), axis=1)
    snow = (sums[:, 10:] - sums[:, :-10]) / 10 < -2
    cloud = np.where(weather.wet, random.beta(0.5, 0.7, shape), random.beta(0.4, 1.6, shape))
    view = random.uniform(0, 60, shape)
    declination = 0.409 * np.sin(2 * np.pi * day / 365 - 1.39)
    phi, hour_angle = np.radians(towers.lat)[:, None], np.radians(15 * (10.5 - 12))
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    found = {}
    for band in range(7):
        surface = leaf * SPECTRA["leaf"][band] + (1 - leaf) * SPECTRA["soil"][band]
        surface = np.where(snow, SPECTRA["snow"][band], surface)
        mixed = (1 - cloud) * surface + cloud * SPECTRA["cloud"][band]
        found[f"sur_refl_b{band + 1:02d}"] = mixed * (1 + random.normal(0, 1, shape) * 0.03 * (1 + view / 60))
    found["SensorZenith"] = view
    found["SensorAzimuth"] = random.uniform(-180, 180, shape)
    found["SolarZenith"] = np.degrees(np.arccos(np.clip(height, -1, 1)))
    found["SolarAzimuth"] = np.broadcast_to(np.where(towers.lat[:, None] < 0, 45.0, 135.0), shape) + random.normal(
        0, 5, shape
    )
    found["clouds"] = cloud
    return found


def _running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """(tower, day) mean over `width` days around each day."""
    padded = np.pad(values, ((0, 0), (width // 2, width - width // 2 - 1)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    return (sums[:, width:] - sums[:, :-width]) / width


def _write_product(folder: Path, towers: Towers, dates: np.ndarray, truth: Fluxes, random: np.random.Generator) -> None:
    """An existing product in MiCASA's layout: smooth, off by a factor at each tower; no autotrophic respiration."""
    factor = random.lognormal(0, 0.25, (len(towers.names), 1))
    npp = NPP_SHARE * factor * _running_mean(truth.gpp, PRODUCT_DAYS)
    heterotrophic = np.maximum(
        _running_mean(truth.reco, PRODUCT_DAYS) - NPP_SHARE * truth.gpp.mean(1, keepdims=True), 0
    )
    rows, columns = np.nonzero(np.ones(truth.gpp.shape, bool))
    values = {"NPP": npp.ravel(), "Rh": heterotrophic.ravel(), "NEE": (heterotrophic - npp).ravel()}
    keys = {"TIMESTAMP": _yyyymmdd(dates)[columns], "site": np.asarray(towers.names, object)[rows]}
    _write_table(folder / "MiCASA.parquet", {**keys, **{name: v.astype(np.float32) for name, v in values.items()}})


def _write_fluxnet(
    folder: Path,
    towers: Towers,
    dates: np.ndarray,
    weather: climates.Weather,
    truth: Fluxes,
    random: np.random.Generator,
) -> None:
    """Daily files: a third of the towers in each network, one in five in a second one too."""
    qc = quality(truth.gpp.shape, random)
    observed = observe(truth, qc, random)
    kept = ~_outages(truth.gpp.shape, random)
    tables = []
    for number, name in enumerate(towers.names):
        drivers = {
            "TA_F": weather.temperature[number],
            "SW_IN_F": weather.shortwave[number] * 1e6 / 86400,
            "VPD_F": weather.vpd[number],
            "P_F": weather.rain[number],
        }
        networks = [("FLX", "AMF", "ICOSETC")[number % 3]] + (["AMF"] if number % 15 == 0 else [])
        for network in networks:
            fluxes = [
                np.where(kept[number], flux[number], np.nan) for flux in (observed.gpp, observed.reco, observed.nee)
            ]
            share = np.where(kept[number], qc[number], np.nan)
            columns = {**drivers, **twin_files.flux_columns(fluxes[0], fluxes[1], fluxes[2], share)}
            tables.append(twin_files.Table(name, network, dates, columns))
    places = {name: (float(towers.lat[i]), float(towers.lon[i]), towers.igbp[i]) for i, name in enumerate(towers.names)}
    twin_files.write_daily_files(folder, tables, places)


def _yyyymmdd(dates: np.ndarray) -> np.ndarray:
    return np.array([int(str(date).replace("-", "")) for date in dates], np.int64)


def _write_table(path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path, compression="zstd")


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
