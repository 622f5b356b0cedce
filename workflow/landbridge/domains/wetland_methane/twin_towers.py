"""The towers of the twin as FLUXNET-CH4 daily files, with noise, gaps and two fillings, beside the truth."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landbridge.domains.wetland_methane import wetlands
from landbridge.domains.wetland_methane.driven import bridged
from landbridge.domains.wetland_methane.driven import gaps as gaps_of
from landbridge.domains.wetland_methane.twin_landscape import Days, Random, Sites
from landbridge.domains.wetland_methane.units import TO_MILLIGRAMS
from landbridge.prepare.weather import Weather, saturation_pressure

MISSING = "-9999"
MG_PER_NMOL = TO_MILLIGRAMS["nmol m-2 s-1"]
NOISE = (2.0, 0.25)  # nmol m-2 s-1, and share of the flux, of the noise's sd
MEASURED_RUN, MISSING_RUN = 13, 7  # mean days of a stretch; shares are 0.65 and 0.35
OUTAGE_SHARE = 0.5  # of winters that have one
OUTAGE_START, OUTAGE_DAYS = (320, 360), (40, 110)  # northern day of the year, and length
LONG_GAP = 60  # days beyond which FCH4_F stays open and the neural filling is marked 3
FILLING_DAYS = 30  # of the running mean that stands in for the neural filling
LIGHT = 1e6 / 86400  # W m-2 in 1 MJ m-2 d-1
PHOTONS = 2.1  # umol m-2 s-1 of photosynthetic photons in 1 W m-2 of shortwave
GC_PER_UMOL = 1.0377504  # g C m-2 d-1 in 1 umol m-2 s-1
STEFAN_BOLTZMANN = 5.67e-8  # W m-2 K-4
# Class in the site table, IGBP, Koeppen, flags of mosses, Sphagnum, aerenchyma, shrubs and trees, dominant
# vegetation, and class of wetland_classification.txt, which drained sites lack.
CLASSES = {
    "fen": ("Fen", "WET", "Dfc", "1,1,1,1,0", "aerenchymatous", "Unforested bog"),
    "bog": ("Bog", "WET", "Dfc", "0,1,1,1,0", "moss_sphagnum", "Forested bog"),
    "marsh": ("Marsh", "WET", "Cfa", "0,0,1,0,0", "aerenchymatous", "Unforested swamp"),
    "swamp": ("Swamp", "WET", "Af", "0,0,1,0,1", "tree", "Forested swamp"),
    "wet tundra": ("Wet tundra", "WET", "ET", "0,1,1,1,0", "moss_sphagnum", "Unforested bog"),
    "drained": ("Drained", "GRA", "Dfb", "0,0,1,1,0", "aerenchymatous", ""),
}
SITE_TABLE = "FLX_AA-Flx_CH4-META_twin_reformatted.csv"
SITE_COLUMNS = "SITE_ID,LAT,LON,SITE_CLASSIFICATION,UPLAND_CLASS,IGBP,KOPPEN,MOSS_BROWN,MOSS_SPHAGNUM,AERENCHYMATOUS"
SITE_COLUMNS += ",ERI_SHRUB,TREE,DOM_VEG"
TRUTH, TRUTH_COLUMNS = "truth.csv", "SITE_ID,TIMESTAMP,CH4"  # flux without noise, mg m-2 d-1
# In the order of the published files; those that end in _F repeat what was measured, unless said otherwise.
COLUMNS = (
    *("NEE", "H", "LE", "FCH4", "USTAR", "SW_IN", "PPFD_IN", "VPD", "RH", "PA", "TA", "P", "TS_1", "WTD", "GPP_NT"),
    *("RECO_NT", "GPP_DT", "RECO_DT", "WD", "WS", "NEE_F", "H_F", "LE_F", "FCH4_F", "SW_IN_F", "LW_IN_F", "PPFD_IN_F"),
    *("VPD_F", "RH_F", "PA_F", "TA_F", "P_F", "WTD_F", "WS_F", "LE_F_ANNOPTLM", "NEE_F_ANNOPTLM", "FCH4_F_ANNOPTLM"),
    "FCH4_F_ANNOPTLM_QC",
)


@dataclass(frozen=True)
class Reality:
    """What is true at the towers, (site, day), beside their places.

    Attributes:
        weather: of the towers.
        pressure: kPa.
        water_table: cm above the surface.
        npp: g m-2 d-1.
        soil_temperature: degC.
        flux: without noise, mg CH4 m-2 d-1.
    """

    weather: Weather
    pressure: np.ndarray
    water_table: np.ndarray
    npp: np.ndarray
    soil_temperature: np.ndarray
    flux: np.ndarray


def write(
    folder: Path,
    sites: Sites,
    days: Days,
    reality: Reality,
    random: Random,
    water_table_known: float,
    *,
    noise: bool,
    gaps: bool,
) -> None:
    """Write a daily file for each tower, the site table, the classification and the truth.

    Args:
        folder: where to.
        sites: the towers.
        days: of the run.
        reality: what is true at them.
        random: gives the stream of a purpose.
        water_table_known: share of the towers whose files have a water table.
        noise, gaps: whether there are any.
    """
    dates = days.dates[days.record]
    stamps = [text.replace("-", "") for text in np.datetime_as_string(dates).tolist()]
    truth = reality.flux[:, days.record]
    northern = wetlands.northern_day(days.of_year[days.record], sites.lat)
    missing = unmeasured(northern, random("gaps")) & gaps
    fch4 = np.where(missing, np.nan, truth / MG_PER_NMOL + noise * noise_of(truth / MG_PER_NMOL, random("noise")))
    count = round(water_table_known * len(sites.names))
    with_water_table = set(random("known water tables").permutation(len(sites.names))[:count].tolist())
    further = random("further columns")
    years = f"{dates[0].astype('datetime64[Y]')}-{dates[-1].astype('datetime64[Y]')}"
    for number, name in enumerate(sites.names):
        columns = fluxnet_columns(reality, number, days.record, fch4[number], number in with_water_table, further)
        _write_table(folder / f"FLX_{name}_FLUXNET-CH4_DD_{years}_1-1.csv", stamps, columns)
    _write_sites(folder, sites)
    with (folder / TRUTH).open("w", newline="") as handle:
        handle.write(f"{TRUTH_COLUMNS}\n")
        for name, values in zip(sites.names, truth.tolist(), strict=True):
            handle.writelines(f"{name},{stamp},{value:.6g}\n" for stamp, value in zip(stamps, values, strict=True))


def noise_of(flux: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Laplace noise whose sd grows with the flux, nmol m-2 s-1."""
    spread = NOISE[0] + NOISE[1] * np.abs(flux)
    return random.laplace(0, 1, flux.shape) * spread / np.sqrt(2)


def unmeasured(northern_day: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(site, day) bool: a Markov chain of measured and missing days, and outages in some winters."""
    shape = northern_day.shape
    draws = random.random(shape)
    missing = np.empty(shape, bool)
    state = np.asarray(random.random(shape[0]) < MISSING_RUN / (MEASURED_RUN + MISSING_RUN))
    for day in range(shape[1]):
        missing[:, day] = state
        state = np.where(state, draws[:, day] >= 1 / MISSING_RUN, draws[:, day] < 1 / MEASURED_RUN)
    for site in range(shape[0]):
        for winter in np.flatnonzero(northern_day[site] // 1 == OUTAGE_START[0]).tolist():
            start = winter + int(random.integers(0, OUTAGE_START[1] - OUTAGE_START[0]))
            length = int(random.integers(*OUTAGE_DAYS))
            if random.random() < OUTAGE_SHARE:
                missing[site, start : start + length] = True
    return missing


def fluxnet_columns(
    reality: Reality, site: int, record: slice, fch4: np.ndarray, with_water_table: bool, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """(day,) columns of one tower by published name, in the published order; NaN is missing.

    Carbon and energy fluxes are plain functions of the drivers, there to fill the layout.
    """
    air = reality.weather
    temperature, light = air.temperature[site, record], air.shortwave[site, record] * LIGHT
    vpd, count = air.vpd[site, record], len(fch4)
    uptake = 2 * reality.npp[site, record] / GC_PER_UMOL
    release = 0.4 * uptake + 2.0 ** ((temperature - 10) / 10)
    exchange = release - uptake + random.normal(0, 0.3, count)
    quality = np.ones(count)
    for start, stop in gaps_of(fch4):
        if stop - start > LONG_GAP:
            quality[start:stop] = 3
    values = {
        "NEE": np.where(np.isnan(fch4), np.nan, exchange),
        "H": 0.2 * light,
        "LE": 0.35 * light,
        "FCH4": fch4,
        "USTAR": random.gamma(6, 0.05, count),
        "SW_IN": light,
        "PPFD_IN": PHOTONS * light,
        "VPD": vpd,
        "RH": 100 * (1 - vpd / (10 * saturation_pressure(temperature))),
        "PA": reality.pressure[site, record],
        "TA": temperature,
        "P": air.rain[site, record],
        "TS_1": reality.soil_temperature[site, record],
        "GPP_NT": uptake,
        "RECO_NT": release,
        "GPP_DT": uptake,
        "RECO_DT": release,
        "WD": random.uniform(0, 360, count),
        "WS": random.gamma(6, 0.5, count),
        "NEE_F": exchange,
        "FCH4_F": bridged(fch4 + 0.3 * noise_of(fch4, random), LONG_GAP),
        "LW_IN_F": 0.8 * STEFAN_BOLTZMANN * (temperature + 273.15) ** 4,
        "LE_F_ANNOPTLM": 0.35 * light,
        "NEE_F_ANNOPTLM": exchange,
        "FCH4_F_ANNOPTLM": running_mean(fch4, FILLING_DAYS),
        "FCH4_F_ANNOPTLM_QC": quality,
    }
    if with_water_table:
        values["WTD"] = reality.water_table[site, record] / 100
    own = {name: name if name in values else name.removesuffix("_F") for name in COLUMNS}
    return {name: values[source] for name, source in own.items() if source in values}


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """(day,) mean of what is known in `width` days around each, straight lines where nothing is."""
    known = ~np.isnan(values)
    box = np.ones(width)
    sums, counts = (np.convolve(part, box, "same") for part in (np.where(known, values, 0.0), known.astype(float)))
    # Counts come from a sum of ones, so they are whole up to rounding.
    mean = np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0.5)
    return bridged(mean, len(values))


def _write_table(path: Path, stamps: Sequence[str], columns: Mapping[str, np.ndarray]) -> None:
    texts = [
        [MISSING if value != value else f"{value:.5g}" for value in values.tolist()] for values in columns.values()
    ]
    with path.open("w", newline="") as handle:
        handle.write(",".join(["TIMESTAMP", *columns]) + "\n")
        handle.writelines(",".join(row) + "\n" for row in zip(stamps, *texts, strict=True))


def _write_sites(folder: Path, sites: Sites) -> None:
    rows, coarse = [SITE_COLUMNS.split(",")], []
    for name, kind, lat, lon in zip(sites.names, sites.classes, sites.lat.tolist(), sites.lon.tolist(), strict=True):
        label, igbp, koppen, flags, dominant, model_class = CLASSES[kind]
        rows.append([name, f"{lat:.4f}", f"{lon:.4f}", label, "", igbp, koppen, *flags.split(","), dominant])
        if model_class:
            coarse.append(f"{name}\t{model_class}\n")
    with (folder / SITE_TABLE).open("w", newline="") as handle:
        csv.writer(handle, lineterminator="\r\n").writerows(rows)
    (folder / "wetland_classification.txt").write_text("".join(coarse))
