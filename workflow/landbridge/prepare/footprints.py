"""Images that show the same ground: their outlines in one reference system, and which of them overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.io.grids import Grid
from landbridge.io.rasters import lon_lat
from landbridge.prepare.findings import Result, result, sides, some
from landbridge.prepare.groups import EARTH_RADIUS_KM, central_angle
from landbridge.prepare.places import near_pairs

# Share of a pixel by which neighbours may reach into each other: edges of a map are not quite straight in degrees.
SHARED_EDGE = 0.02


LEVEL = "level"  # column of images: what their light was measured at


def overlapping_footprints(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No two images of different parts show the same ground."""
    if "transform" not in parted:
        return []
    side = sides(parted, settings)
    names = np.asarray(parted["unit_name"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    pairs, placed = overlaps(parted, side)
    text = f"no two parts show the same ground, by the footprints of {placed} of {len(names)} images"
    if pairs:
        listed = some([f"{names[i]} ({side[i]}) and {names[j]} ({side[j]})" for i, j in pairs])
        text = (
            f"footprints overlap in different parts: {listed}; cut chips without overlap, or give both images one group"
        )
    found = sorted({str(groups[i]) for pair in pairs for i in pair})
    return [result("footprints", "failure" if pairs else "ok", found, text)]


def one_level(parted: Dataset) -> list[Result]:
    """All images were measured at one level: reflectance of the surface and of the air above it don't go together."""
    if LEVEL not in parted or "transform" not in parted:
        return []
    words = sorted(set(np.asarray(parted[LEVEL]).astype(str)))
    text = f"all images are of one level ({words[0]})"
    if len(words) > 1:
        text = f"images of several levels are mixed ({', '.join(words)}); take datasets of one of them"
    return [result("levels", "failure" if len(words) > 1 else "ok", [], text)]


def outlines(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Corners of each image as longitude and latitude in degrees, (unit, 4, 2), and the side of a pixel in degrees.

    Both are NaN where an image has no reference system or a transform without area.
    """
    height, width = dataset["reflectance"].shape[2:]
    systems = np.asarray(dataset["crs_wkt"]).astype(str)
    grids = [
        Grid(crs, tuple(numbers), height, width)
        for crs, numbers in zip(systems.tolist(), dataset["transform"].tolist(), strict=True)
    ]
    placed = np.array([bool(grid.crs) and grid.pixel_size > 0 for grid in grids], bool)
    corners = np.full((len(grids), 4, 2), np.nan)
    for crs in sorted(set(systems[placed].tolist())):
        index = np.flatnonzero(placed & (systems == crs))
        places = np.array([grids[i].corners() for i in index]).reshape(-1, 2)
        corners[index] = np.stack(lon_lat(crs, places[:, 0].tolist(), places[:, 1].tolist()), axis=1).reshape(-1, 4, 2)
    side = np.degrees(central_angle(corners[:, 0, 1], corners[:, 0, 0], corners[:, 3, 1], corners[:, 3, 0]))
    return corners, side / height


def overlaps(dataset: Dataset, side: np.ndarray) -> tuple[list[tuple[int, int]], int]:
    """Pairs of images on different sides whose footprints share more than an edge.

    Args:
        dataset: of chips.
        side: (unit,) what must stay apart.

    Returns:
        pairs of units, and how many images have a footprint at all.
    """
    corners, pixel = outlines(dataset)
    placed = np.isfinite(corners).all(axis=(1, 2))
    if not placed.any():
        return [], 0
    diagonal = central_angle(corners[:, 0, 1], corners[:, 0, 0], corners[:, 2, 1], corners[:, 2, 0])
    reach = float(np.nanmax(diagonal)) * EARTH_RADIUS_KM * 1.01  # centres that lie farther apart can't touch
    lat, lon = _centres(corners)
    first, second = near_pairs(lat, lon, side, reach)
    found = [
        (int(i), int(j))
        for i, j in zip(first, second, strict=True)
        if _share_ground(corners[i], corners[j], SHARED_EDGE * min(pixel[i], pixel[j]))
    ]
    return found, int(placed.sum())


def _centres(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of the middle of each outline, also across the date line."""
    lon = corners[:, 0, 0] + _turned(corners[:, :, 0] - corners[:, :1, 0]).mean(axis=1)
    return corners[:, :, 1].mean(axis=1), _turned(lon)


def _turned(degrees: np.ndarray) -> np.ndarray:
    return (degrees + 180) % 360 - 180


def _share_ground(first: np.ndarray, second: np.ndarray, allowed: float) -> bool:
    """Whether two convex outlines (4, 2) overlap, by the theorem of separating axes.

    Degrees of longitude are shrunk to those of latitude; outlines that touch, or overlap by less than what is allowed
    across an edge, do not overlap.
    """
    middle = first.mean(axis=0)
    stretch = np.array([np.cos(np.radians(middle[1])), 1.0])
    near, far = (
        np.stack([_turned(corners[:, 0] - middle[0]), corners[:, 1] - middle[1]], axis=1) * stretch
        for corners in (first, second)
    )
    for outline in (near, far):
        edges = np.roll(outline, -1, axis=0) - outline
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        here, there = near @ normals.T, far @ normals.T  # (corner, normal)
        depth = np.minimum(here.max(axis=0), there.max(axis=0)) - np.maximum(here.min(axis=0), there.min(axis=0))
        if (depth <= allowed).any():
            return False
    return True
