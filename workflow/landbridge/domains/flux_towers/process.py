"""A light-use-efficiency and respiration model of a tower's day, with the weather that drives it.

Radiation and vapour pressure follow FAO-56 (Allen et al. 1998), temperature response of respiration Lloyd and Taylor
(1994), and the ramps of minimum temperature and vapour pressure deficit Running et al. (2004). The constants of the
biomes are design values of this twin and no published parameter set. Arrays are (tower, day) unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

SOLAR_CONSTANT = 0.0820  # MJ m-2 min-1, FAO-56 equation 21
PAR_SHARE = 0.45  # of shortwave energy
BUCKET_MM = 150.0
BUCKET_START_MM = 80.0
LATENT_HEAT = 2.45  # MJ per mm of evaporated water
REFERENCE_INVERSE = 1 / 56.02  # 1 / (10 degC + 46.02 K), Lloyd and Taylor (1994)


@dataclass(frozen=True)
class Climate:
    """Weather constants of a main Koeppen class.

    Attributes:
        mean, amplitude, spread: annual mean and half range of temperature, and sd of its daily departures, degC.
        wet_probability, wet_amount: share of wet days and mean rain of one, mm.
        clear_dry, clear_wet: mean transmittance of the atmosphere on dry and wet days.
        dew_drop: drop of the dew point below the minimum temperature, degC (times 0.35).
    """

    mean: float
    amplitude: float
    spread: float
    wet_probability: float
    wet_amount: float
    clear_dry: float
    clear_wet: float
    dew_drop: float


CLIMATES = {
    "A": Climate(26, 1.5, 1.2, 0.45, 14, 0.62, 0.40, 4),
    "B": Climate(17, 10, 3, 0.08, 7, 0.70, 0.45, 16),
    "C": Climate(12, 8, 3, 0.38, 7, 0.58, 0.33, 5),
    "D": Climate(4, 14, 4.5, 0.35, 5, 0.57, 0.34, 4),
    "E": Climate(-6, 13, 4, 0.30, 3, 0.55, 0.36, 2.5),
}


@dataclass(frozen=True)
class Biome:
    """Constants of an IGBP class.

    Attributes:
        efficiency: carbon per absorbed photosynthetic energy, gC MJ-1.
        t_zero, t_full: minimum temperature at which uptake begins and is unhindered, degC.
        vpd_full, vpd_zero: vapour pressure deficit at which uptake begins to fall and ends, Pa.
        fapar_low, fapar_high: absorbed share of light out of and in season.
        start, end: days of the year at which leaves are half grown and half gone (northern hemisphere).
        respiration: at 10 degC, gC m-2 d-1.
        sensitivity: of respiration, K.
        growth_share: share of uptake respired again.
    """

    efficiency: float
    t_zero: float
    t_full: float
    vpd_full: float
    vpd_zero: float
    fapar_low: float
    fapar_high: float
    start: float
    end: float
    respiration: float
    sensitivity: float
    growth_share: float


BIOMES = {
    "ENF": Biome(0.962, -8, 8.31, 650, 4600, 0.55, 0.85, 100, 290, 1.2, 200, 0.40),
    "EBF": Biome(1.268, -8, 9.09, 800, 3100, 0.80, 0.92, 1, 365, 1.8, 150, 0.45),
    "DBF": Biome(1.165, -6, 9.94, 650, 1650, 0.15, 0.90, 120, 285, 1.3, 200, 0.35),
    "MF": Biome(1.051, -7, 9.50, 650, 2400, 0.35, 0.88, 112, 288, 1.3, 200, 0.38),
    "GRA": Biome(0.860, -8, 12.02, 650, 5300, 0.15, 0.75, 100, 280, 1.2, 220, 0.45),
    "CRO": Biome(1.044, -8, 12.02, 650, 4300, 0.08, 0.85, 130, 265, 1.0, 220, 0.35),
    "OSH": Biome(0.841, -8, 8.80, 650, 4800, 0.12, 0.40, 120, 270, 0.5, 180, 0.40),
    "SAV": Biome(1.206, -8, 11.39, 650, 3100, 0.25, 0.65, 300, 120, 0.9, 150, 0.45),
    "WET": Biome(0.90, -8, 10, 650, 4000, 0.20, 0.65, 125, 275, 0.9, 230, 0.35),
}
FORESTS = ("ENF", "EBF", "DBF", "MF")


def columns(rows: list[Biome] | list[Climate]) -> dict[str, np.ndarray]:
    """Constants of several towers as (tower, 1) arrays by name."""
    return {field.name: np.array([[getattr(row, field.name)] for row in rows], float) for field in fields(rows[0])}


def extraterrestrial_radiation(lat: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Daily radiation at the top of the atmosphere, MJ m-2 d-1 (FAO-56 equation 21).

    Args:
        lat: degrees.
        day: day of the year.
    """
    phi = np.radians(lat)
    distance = 1 + 0.033 * np.cos(2 * np.pi * day / 365)
    declination = 0.409 * np.sin(2 * np.pi * day / 365 - 1.39)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    geometry = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return np.maximum(24 * 60 / np.pi * SOLAR_CONSTANT * distance * geometry, 0)


def saturation_pressure(temperature: np.ndarray) -> np.ndarray:
    """Saturation vapour pressure, kPa, over water at `temperature` in degC (FAO-56 equation 11)."""
    return 0.6108 * np.exp(17.27 * temperature / (temperature + 237.3))


def vapour_pressure_deficit(temperature: np.ndarray, dew_point: np.ndarray) -> np.ndarray:
    """Vapour pressure deficit, hPa, never below 0."""
    return np.maximum(10 * (saturation_pressure(temperature) - saturation_pressure(dew_point)), 0)


def season(
    day: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    rise: float = 0.08,
    fall: float = 0.07,
) -> np.ndarray:
    """Absorbed share of light by a double logistic that rises and falls at some rates per day.

    A season that spans the new year (start after end) is the complement of the one with the dates swapped.
    """
    across = start > end
    first, last = np.where(across, end, start), np.where(across, start, end)
    bracket = 1 / (1 + np.exp(-rise * (day - first))) + 1 / (1 + np.exp(fall * (day - last))) - 1
    bracket = np.clip(bracket, 0, 1)
    return low + (high - low) * np.where(across, 1 - bracket, bracket)


def temperature_response(temperature: np.ndarray, sensitivity: np.ndarray) -> np.ndarray:
    """Respiration relative to 10 degC (Lloyd and Taylor 1994, equation 11); degC, held at -40 below that."""
    warm = np.maximum(temperature, -40)
    return np.exp(sensitivity * (REFERENCE_INVERSE - 1 / (warm + 46.02)))


def uptake(
    biome: dict[str, np.ndarray],
    fapar: np.ndarray,
    shortwave: np.ndarray,
    minimum_temperature: np.ndarray,
    vpd: np.ndarray,
    water: np.ndarray,
) -> np.ndarray:
    """Gross primary production, gC m-2 d-1.

    Args:
        shortwave: MJ m-2 d-1.
        minimum_temperature: degC.
        vpd: Pa.
        water: factor 0..1.
    """
    cold = np.clip((minimum_temperature - biome["t_zero"]) / (biome["t_full"] - biome["t_zero"]), 0, 1)
    dry = np.clip((biome["vpd_zero"] - vpd) / (biome["vpd_zero"] - biome["vpd_full"]), 0, 1)
    return biome["efficiency"] * fapar * PAR_SHARE * shortwave * cold * dry * water


def respiration(
    biome: dict[str, np.ndarray], temperature: np.ndarray, filling: np.ndarray, production: np.ndarray
) -> np.ndarray:
    """Ecosystem respiration, gC m-2 d-1, from the bucket's filling 0..1 and gross primary production."""
    response = temperature_response(temperature, biome["sensitivity"])
    maintenance = biome["respiration"] * response * np.clip(0.2 + 2 * filling, 0, 1)
    return maintenance + 0.9 * biome["growth_share"] * production * np.minimum(response, 1.5)


def bucket(rain: np.ndarray, temperature: np.ndarray, shortwave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Filling (0..1) of a soil bucket and actual evaporation (mm d-1), day by day; rain (mm) enters above 0 degC."""
    potential = 1.26 * np.clip(0.4 + 0.02 * temperature, 0, 0.8) * 0.35 * shortwave / LATENT_HEAT
    filling, evaporated = np.empty_like(rain), np.empty_like(rain)
    store = np.full(len(rain), BUCKET_START_MM)
    for day in range(rain.shape[1]):
        store = np.minimum(store + np.where(temperature[:, day] > 0, rain[:, day], 0), BUCKET_MM)
        filling[:, day] = store / BUCKET_MM
        evaporated[:, day] = np.minimum(potential[:, day] * np.minimum(1, filling[:, day] / 0.6), store)
        store = store - evaporated[:, day]
    return filling, evaporated


@dataclass(frozen=True)
class Weather:
    """Weather of some towers: degC, mm d-1, MJ m-2 d-1, hPa; (tower, day)."""

    temperature: np.ndarray
    minimum: np.ndarray
    rain: np.ndarray
    shortwave: np.ndarray
    vpd: np.ndarray
    wet: np.ndarray


def weather(climate: dict[str, np.ndarray], lat: np.ndarray, day: np.ndarray, random: np.random.Generator) -> Weather:
    """Draw daily weather.

    Args:
        climate: constants as (tower, 1).
        lat: (tower, 1) degrees; south of the equator the seasons move by half a year.
        day: (day,) of the year.
    """
    shape = (len(lat), len(day))
    local = np.where(lat < 0, day + 182.5, day)
    # AR(1) whose series, not whose innovations, has the spread of the climate.
    innovations = random.normal(0, 1, shape) * climate["spread"] * np.sqrt(1 - 0.75**2)
    departure = np.empty(shape)
    departure[:, 0] = random.normal(0, 1, shape[0]) * climate["spread"][:, 0]
    for number in range(1, shape[1]):
        departure[:, number] = 0.75 * departure[:, number - 1] + innovations[:, number]
    temperature = climate["mean"] + climate["amplitude"] * np.cos(2 * np.pi * (local - 200) / 365) + departure
    wet = random.random(shape) < climate["wet_probability"]
    rain = np.where(wet, random.gamma(0.7, 1, shape) * climate["wet_amount"] / 0.7, 0)
    minimum = temperature - np.where(wet, 3, 5)
    dew_point = np.minimum(temperature - 1, minimum - 0.35 * climate["dew_drop"])
    clearness = random.normal(0, 0.08, shape) + np.where(wet, climate["clear_wet"], climate["clear_dry"])
    shortwave = extraterrestrial_radiation(lat, day) * np.clip(clearness, 0.08, 0.80)
    return Weather(temperature, minimum, rain, shortwave, vapour_pressure_deficit(temperature, dew_point), wet)
