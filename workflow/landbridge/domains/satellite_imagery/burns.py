"""Fires of the twin: patches with unburned islands, severity that rises from the edge, char, ash, regrowth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from landbridge.domains.satellite_imagery.landscape import fractal, ranks
from landbridge.domains.satellite_imagery.regions import Region, read_numbers
from landbridge.domains.satellite_imagery.spectra import spectra, spectrum

PATCH_ROUGHNESS = 0.35  # of the noise that bends the outline of a patch, in radii
SEVERITY_NOISE = 0.12
CENTRES_WITHIN = (0.15, 0.85)  # of the scene, so that most patches lie inside


@dataclass(frozen=True)
class Burn:
    """The fires of one scene.

    Attributes:
        severity: (y, x), 0 to the highest of the region.
        surface: (band, y, x) reflectance of what has burned there.
        patches: how many were lit; some may have met.
        regrown: the scene's share of what has grown back on burned ground.
    """

    severity: np.ndarray
    surface: np.ndarray
    patches: int
    regrown: float

    @property
    def label(self) -> np.ndarray:
        """(y, x) bool: burned by the rule of regions.yaml. It has no errors of a perimeter; severity stands apart."""
        return self.severity > read_numbers()["burned_from"]

    @property
    def fraction(self) -> np.ndarray:
        """(y, x) share of a pixel that has burned."""
        return self.severity ** read_numbers()["severity_exponent"]


def draw_burn(region: Region, burnable: np.ndarray, random: np.random.Generator, *, unrelated: bool = False) -> Burn:
    """Fires on the (y, x) bool `burnable` ground of one scene.

    Args:
        region: gives number, size, severity and surfaces.
        burnable: where fire can go.
        random: what they are drawn from. The outlines are the same whether unrelated or not.
        unrelated: burned ground looks bright and green in place of charred, and nothing grows back.
    """
    side = len(burnable)
    own, numbers = region.burns, read_numbers()
    patches = int(random.integers(own.patches[0], own.patches[1] + 1))
    burned = np.zeros((side, side), bool)
    for _ in range(patches):
        burned |= _patch(burnable, random.uniform(*own.area), random)
    burned &= burnable & (ranks(fractal(side, random, beta=1.2)) > own.islands)
    # Outside of the scene the fire goes on: padding keeps its border from being an edge.
    inside = distance_transform_edt(np.pad(burned, 1, mode="edge"))[1:-1, 1:-1]
    severity = inside / own.edge_pixels + SEVERITY_NOISE * fractal(side, random, beta=1.2)
    severity = np.where(burned, np.clip(severity, 0, own.most), 0)
    regrown = random.uniform(*own.regrown)
    share = np.clip(regrown * (0.5 + ranks(fractal(side, random))), *own.regrown)
    surface = np.broadcast_to(spectrum(own.char)[:, None, None], (len(spectrum(own.char)), side, side))
    if own.regrowth is not None:
        surface = (1 - share) * surface + share * spectrum(own.regrowth)[:, None, None]
    ash = (severity > numbers["ash_from"] * own.most) & (random.uniform(size=(side, side)) < numbers["ash_share"])
    surface = np.where(ash, spectrum("ash")[:, None, None], surface)
    if unrelated:
        mixture = numbers["unrelated"]
        surface = np.array(list(mixture.values())) @ spectra(list(mixture))
        surface = np.broadcast_to(surface[:, None, None], (len(surface), side, side))
    return Burn(severity, surface, patches, 0.0 if unrelated else float(regrown))


def _patch(burnable: np.ndarray, area: float, random: np.random.Generator) -> np.ndarray:
    """(y, x) bool: the highest `area` of a cone with fractal noise, its tip on burnable ground."""
    side = len(burnable)
    least, most = (round(part * side) for part in CENTRES_WITHIN)
    offered = np.argwhere(burnable[least:most, least:most])
    centre = offered[random.integers(len(offered))] + least if len(offered) else np.array([side // 2, side // 2])
    rows, columns = np.mgrid[:side, :side]
    radius = side * np.sqrt(area / np.pi)
    cone = -np.hypot(rows - centre[0], columns - centre[1]) / radius
    return ranks(cone + PATCH_ROUGHNESS * fractal(side, random)) > 1 - area


def estimated_fraction(seen: np.ndarray, unburned: np.ndarray, burned: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(y, x) share of each pixel that has burned, by weighted least squares between two known ends.

    What is seen is (1 - f) unburned + f burned with independent noise, so that f has a closed form.

    Args:
        seen: (band, y, x) observed.
        unburned, burned: (band, y, x) as they would be seen without noise.
        noise: (band, y, x) standard deviation.
    """
    toward = (burned - unburned) / noise
    return np.sum(toward * (seen - unburned) / noise, axis=0) / np.maximum(np.sum(toward**2, axis=0), 1e-12)
