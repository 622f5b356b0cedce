"""Invented weather of places on the Earth: radiation, temperature, rain and vapour pressure by climate class.

Radiation and vapour pressure follow FAO-56 (Allen et al. 1998). The constants of the climates are design values of the
twins and no published table. Arrays are (place, day) unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

SOLAR_CONSTANT = 0.0820  # MJ m-2 min-1, FAO-56 equation 21
TEMPERATURE_MEMORY = 0.75  # correlation of departures from one day to the next


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


def columns(rows: Sequence[Any]) -> dict[str, np.ndarray]:
    """Constants of several towers, given as data classes of one kind, as (tower, 1) arrays by name."""
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
    """A double logistic between `low` and `high`, as of leaves, that rises and falls at some rates per day.

    A season that spans the new year (start after end) is the complement of the one with the dates swapped.
    """
    across = start > end
    first, last = np.where(across, end, start), np.where(across, start, end)
    bracket = 1 / (1 + np.exp(-rise * (day - first))) + 1 / (1 + np.exp(fall * (day - last))) - 1
    bracket = np.clip(bracket, 0, 1)
    return low + (high - low) * np.where(across, 1 - bracket, bracket)


def autoregressive(
    shape: tuple[int, int], memory: float, spread: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """AR(1) series whose own standard deviation, not that of its innovations, is `spread`.

    Args:
        shape: (place, day).
        memory: correlation from one day to the next.
        spread: (place, 1).
    """
    innovations = random.normal(0, 1, shape) * spread * np.sqrt(1 - memory**2)
    found = np.empty(shape)
    found[:, 0] = random.normal(0, 1, shape[0]) * spread[:, 0]
    for number in range(1, shape[1]):
        found[:, number] = memory * found[:, number - 1] + innovations[:, number]
    return found


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
    departure = autoregressive(shape, TEMPERATURE_MEMORY, climate["spread"], random)
    temperature = climate["mean"] + climate["amplitude"] * np.cos(2 * np.pi * (local - 200) / 365) + departure
    wet = random.random(shape) < climate["wet_probability"]
    rain = np.where(wet, random.gamma(0.7, 1, shape) * climate["wet_amount"] / 0.7, 0)
    minimum = temperature - np.where(wet, 3, 5)
    dew_point = np.minimum(temperature - 1, minimum - 0.35 * climate["dew_drop"])
    clearness = random.normal(0, 0.08, shape) + np.where(wet, climate["clear_wet"], climate["clear_dry"])
    shortwave = extraterrestrial_radiation(lat, day) * np.clip(clearness, 0.08, 0.80)
    return Weather(temperature, minimum, rain, shortwave, vapour_pressure_deficit(temperature, dew_point), wet)
