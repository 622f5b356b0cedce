"""A scene cut into chips: what every reader of this domain hands on, with the columns that every chip has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from landbridge.contract import IGNORE, Chip
from landbridge.io.grids import Grid, windows
from landbridge.io.rasters import lon_lat

BURNED, LAND_COVER = "burned", "land_cover"  # names of the two targets
LEVELS = ("surface", "top_of_atmosphere", "uncalibrated")


@dataclass(frozen=True)
class Scene:
    """What all chips of one image have in common.

    Attributes:
        name: unique inside the dataset.
        event: fire, or what else must never be parted.
        region: that populations are chosen by.
        block: place inside the region, such as an area of a fire.
        date: of the image as YYYY-MM-DD; "" where the files do not tell.
        sensor: of `bands.SENSORS`.
        level: of `LEVELS`: what the light was measured at.
        grid: of its pixels; without a reference system the chips have no place on the Earth.
    """

    name: str
    event: str
    region: str
    block: str
    date: str
    sensor: str
    level: str
    grid: Grid


@dataclass(frozen=True)
class Patch:
    """Pixels of a window.

    Attributes:
        reflectance: (band, y, x) float32.
        usable: (y, x) bool: seen, and free of clouds.
        label: (y, x) uint8, or a scalar class; 255 is not known.
        truth: the same without errors, where the data are synthetic.
    """

    reflectance: np.ndarray
    usable: np.ndarray
    label: np.ndarray
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class Cut:
    """How scenes are cut.

    Attributes:
        size: pixels along a side of a chip.
        least_valid: share of usable pixels below which a chip is dropped.
    """

    size: int = 64
    least_valid: float = 0.5


Place = Callable[[int, int], tuple[str, str] | None]  # region and block of the chip at (row, col); None to leave it out


def chips_of(
    scene: Scene,
    bands: tuple[str, ...],
    target: str,
    cut: Cut,
    read: Callable[[int, int, int], Patch],
    counts: Counter[str],
    place: Place | None = None,
) -> Iterator[Chip]:
    """Chips of a scene, line by line; what is left over at the right and below is counted.

    Args:
        scene: to cut.
        bands: names of the bands.
        target: `burned` or `land_cover`.
        cut: how.
        read: pixels of the window of a size at (row, col).
        counts: gets what was read and what was dropped.
        place: region and block by the place in the scene, where it is parted inside; else they are the scene's.
    """
    height, width = scene.grid.shape
    cells = windows(scene.grid.shape, cut.size)
    counts["scenes"] += 1
    if not cells:
        counts[f"dropped: scene smaller than a chip of {cut.size}"] += 1
        return
    counts["pixels beyond the last whole chip"] += height * width - len(cells) * cut.size**2
    usable = 0
    for row, col in cells:
        where = (scene.region, scene.block) if place is None else place(row, col)
        if where is None:
            counts["dropped: chip in a gutter between parts of the scene"] += 1
            continue
        patch = read(row, col, cut.size)
        share = float(patch.usable.mean())
        usable += int(patch.usable.sum())
        if share == 0:
            counts["dropped: chip without a usable pixel"] += 1
        elif share < cut.least_valid:
            counts[f"dropped: chip with under {cut.least_valid:.0%} usable pixels"] += 1
        else:
            counts["chips"] += 1
            yield _chip(scene, bands, target, patch, row, col, where, share)
    if not usable:
        counts["scenes without a usable pixel"] += 1


def _chip(
    scene: Scene,
    bands: tuple[str, ...],
    target: str,
    patch: Patch,
    row: int,
    col: int,
    where: tuple[str, str],
    share: float,
) -> Chip:
    size = patch.usable.shape[0]
    grid = scene.grid.part(row, col, size, size)
    lon = lat = np.nan
    if grid.crs:
        x, y = grid.corner(size / 2, size / 2)
        lon, lat = (float(found[0]) for found in lon_lat(grid.crs, [x], [y]))
    columns: dict[str, float | str] = {
        "event": scene.event,
        "region": where[0],
        "block": where[1],
        "lat": lat,
        "lon": lon,
        "date": scene.date,
        "sensor": scene.sensor,
        "level": scene.level,
        "pixel_m": grid.pixel_size if grid.crs else np.nan,
        "valid_share": share,
        "georeferenced": float(bool(grid.crs)),
        "row": float(row),
        "col": float(col),
        "scene": scene.name,
        "scene_rows": float(scene.grid.height),
        "scene_cols": float(scene.grid.width),
        "scene_x": scene.grid.transform[2],
        "scene_y": scene.grid.transform[5],
    }
    whole = grid.shape == scene.grid.shape
    return Chip(
        scene.name if whole else f"{scene.name}~r{row:05d}c{col:05d}",
        np.where(patch.usable, patch.reflectance, np.nan).astype(np.float32),
        patch.usable,
        _known(patch.label, patch.usable),
        grid.crs,
        grid.transform,
        columns,
        bands=bands,
        target=target,
        truth=None if patch.truth is None else _known(patch.truth, patch.usable),
    )


def _known(label: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """A label per pixel is not known where nothing was seen; one of a chip stays."""
    own = np.asarray(label, np.uint8)
    return np.where(usable, own, IGNORE).astype(np.uint8) if own.ndim == 2 else own
