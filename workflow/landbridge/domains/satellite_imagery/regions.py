"""The invented regions of regions.yaml: what differs from one to another in the twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from landbridge.domains.satellite_imagery.spectra import spectrum, wavelengths

Pair = tuple[float, float]


@cache
def read_numbers() -> Mapping[str, Any]:
    """All of regions.yaml."""
    return yaml.safe_load(Path(__file__).with_name("regions.yaml").read_text())


@dataclass(frozen=True)
class Burns:
    """How a region burns.

    Attributes:
        patches: least and most patches of a scene.
        area: of one patch, share of the scene.
        edge_pixels: distance from the edge at which severity would reach 1.
        most: highest severity.
        char: surface of what has burned.
        regrowth: surface that comes up before the image is taken, or None.
        regrown: share of it.
        islands: share of a patch that fire left out.
    """

    patches: tuple[int, int]
    area: Pair
    edge_pixels: float
    most: float
    char: str
    regrowth: str | None
    regrown: Pair
    islands: float


@dataclass(frozen=True)
class Region:
    """An invented region; what the fields mean stands in regions.yaml."""

    name: str
    surfaces: Mapping[str, float]
    water: Mapping[str, Any]
    relief: float
    gain: Pair
    offset: Pair
    sun: Pair
    season: tuple[Pair, Pair]
    harvest: float
    drying: float
    dried: str
    burns: Burns
    smoke: Pair
    cloud: Pair
    dates: Mapping[str, tuple[int, int]]

    def sensed(self, reflectance: np.ndarray) -> np.ndarray:
        """What the region's sensor makes of (band, y, x) reflectance: a gain and an offset, smooth in wavelength."""
        nm = wavelengths()
        gain, offset = (np.interp(nm, nm[[0, -1]], ends)[:, None, None] for ends in (self.gain, self.offset))
        return gain * reflectance + offset

    def illumination(self, elevation: np.ndarray) -> np.ndarray:
        """(y, x) cos(i) / cos(z) of the sun on the slopes of `elevation`, 1 where flat, cut at 0.3 and 1.7.

        Slopes are scaled so that one pixel in twenty is steeper than the region's relief.
        """
        down, right = np.gradient(elevation)
        factor = self.relief / max(float(np.quantile(np.hypot(down, right), 0.95)), 1e-9)
        height, azimuth = np.radians(self.sun)
        # Rows run south: the sun's direction is (east, south, up).
        east, south = np.cos(height) * np.sin(azimuth), -np.cos(height) * np.cos(azimuth)
        down, right = factor * down, factor * right
        incidence = (np.sin(height) - east * right - south * down) / np.sqrt(1 + down**2 + right**2)
        return np.clip(incidence / np.sin(height), 0.3, 1.7)


def read_region(name: str) -> Region:
    """Region `name` of regions.yaml."""
    own = dict(read_numbers()["regions"][name])
    own["burns"] = Burns(**own["burns"])
    assert set(own) | {"name"} == {field.name for field in fields(Region)}, name
    return Region(name=name, **own)


def seasonal(surface: str, dryness: float) -> np.ndarray:
    """(band,) reflectance of a surface of which `dryness`, 0 to 1, has gone over to dry grass if it is a green one."""
    numbers = read_numbers()
    if surface not in numbers["green"]:
        return spectrum(surface)
    return (1 - dryness) * spectrum(surface) + dryness * spectrum(numbers["dry"])
