"""Which pixels were seen: nodata that is declared and that is not, clouds, and the quality layers of products."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

UNDECLARED = (0, -9999, 255, 65535)  # numbers that borders are filled with where no file says so
LEAST_SHARE = 0.001  # of a scene that such a border covers
COARSE = 1024  # rows and columns at most on which borders are looked for
SCL_UNUSABLE = (0, 1, 3, 8, 9, 10)  # of Sentinel-2's scene classes: none, saturated, shadow, clouds, cirrus
CLOUD_MARGIN = 2  # pixels around a cloud that are taken for cloud, too


def clear_scl(classes: np.ndarray) -> np.ndarray:
    """Where Sentinel-2's scene classification (SCL) saw the ground."""
    return ~np.isin(classes, SCL_UNUSABLE)


def clear_bits(quality: np.ndarray, bits: Sequence[int]) -> np.ndarray:
    """Where none of some bits of a quality layer is set, such as HLS Fmask's 1 (cloud), 2 (beside) and 3 (shadow)."""
    return (np.asarray(quality).astype(np.int64) & sum(1 << bit for bit in bits)) == 0


def dilated(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask (y, x) and all pixels within so many steps of it, also over corners."""
    grown = np.asarray(mask, bool)
    for axis in (0, 1):
        for _ in range(pixels):
            shifted = grown.copy()
            first, last = ([slice(None)] * 2 for _ in range(2))
            first[axis], last[axis] = slice(1, None), slice(None, -1)
            shifted[tuple(first)] |= grown[tuple(last)]
            shifted[tuple(last)] |= grown[tuple(first)]
            grown = shifted
    return grown


def without_clouds(cloud: np.ndarray, margin: int) -> np.ndarray:
    """(y, x) of a window that is read with a margin on every side: where no cloud is within `CLOUD_MARGIN`."""
    inside = slice(margin, -margin or None)
    return ~dilated(cloud, CLOUD_MARGIN)[inside, inside]


def coarse_step(shape: Sequence[int]) -> int:
    """Pixels along a side of the cells on which borders are looked for; 1 in small scenes."""
    return max(1, math.ceil(max(shape) / COARSE))


def filled_cells(values: np.ndarray, step: int) -> dict[int, np.ndarray]:
    """Cells of some rows of a scene in which all bands of all pixels hold one of the numbers of `UNDECLARED`.

    Args:
        values: (band, y, x) as stored, from the first row of a cell on.
        step: pixels along a side of a cell; what is left over at the right and below makes cells of its own.

    Returns:
        by number (cell row, cell column) bool.
    """
    missing = ((0, -values.shape[1] % step), (0, -values.shape[2] % step))
    found: dict[int, np.ndarray] = {}
    for number in UNDECLARED:
        joint = np.asarray((values == number).all(axis=0))
        if joint.any():
            padded = np.pad(joint, missing, mode="edge")
            found[number] = np.asarray(padded.reshape(-1, step, padded.shape[1] // step, step).all(axis=(1, 3)))
    return found


def undeclared_nodata(cells: np.ndarray) -> bool:
    """Whether the cells that one number fills form a border: connected, touching the edge, over a thousandth of all.

    Args:
        cells: (cell row, cell column) bool of the whole scene.
    """
    from scipy import ndimage

    regions, count = ndimage.label(cells)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    touching = [region for region in np.unique(edge).tolist() if region]
    return any(sizes[region] > LEAST_SHARE * cells.size for region in touching)
