"""Raster products that the twin of fires writes: bands, number type, scale, what stands for nothing, and grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

SENTINEL_2 = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")  # level 2A: no B10
SHUFFLED = ("B12", "B04", "B8A", "B01", "B11", "B02", "B09", "B06", "B03", "B08", "B05", "B07")
LANDSAT = {"SR_B2": "B02", "SR_B3": "B03", "SR_B4": "B04", "SR_B5": "B8A", "SR_B6": "B11", "SR_B7": "B12"}
COMPOSITE = {"B12 2190nm": "B12", "B11 1610nm": "B11", "B9 945nm": "B09"}  # British Columbia's composites name bands so
DEGREE_METRES = 111_320  # m of a degree of latitude
APART = 15_000  # m between the corners of two scenes of a region
COLUMNS = 4  # of scenes in a row


@dataclass(frozen=True)
class Product:
    """How the images of an event are written.

    Attributes:
        name: of the rule by which numbers become reflectance.
        bands: band of `spectra.bands()` by its name in the file, in the order of the file.
        dtype: of the numbers.
        scale, offset: reflectance = scale x number + offset.
        crs: coordinate reference system.
        corner: west and north edge of the region's first scene, in its units.
        metres: side of a pixel, on the ground where the grid is in degrees.
        nodata: declared; None where the file declares none.
        fill: what pixels outside of the swath hold; None where the swath covers all.
        driver: of GDAL.
    """

    name: str
    bands: Mapping[str, str]
    dtype: str
    scale: float
    offset: float
    crs: str
    corner: tuple[float, float]
    metres: float = 20
    nodata: float | None = None
    fill: float | None = None
    driver: str = "GTiff"

    @property
    def sensor(self) -> str:
        """Whose codes its bands have."""
        return "landsat89" if self.bands is LANDSAT else "sentinel2"

    @property
    def suffix(self) -> str:
        """Of the image files."""
        return ".bin" if self.driver == "ENVI" else ".tif"

    def side(self, side: int) -> int:
        """Pixels of a scene that has `side` at 20 m, so that all cover as much ground."""
        return round(side * 20 / self.metres)

    def transform(self, number: int) -> Affine:
        """Of scene `number` of a region: they stand apart on a grid."""
        step, pixel = np.array([APART, APART], float), np.array([self.metres, self.metres], float)
        if CRS.from_user_input(self.crs).is_geographic:
            per_degree = DEGREE_METRES * np.array([np.cos(np.radians(self.corner[1])), 1])
            step, pixel = step / per_degree, pixel / per_degree
        west = self.corner[0] + step[0] * (number % COLUMNS)
        north = self.corner[1] - step[1] * (number // COLUMNS)
        return Affine(pixel[0], 0, west, 0, -pixel[1], north)

    def numbers(self, reflectance: np.ndarray) -> np.ndarray:
        """What the file holds for `reflectance`: whole numbers; unsigned products have 1 as their least."""
        found = np.round((reflectance - self.offset) / self.scale)
        if self.dtype == "uint16" or self.fill == 0:
            found = np.clip(found, 1, 65534)
        return found.astype(self.dtype)


def _same(names: tuple[str, ...]) -> dict[str, str]:
    return {name: name for name in names}


NORTH = Product(
    "sentinel2_04", _same(SENTINEL_2), "uint16", 1e-4, -0.1, crs="EPSG:32610", corner=(500_000, 4_600_000), nodata=0
)
MED = Product(
    "sentinel2_before_04", _same(SENTINEL_2), "float64", 1e-4, 0.0, crs="EPSG:4326", corner=(-8, 39.9), fill=0
)
PEAT = Product(
    "sentinel2_harmonised",
    _same(SENTINEL_2),
    "int16",
    1e-4,
    0.0,
    crs="EPSG:32749",
    corner=(700_000, 9_750_000),
    nodata=-9999,
    fill=-9999,
)
PRODUCTS: Mapping[str, tuple[Product, ...]] = {  # by region; its events take them in turn
    "north": (
        NORTH,
        replace(NORTH, bands=_same(SHUFFLED)),
        replace(NORTH, name="landsat_c2_l2", bands=LANDSAT, scale=2.75e-5, offset=-0.2, metres=30),
    ),
    "med": (MED, replace(MED, crs="EPSG:32629", corner=(580_000, 4_300_000), fill=np.nan)),
    "peat": (PEAT,),
}
ENVI = Product(
    "sentinel2_04", COMPOSITE, "float32", 1e-4, -0.1, crs="EPSG:3005", corner=(1_039_680, 855_700), driver="ENVI"
)


def write_raster(
    path: Path,
    values: np.ndarray,
    product: Product,
    transform: Affine,
    descriptions: tuple[str, ...],
    nodata: float | None = None,
) -> None:
    """Write (band, y, x) `values` as they are, on a product's grid and with its driver."""
    options: dict[str, object] = {}
    if product.driver == "GTiff":
        predictor = 2 if np.issubdtype(values.dtype, np.integer) else 3
        options = {"compress": "deflate", "predictor": predictor, "zlevel": 6, "interleave": "band"}
    count, height, width = values.shape
    grid = {"count": count, "height": height, "width": width, "crs": product.crs, "transform": transform}
    with (
        rasterio.Env(GDAL_PAM_ENABLED=False),  # GDAL would add an .aux.xml of what the ENVI header says already
        rasterio.open(path, "w", driver=product.driver, dtype=values.dtype, nodata=nodata, **grid, **options) as handle,
    ):
        handle.write(values)
        handle.descriptions = descriptions
    if product.driver == "ENVI":
        # The driver puts the whole path into the header; equal twins are to have equal bytes in any folder.
        header = path.with_suffix(".hdr")
        header.write_text(header.read_text().replace(str(path), path.name))
