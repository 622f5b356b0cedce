"""What lies between the ground and the sensor in the twin: smoke, cloud with shadow, a cloud mask with errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from landbridge.domains.satellite_imagery.landscape import fractal, ranks
from landbridge.domains.satellite_imagery.regions import read_numbers
from landbridge.domains.satellite_imagery.spectra import spectrum, wavelengths

SMOKE_NM, SMOKE_EXPONENT = 550, -1.5  # fine particles scatter blue light most
PLUME_STEPS, PLUME_LENGTH = 8, 0.35  # steps, and share of the scene over which smoke falls to 1/e
CLOUD_EDGE = 0.02  # share of the scene over which a cloud grows thick
SHADOW_PIXELS = (4, 12)
FLAG_BETA = 2.0  # errors of a mask are patches rather than specks


@dataclass(frozen=True)
class Air:
    """The air over one image.

    Attributes:
        depth: (y, x) optical depth of smoke at 550 nm.
        opacity: (y, x) of cloud, 0 to 1.
        shadow: (y, x) of cloud on the ground, 0 to 1.
    """

    depth: np.ndarray
    opacity: np.ndarray
    shadow: np.ndarray

    @property
    def clouded(self) -> np.ndarray:
        """(y, x) bool: cloud or shadow, as it is and not as a mask has it."""
        return (self.opacity > 0) | (self.shadow > 0)

    def through(self, reflectance: np.ndarray) -> np.ndarray:
        """(band, y, x) reflectance of the ground as it looks from above; affine in the reflectance.

        Smoke of optical depth tau lets t = exp(-tau (wavelength / 550 nm)^-1.5) pass each way and adds its own light.
        """
        numbers = read_numbers()
        seen = reflectance * (1 - (1 - numbers["shadow_factor"]) * self.shadow)
        if self.depth.any():
            passed = smoke_passed(self.depth)
            seen = seen * passed**2 + numbers["smoke_brightness"] * (1 - passed)
        return (1 - self.opacity) * seen + self.opacity * spectrum("cloud")[:, None, None]


def smoke_passed(depth: np.ndarray) -> np.ndarray:
    """(band, y, x) share of the light that smoke of optical depth `depth` (y, x) at 550 nm lets pass once."""
    return np.exp(-depth * (wavelengths() / SMOKE_NM)[:, None, None] ** SMOKE_EXPONENT)


def draw_air(
    side: int, smoke: tuple[float, float], cover: tuple[float, float], burned: np.ndarray, random: np.random.Generator
) -> Air:
    """The air over one image of `side` x `side` pixels.

    Args:
        side: pixels.
        smoke: least and most optical depth of a plume where it is densest.
        cover: least and most share of the scene under cloud.
        burned: (y, x) bool, where smoke comes from.
        random: what it is drawn from.
    """
    densest, clouded = random.uniform(*smoke), random.uniform(*cover)
    depth = densest * _plume(burned, random.uniform(0, 2 * np.pi))
    opacity = np.clip((ranks(fractal(side, random)) - (1 - clouded)) / CLOUD_EDGE, 0, 1)
    away = random.uniform(*SHADOW_PIXELS) * np.array([1, random.choice([-1, 1])])
    shadow = shift(opacity, away, order=0) * (opacity == 0)
    return Air(depth, opacity, shadow)


def _plume(burned: np.ndarray, direction: float) -> np.ndarray:
    """(y, x) smoke downwind of burned ground, its highest value 1; it widens and thins out on its way."""
    if not burned.any():
        return np.zeros(burned.shape)
    side = len(burned)
    found = np.zeros(burned.shape)
    for step in range(PLUME_STEPS):
        distance = side * step / PLUME_STEPS
        moved = distance * np.array([np.sin(direction), np.cos(direction)])
        blown = gaussian_filter(shift(burned.astype(float), moved, order=0), 0.02 * side + 0.08 * distance)
        found += np.exp(-distance / side / PLUME_LENGTH) * blown
    return found / found.max()


def flag_clouds(clouded: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(y, x) bool cloud mask: it misses some of the clouded pixels and takes some clear ones for cloud, in patches."""
    numbers = read_numbers()
    noise = fractal(len(clouded), random, beta=FLAG_BETA)
    flagged = np.zeros(clouded.shape, bool)
    for kind, share in ((clouded, 1 - numbers["mask_misses"]), (~clouded, numbers["mask_false_hits"])):
        if kind.any():
            flagged |= kind & (noise > np.quantile(noise[kind], 1 - share))
    return flagged
