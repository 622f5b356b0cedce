"""The wetland types of wetlands.yaml: their parameters, their climates, and which class of a tower is which type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from landbridge.domains.wetland_methane.quantities import Parameters
from landbridge.prepare.weather import season

WARMEST, WETTEST = 200, 120  # days of the northern year at which the two annual cycles are highest
GROWS, FADES = 130.0, 275.0  # days at which plants are half grown and half gone
HALF_YEAR = 182.5
FULL_NPP_AT, MOST_NPP = 15.0, 1.2  # degC of the air, and most that warmer air adds
YEAR = 365


@cache
def read_numbers() -> Mapping[str, Any]:
    """All of wetlands.yaml; not to be changed."""
    found: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("wetlands.yaml").read_text())
    return found


def values_of(wetland: str) -> dict[str, float]:
    """Reference parameters of a type by name."""
    numbers = read_numbers()
    common = {name: float(entry["value"]) for name, entry in numbers["parameters"].items()}
    return common | {name: float(value) for name, value in numbers["types"][wetland]["changes"].items()}


def stacked(sets: Sequence[Mapping[str, float]]) -> Parameters:
    """One set of parameters for each site, as arrays of (site,)."""
    return Parameters(**{name: np.array([one[name] for one in sets]) for name in sets[0]})


def reference_parameters(wetlands: Sequence[str]) -> Parameters:
    """(site,) parameters of sites of some types."""
    return stacked([values_of(wetland) for wetland in wetlands])


def draw_values(wetland: str, spread: float, random: np.random.Generator) -> dict[str, float]:
    """Parameters of a type, each from a triangular distribution of its logarithm over its range.

    Args:
        wetland: whose reference values are the modes.
        spread: 0 for the modes themselves, up to 1 for the whole ranges.
        random: is drawn from in the order of wetlands.yaml.
    """
    found = values_of(wetland)
    for name, entry in read_numbers()["parameters"].items():
        if "range" in entry:
            mode, (least, most) = np.log(found[name]), np.log(entry["range"])
            left, right = mode + spread * (least - mode), mode + spread * (most - mode)
            if left < right:
                found[name] = float(np.exp(random.triangular(left, mode, right)))
    return found


def northern_day(day: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """(site, day) day of the year, by half a year later for sites south of the equator."""
    moved = np.asarray(lat, float)[:, None] < 0
    return np.where(moved, (day + HALF_YEAR - 1) % YEAR + 1, np.asarray(day, float))


def growth(day: np.ndarray) -> np.ndarray:
    """How far plants have grown, 0..1, on a northern day of the year."""
    return season(day, np.asarray(0.0), np.asarray(1.0), np.asarray(GROWS), np.asarray(FADES))


def npp(wetlands: Sequence[str], grown: np.ndarray, air_temperature: np.ndarray) -> np.ndarray:
    """(site, day) net primary production of types, gC m-2 d-1, by season and air temperature."""
    full = np.array([[float(read_numbers()["types"][name]["npp"])] for name in wetlands])
    return full * grown * np.clip(air_temperature / FULL_NPP_AT, 0, MOST_NPP)


def usual_water_table(wetlands: Sequence[str], day: np.ndarray) -> np.ndarray:
    """(site, day) annual cycle of the water table of types, cm above the surface, by northern day of the year."""
    cycle = np.array([read_numbers()["types"][name]["water_table"] for name in wetlands], float)
    return cycle[:, :1] + cycle[:, 1:] * np.cos(2 * np.pi * (day - WETTEST) / YEAR)
