"""The ten land covers of the twin, each painted from pure surfaces on a tile of 10 m pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from landbridge.domains.satellite_imagery.landscape import bare_fields, fractal, painted, ranks
from landbridge.domains.satellite_imagery.regions import Region, seasonal

ROAD_PIXELS, RIVER_PIXELS, ROW_PIXELS = (2, 3.5), (7, 14), (4, 6)
GARDEN_PIXELS = 2
WATER = ("clear_water", "turbid_water")


@dataclass
class Canvas:
    """A tile while it is painted.

    Attributes:
        side: pixels.
        random: what is drawn comes from it.
        bare: share of fields of crops that are bare soil.
        layers: surfaces and their (y, x) opacities, in the order in which they were laid on.
    """

    side: int
    random: np.random.Generator
    bare: float
    layers: list[tuple[str, np.ndarray]] = field(default_factory=list)

    def lay(self, surface: str, opacity: float | np.ndarray = 1.0) -> None:
        """Lay a surface over what is there."""
        self.layers.append((surface, np.broadcast_to(np.asarray(opacity, float), (self.side, self.side))))

    def patches(self) -> np.ndarray:
        """(y, x) smooth, 0 to 1, each value as frequent as any other."""
        return ranks(fractal(self.side, self.random))

    def plots(self, share: float) -> np.ndarray:
        """(y, x) bool: fields, `share` of them."""
        return bare_fields(self.side, share, self.random)

    def band(self, width: tuple[float, float], bend: float) -> np.ndarray:
        """(y, x) opacity of a band across the tile, soft at its edges; `bend` is its swing in shares of the side."""
        angle, place = self.random.uniform(0, np.pi), self.random.uniform(-0.2, 0.2) * self.side
        rows, columns = np.mgrid[: self.side, : self.side] - (self.side - 1) / 2
        along = rows * np.sin(angle) + columns * np.cos(angle)
        across = rows * np.cos(angle) - columns * np.sin(angle)
        middle = place + bend * self.side * np.sin(2 * np.pi * (along / self.side + self.random.uniform()))
        return np.clip(self.random.uniform(*width) / 2 + 0.5 - np.abs(across - middle), 0, 1)


def _annual_crop(canvas: Canvas) -> None:
    canvas.lay("crop")
    canvas.lay("dry_grass", canvas.plots(0.15))
    canvas.lay("mineral_soil", canvas.plots(canvas.bare))


def _forest(canvas: Canvas) -> None:
    canvas.lay("conifer")
    canvas.lay("chaparral", 0.4 * canvas.patches())


def _herbaceous(canvas: Canvas) -> None:
    canvas.lay("chaparral")
    canvas.lay("dry_grass", 0.2 + 0.6 * canvas.patches())
    canvas.lay("mineral_soil", 0.2 * canvas.patches())


def _highway(canvas: Canvas) -> None:
    _annual_crop(canvas)
    canvas.lay("built_up", 0.95 * canvas.band(ROAD_PIXELS, 0.03))


def _industrial(canvas: Canvas) -> None:
    canvas.lay("built_up")
    canvas.lay("ash", 0.9 * canvas.plots(0.45))  # bright roofs reflect like ash
    canvas.lay("mineral_soil", 0.7 * canvas.plots(0.1))


def _pasture(canvas: Canvas) -> None:
    canvas.lay("dry_grass")
    canvas.lay("crop", 0.5 + 0.4 * canvas.patches())


def _permanent_crop(canvas: Canvas) -> None:
    canvas.lay("mineral_soil")
    angle = canvas.random.uniform(0, np.pi)
    rows, columns = np.mgrid[: canvas.side, : canvas.side]
    phase = (rows * np.cos(angle) - columns * np.sin(angle)) / canvas.random.uniform(*ROW_PIXELS)
    canvas.lay("chaparral", 0.45 + 0.4 * np.sin(2 * np.pi * phase))
    canvas.lay("crop", 0.3 * canvas.patches())


def _residential(canvas: Canvas) -> None:
    canvas.lay("built_up")
    blocks = -(-canvas.side // GARDEN_PIXELS)
    gardens = np.kron(canvas.random.uniform(size=(blocks, blocks)), np.ones((GARDEN_PIXELS, GARDEN_PIXELS)))
    canvas.lay("crop", 0.8 * (gardens < 0.45)[: canvas.side, : canvas.side])


def _river(canvas: Canvas) -> None:
    _annual_crop(canvas)
    water = canvas.band(RIVER_PIXELS, 0.12)
    canvas.lay("clear_water", water)
    canvas.lay("turbid_water", 0.5 * water)


def _sea_lake(canvas: Canvas) -> None:
    canvas.lay("clear_water")
    canvas.lay("turbid_water", 0.4 * canvas.patches())


COVERS: Mapping[str, Callable[[Canvas], None]] = {  # by the names of EuroSAT's folders, in the order of the alphabet
    "AnnualCrop": _annual_crop,
    "Forest": _forest,
    "HerbaceousVegetation": _herbaceous,
    "Highway": _highway,
    "Industrial": _industrial,
    "Pasture": _pasture,
    "PermanentCrop": _permanent_crop,
    "Residential": _residential,
    "River": _river,
    "SeaLake": _sea_lake,
}


def draw_cover(cover: str, region: Region, side: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance of the ground of one tile (band, y, x), without light, sensor and noise, and (y, x) share of water.

    Args:
        cover: one of `COVERS`.
        region: gives the season and the share of bare fields.
        side: pixels of 10 m.
        random: what it is drawn from.
    """
    dryness = random.uniform(*region.season[0])
    canvas = Canvas(side, random, 0.15 + region.harvest)
    COVERS[cover](canvas)
    names, shares = painted(canvas.layers)
    reflectance = np.tensordot(np.stack([seasonal(name, dryness) for name in names]).T, shares, 1)
    return reflectance, shares[[name in WATER for name in names]].sum(axis=0)
