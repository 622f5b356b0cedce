"""Rasters through rasterio: read by windows, brought to another grid, and outlines burnt into pixels.

No scene is read whole, so memory does not grow with it. rasterio is imported inside functions, since most jobs read no
raster and its import takes a third of a second.
"""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.io.grids import OFF_LATTICE, Grid
from landbridge.stage import StageError

CACHE = (
    256 * 2**20
)  # bytes of blocks that GDAL keeps: a line of tiles of a large scene; its default grows with the machine
SAMPLED = 1_000_000  # pixels of a sample that quantiles are taken of
LON_LAT = "EPSG:4326"
# How GDAL complains about TIFFs of many bands without a colour meaning; once a file, which fills logs.
NOISE = ("Photometric", "ExtraSamples")


class _Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not any(word in record.getMessage() for word in NOISE)


QUIET = _Quiet()


@contextmanager
def settled() -> Iterator[None]:
    """GDAL with a small cache and without its complaints about colours; opening many files inside is faster, too."""
    import rasterio
    from rasterio.env import getenv, hasenv

    if hasenv() and getenv().get("GDAL_CACHEMAX") == CACHE:  # inside of another `settled`
        yield
        return
    logging.getLogger("rasterio._env").addFilter(QUIET)
    with rasterio.Env(GDAL_CACHEMAX=CACHE, GDAL_DISABLE_READDIR_ON_OPEN="TRUE"):
        yield


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open raster.

    Raises:
        StageError: no such file, or none that GDAL can read; also where reading fails later, as of a file cut short.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    if not path.is_file():
        raise StageError(f"{path}: no such file; put it there, or leave it out of the dataset")
    with settled(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # readers ask for the grid, which tells
        try:
            # The driver is named where the ending tells it: GDAL asks some two hundred of them otherwise.
            driver = "GTiff" if path.suffix.lower() in (".tif", ".tiff") else None
            with rasterio.open(path, driver=driver) as handle:
                yield handle
        except RasterioIOError as error:
            raise StageError(
                f"{path}: not a readable raster, or cut short ({error}); fetch the file again and compare its size"
            ) from error


def grid_of(handle: Any) -> Grid:
    """Grid of an open raster; `crs` is "" where it has no place on the Earth."""
    a, b, x, d, e, y = tuple(handle.transform)[:6]
    crs = handle.crs.to_wkt() if handle.crs else ""
    return Grid(crs, (a, b + 0.0, x, d + 0.0, e, y), handle.height, handle.width)  # + 0.0: GDAL writes -0


def names_of(handle: Any) -> list[str]:
    """Description of each band; "" where there is none."""
    return [(text or "").strip() for text in handle.descriptions]


def read(
    handle: Any, bands: Sequence[int], row: int, col: int, size: tuple[int, int], *, margin: int = 0
) -> np.ndarray:
    """A window of some bands.

    Args:
        handle: an open raster.
        bands: which, from 0.
        row: of the first pixel.
        col: of the first pixel.
        size: rows and columns.
        margin: pixels around the window, too; beyond the raster its outermost pixels are repeated.

    Returns:
        (band, y + 2 margin, x + 2 margin) of the raster's own type.
    """
    from rasterio.windows import Window

    top, left = max(row - margin, 0), max(col - margin, 0)
    bottom, right = min(row + size[0] + margin, handle.height), min(col + size[1] + margin, handle.width)
    values = handle.read([band + 1 for band in bands], window=Window(left, top, right - left, bottom - top))
    if not margin:
        return values
    missing = (
        (0, 0),
        (top - row + margin, row + size[0] + margin - bottom),
        (left - col + margin, col + size[1] + margin - right),
    )
    return np.pad(values, missing, mode="edge")


class Strips:
    """An open raster that is read chip by chip: a line of chips is read at once and kept until the next one.

    A read of a raster that is brought to another grid sets up the whole warp, however small the window.

    Args:
        handle: an open raster.
    """

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self._key: tuple[Any, ...] = ()
        self._strip = np.zeros(0)

    def read(self, bands: Sequence[int], row: int, col: int, size: tuple[int, int], *, margin: int = 0) -> np.ndarray:
        """A window of some bands, as the function `read` gives it; not to be written to."""
        key = (tuple(bands), row, size[0], margin)
        if key != self._key:
            self._strip = read(self.handle, bands, row, 0, (size[0], self.handle.width), margin=margin)
            self._key = key
        return self._strip[:, :, col : col + size[1] + 2 * margin]


def sample(handle: Any, bands: Sequence[int], most: int = SAMPLED) -> np.ndarray:
    """(band, n) every k-th pixel of every k-th row, unchanged: at most some `most` of each band."""
    step = max(1, math.ceil((handle.height * handle.width / most) ** 0.5))
    rows = range(0, handle.height, step)
    lines = [read(handle, bands, row, 0, (1, handle.width))[:, 0, ::step] for row in rows]
    return np.concatenate(lines, axis=1) if lines else np.zeros((len(bands), 0))


# -- reference systems ----------------------------------------------------------------------------------------------


def lon_lat(crs: str, x: Sequence[float], y: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude in degrees of places on a map."""
    from rasterio.warp import transform

    lon, lat = transform(crs, LON_LAT, list(x), list(y))
    return np.asarray(lon), np.asarray(lat)


def is_geographic(grid: Grid) -> bool:
    """Whether the coordinates of a grid are degrees."""
    from rasterio.crs import CRS

    return bool(grid.crs) and bool(CRS.from_user_input(grid.crs).is_geographic)


def same_pixels(first: Grid, second: Grid) -> bool:
    """Whether two rasters lie on the same pixels of one reference system, however its text is written."""
    from rasterio.crs import CRS

    if first.shape != second.shape or bool(first.crs) != bool(second.crs):
        return False
    if first.crs != second.crs and CRS.from_user_input(first.crs) != CRS.from_user_input(second.crs):
        return False
    moved = np.abs(np.subtract(first.corners(), second.corners())).max()
    return bool(moved <= OFF_LATTICE * first.pixel_size)


def utm_zone(lon: float, lat: float) -> str:
    """EPSG code of the UTM zone of a place, without the exceptions of Norway and Svalbard."""
    zone = min(int((lon + 180) // 6) + 1, 60)
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def utm_grid(grid: Grid, pixel_m: float) -> Grid:
    """The grid in the UTM zone of the middle of another one that covers the whole of it with pixels of a size in m."""
    from rasterio.crs import CRS
    from rasterio.warp import calculate_default_transform

    x, y = grid.corner(grid.height / 2, grid.width / 2)
    lon, lat = lon_lat(grid.crs, [x], [y])
    zone = utm_zone(float(lon[0]), float(lat[0]))
    x_s, y_s = zip(*grid.corners(), strict=True)
    bounds = (min(x_s), min(y_s), max(x_s), max(y_s))
    transform, width, height = calculate_default_transform(
        grid.crs, zone, grid.width, grid.height, *bounds, resolution=pixel_m
    )
    a, b, west, d, e, north = tuple(transform)[:6]
    snapped = (a, b, math.floor(west / pixel_m) * pixel_m, d, e, math.ceil(north / pixel_m) * pixel_m)
    return Grid(CRS.from_user_input(zone).to_wkt(), snapped, height + 1, width + 1)


@contextmanager
def warped(handle: Any, grid: Grid, how: str, *, nodata: float | None = None) -> Iterator[Any]:
    """An open raster as it looks on another grid; it is read by windows like any other.

    Args:
        handle: an open raster with a reference system.
        grid: to bring it to.
        how: "nearest" for labels and masks, "bilinear" or "average" for reflectance.
        nodata: value of pixels that were not seen, where the file does not say; pixels outside have it, too.
    """
    from rasterio.enums import Resampling
    from rasterio.transform import Affine
    from rasterio.vrt import WarpedVRT

    missing = handle.nodata if nodata is None else nodata
    options: dict[str, Any] = {} if missing is None else {"src_nodata": missing, "nodata": missing}
    with WarpedVRT(
        handle,
        crs=grid.crs,
        transform=Affine(*grid.transform),
        width=grid.width,
        height=grid.height,
        resampling=Resampling[how],
        warp_mem_limit=64,  # MB
        **options,
    ) as view:
        yield view


# -- outlines -------------------------------------------------------------------------------------------------------


def outlines(path: Path) -> list[Mapping[str, Any]]:
    """Polygons of a GeoJSON file, whose coordinates are longitude and latitude (RFC 7946).

    Raises:
        StageError: not GeoJSON, or without a polygon.
    """
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise StageError(f"{path}: not a readable GeoJSON file ({error})") from error
    features = document.get("features", [document]) if isinstance(document, dict) else []
    shapes = [feature.get("geometry", feature) for feature in features if isinstance(feature, dict)]
    shapes = [shape for shape in shapes if shape and shape.get("type") in ("Polygon", "MultiPolygon")]
    if not shapes:
        raise StageError(f"{path}: holds no Polygon and no MultiPolygon; a perimeter must be one")
    return shapes


def perimeter_mask(shapes: Sequence[Mapping[str, Any]], grid: Grid, *, crs: str = LON_LAT) -> np.ndarray:
    """(y, x) uint8: 1 where the centre of the pixel lies inside an outline.

    Args:
        shapes: geometries of GeoJSON.
        grid: to burn them into; of a window, to keep memory small.
        crs: reference system of the coordinates of the shapes.
    """
    from rasterio.features import rasterize
    from rasterio.transform import Affine
    from rasterio.warp import transform_geom

    moved = [transform_geom(crs, grid.crs, dict(shape)) for shape in shapes]
    burnt = rasterize(moved, out_shape=grid.shape, transform=Affine(*grid.transform), fill=0, default_value=1)
    return np.asarray(burnt, np.uint8)
