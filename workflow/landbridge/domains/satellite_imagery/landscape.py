"""Landscapes of the twin: fractal height and fertility, surfaces by their quantiles, rivers and fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.stats import rankdata

from landbridge.domains.satellite_imagery.regions import Region, read_numbers, seasonal

HEIGHT_WEIGHT = 0.35  # of elevation, beside fertility, in where a surface lies
RIVERS_BELOW = 0.5  # share of the land, the lower one, that has rivers
BLUR = 3  # pixels over which surfaces mix


def fractal(side: int, random: np.random.Generator, beta: float | None = None) -> np.ndarray:
    """(y, x) noise of mean 0 and deviation 1 whose amplitude falls with frequency as f^-beta (spectral synthesis).

    Args:
        side: pixels.
        random: what it is drawn from.
        beta: drawn from the range in regions.yaml where not given.
    """
    beta = random.uniform(*read_numbers()["beta"]) if beta is None else beta
    # Twice as wide as wanted: the noise is periodic, and its left edge would meet its right one.
    wide = 2 * side
    frequency = np.hypot(np.fft.fftfreq(wide)[:, None], np.fft.rfftfreq(wide)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(random.normal(size=(wide, wide))) * frequency**-beta, s=(wide, wide))
    field = noise[:side, :side]
    return (field - field.mean()) / field.std()


def ranks(field: np.ndarray) -> np.ndarray:
    """Quantile of each pixel among all, between 0 and 1."""
    return ((rankdata(field, method="ordinal") - 0.5) / field.size).reshape(field.shape)


@dataclass(frozen=True)
class Landscape:
    """A scene's ground.

    Attributes:
        surfaces: names.
        before, after: (surface, y, x) share of each surface in a pixel at the two images, without any fire.
        elevation: (y, x), without unit.
        burnable: (y, x) bool, what is not water.
    """

    surfaces: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    elevation: np.ndarray
    burnable: np.ndarray

    def reflectance(self, dryness: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """(band, y, x) of the flat ground at the two images, of which `dryness` are the seasons."""
        first, second = (np.stack([seasonal(name, dry) for name in self.surfaces]) for dry in dryness)
        return np.tensordot(first.T, self.before, 1), np.tensordot(second.T, self.after, 1)


def draw_landscape(region: Region, side: int, random: np.random.Generator) -> Landscape:
    """The ground of one scene of `side` x `side` pixels."""
    elevation, fertility = fractal(side, random), fractal(side, random)
    height = ranks(elevation)
    place = ranks(HEIGHT_WEIGHT * elevation + fertility)
    water = region.water["surface"]
    soil = read_numbers()["harvested"]
    names = tuple(dict.fromkeys([*region.surfaces, water, region.dried, soil]))
    shares = np.array(list(region.surfaces.values()))
    before = np.searchsorted(np.cumsum(shares / shares.sum())[:-1], place)
    lakes = height < random.uniform(*region.water["lakes"])
    course = ranks(np.abs(fractal(side, random)))
    rivers = (course < 2 * region.water["river_width"]) & (height < RIVERS_BELOW)
    before[lakes | rivers] = names.index(water)
    after = before.copy()
    if "crop" in names:
        harvested = bare_fields(side, region.harvest, random)
        after[harvested & (before == names.index("crop"))] = names.index(soil)
    if lakes.any():
        shore = np.quantile(elevation[lakes], 1 - region.drying)
        after[lakes & (elevation > shore)] = names.index(region.dried)
    return Landscape(names, mixed(before, len(names)), mixed(after, len(names)), elevation, ~(lakes | rivers))


def mixed(surface: np.ndarray, number: int) -> np.ndarray:
    """(surface, y, x) shares from a (y, x) map of numbers, mixed over `BLUR` pixels; they sum to 1."""
    pure = (surface == np.arange(number)[:, None, None]).astype(float)
    return uniform_filter(pure, (0, BLUR, BLUR), mode="nearest")


def fields_of(side: int, random: np.random.Generator) -> np.ndarray:
    """(y, x) number of the field that each pixel belongs to: oblongs in one direction."""
    median = read_numbers()["field_pixels"]
    angle = random.uniform(0, np.pi)
    rows, columns = np.mgrid[:side, :side].astype(float)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    strips = np.floor(across / random.uniform(0.6 * median, median)).astype(int)
    plots = np.floor(along / random.uniform(median, 2 * median) + 0.37 * strips).astype(int)
    plots -= plots.min()
    _, number = np.unique(strips * (int(plots.max()) + 1) + plots, return_inverse=True)
    return number.reshape(side, side)


def bare_fields(side: int, share: float, random: np.random.Generator) -> np.ndarray:
    """(y, x) bool: pixels of the fields, `share` of all, that are bare."""
    number = fields_of(side, random)
    return (random.uniform(size=int(number.max()) + 1) < share)[number]


def painted(shares: Sequence[tuple[str, np.ndarray]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and (surface, y, x) shares of layers laid one over another, each with its (y, x) opacity, 0 to 1."""
    names = tuple(dict.fromkeys(name for name, _ in shares))
    found = np.zeros((len(names), *shares[0][1].shape))
    for name, opacity in shares:
        found *= 1 - opacity
        found[names.index(name)] += opacity
    return names, found
