"""Predictions back on the map: chips stitched by their affine numbers, written as Cloud-Optimised GeoTIFF."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import IGNORE
from landbridge.io.grids import Grid
from landbridge.io.rasters import settled
from landbridge.stage import StageError

BLOCK = 256  # pixels along a side of a tile of the file
Piece = tuple[str, Grid, np.ndarray]


def write_probability(path: Path, scene: Grid, pieces: Iterable[Piece], tags: Mapping[str, str]) -> None:
    """Probability of one class as float32; NaN, which the file declares, where nothing was predicted.

    Args:
        path: of the GeoTIFF.
        scene: grid of the scene that the chips were cut from.
        pieces: name, grid and (y, x) values of each chip.
        tags: of the file, such as model, version of the code and groups that were trained on.

    Raises:
        StageError: a chip off the lattice of the scene, of another reference system, or on top of another one.
    """
    _write(path, scene, pieces, tags, np.dtype(np.float32), np.nan, None)


def write_classes(
    path: Path,
    scene: Grid,
    pieces: Iterable[Piece],
    tags: Mapping[str, str],
    colours: Mapping[int, tuple[int, int, int, int]],
) -> None:
    """Classes as uint8 with a colour table; 255, which the file declares, where nothing was predicted.

    Args:
        path: of the GeoTIFF.
        scene: grid of the scene that the chips were cut from.
        pieces: name, grid and (y, x) classes of each chip.
        tags: of the file.
        colours: red, green, blue and opacity, 0 to 255, of each class.

    Raises:
        StageError: as `write_probability`.
    """
    table = {**dict(colours), IGNORE: (0, 0, 0, 0)}
    _write(path, scene, pieces, tags, np.dtype(np.uint8), IGNORE, table)


def _write(
    path: Path,
    scene: Grid,
    pieces: Iterable[Piece],
    tags: Mapping[str, str],
    dtype: np.dtype[Any],
    missing: float,
    colours: Mapping[int, tuple[int, int, int, int]] | None,
) -> None:
    """One band, window by window into a plain file, and from that the Cloud-Optimised one."""
    import rasterio
    from rasterio.shutil import copy
    from rasterio.transform import Affine
    from rasterio.windows import Window

    if not scene.crs:
        raise StageError(f"{path.name}: its scene has no place on the Earth (georeferenced is 0), so it has no map")
    tiled = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "sparse_ok": True, "bigtiff": "IF_SAFER"}
    place = {"crs": scene.crs, "transform": Affine(*scene.transform), "width": scene.width, "height": scene.height}
    covered = np.zeros(scene.shape, bool)
    with settled(), tempfile.TemporaryDirectory(dir=path.parent) as folder:
        plain = Path(folder) / "plain.tif"
        with rasterio.open(
            plain, "w", driver="GTiff", count=1, dtype=dtype, nodata=missing, **place, **tiled
        ) as handle:
            if colours is not None:
                handle.write_colormap(1, dict(colours))
            handle.update_tags(**tags)
            for name, grid, values in pieces:
                row, col = scene.place(grid, name)
                here = covered[row : row + grid.height, col : col + grid.width]
                if here.any():
                    raise StageError(f"{name}: lies on top of another chip of its scene; predict each pixel once")
                here[...] = True
                handle.write(values.astype(dtype), 1, window=Window(col, row, grid.width, grid.height))
        copy(plain, path, driver="COG", compress="DEFLATE", blocksize=BLOCK, overview_resampling="nearest")
