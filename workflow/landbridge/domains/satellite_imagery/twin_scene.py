"""One scene of the twin: the same ground before and after a fire, as a region's sensor sees it, with its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from landbridge.domains.satellite_imagery.air import Air, draw_air, flag_clouds
from landbridge.domains.satellite_imagery.burns import Burn, draw_burn, estimated_fraction
from landbridge.domains.satellite_imagery.landscape import draw_landscape
from landbridge.domains.satellite_imagery.regions import Region, read_numbers

Random = Callable[[str], np.random.Generator]  # the stream of a purpose


@dataclass(frozen=True)
class Scene:
    """Two images of one place and what is true of them.

    Attributes:
        before, after: (band, y, x) reflectance in the thirteen bands, as sensed.
        burn: the fire between them.
        air_before, air_after: of the two images.
        flagged_before, flagged_after: (y, x) bool, cloud masks with errors.
        ceiling: (y, x) bool, burned according to a classifier that knows all but the noise; see `draw_scene`.
        dryness: seasons of the two images.
    """

    before: np.ndarray
    after: np.ndarray
    burn: Burn
    air_before: Air
    air_after: Air
    flagged_before: np.ndarray
    flagged_after: np.ndarray
    ceiling: np.ndarray
    dryness: tuple[float, float]


def draw_scene(region: Region, side: int, random: Random, *, unrelated: bool = False) -> Scene:
    """Draw a scene of `side` x `side` pixels.

    The ceiling is what a classifier reaches that knows how the pixel would be seen unburned and wholly burned, air and
    slope included, and lacks only the noise: it estimates the burned fraction by weighted least squares and applies the
    label's own rule. Nothing that learns from images should do better where no cloud hides the ground.
    """
    numbers = read_numbers()
    land = draw_landscape(region, side, random("landscape"))
    draws = random("season")
    dryness = (float(draws.uniform(*region.season[0])), float(draws.uniform(*region.season[1])))
    light = np.where(land.burnable, region.illumination(land.elevation), 1.0)  # water lies flat
    before, after = (light * ground for ground in land.reflectance(dryness))
    burn = draw_burn(region, land.burnable, random("burn"), unrelated=unrelated)
    air_before = draw_air(side, (0, 0), region.cloud, burn.label, random("air before"))
    air_after = draw_air(side, region.smoke, region.cloud, burn.label, random("air after"))

    def seen(ground: np.ndarray, air: Air) -> np.ndarray:
        return region.sensed(air.through(ground))

    unburned, burned = seen(after, air_after), seen(light * burn.surface, air_after)
    clean = (1 - burn.fraction) * unburned + burn.fraction * burned
    observed = noisy(clean, random("noise after"))
    fraction = estimated_fraction(observed, unburned, burned, deviation(clean))
    return Scene(
        before=noisy(seen(before, air_before), random("noise before")),
        after=observed,
        burn=burn,
        air_before=air_before,
        air_after=air_after,
        flagged_before=flag_clouds(air_before.clouded, random("mask before")),
        flagged_after=flag_clouds(air_after.clouded, random("mask after")),
        ceiling=land.burnable & (fraction > numbers["burned_from"] ** numbers["severity_exponent"]),
        dryness=dryness,
    )


def deviation(reflectance: np.ndarray) -> np.ndarray:
    """Standard deviation of a pixel's noise at a `reflectance`."""
    noise = read_numbers()["noise"]
    return noise["relative"] * np.abs(reflectance) + noise["absolute"]


def noisy(reflectance: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """`reflectance` with the noise of its pixels."""
    return reflectance + deviation(reflectance) * random.normal(size=reflectance.shape)
