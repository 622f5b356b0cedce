"""Small rasters for tests: scenes with dark water, woods, and a burn whose label is known."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import rasterio
import yaml
from landbridge.domains.satellite_imagery import readers
from landbridge.io import netcdf
from rasterio.transform import Affine

NAMES = ("B02", "B03", "B04", "B8A", "B11", "B12")  # of burn6, as Sentinel-2 calls them
TRANSFORM = (20.0, 0.0, 500_000.0, 0.0, -20.0, 4_600_000.0)
CRS = "EPSG:32633"
# Reflectance of burn6: woods, burned ground, water.
WOODS = (0.03, 0.05, 0.04, 0.25, 0.15, 0.08)
BURNT = (0.04, 0.05, 0.06, 0.10, 0.20, 0.22)
WATER = (0.03, 0.03, 0.02, 0.01, 0.01, 0.01)
VARIABLES = yaml.safe_load((Path(readers.__file__).parent / "domain.yaml").read_text())["variables"]


def scene(shape=(64, 96), seed=0):
    """(band, y, x) reflectance with noise, and (y, x) uint8 label; the lower left corner is water."""
    random = np.random.default_rng(seed)
    label = np.zeros(shape, np.uint8)
    label[8:40, 8:60] = 1
    bands = np.where(label[None], np.reshape(BURNT, (6, 1, 1)), np.reshape(WOODS, (6, 1, 1)))
    bands[:, -16:, :16] = np.reshape(WATER, (6, 1, 1))
    return bands * random.uniform(0.9, 1.1, bands.shape), label


def write(path, values, *, names=None, crs=CRS, transform=TRANSFORM, nodata=None, driver="GTiff"):
    """A raster of (band, y, x) or (y, x) values."""
    values = np.asarray(values)
    values = values[None] if values.ndim == 2 else values
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
    if crs is not None:
        profile |= {"crs": crs, "transform": Affine(*transform)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver=driver, nodata=nodata, **profile) as handle:
            handle.write(values)
            for number, name in enumerate(names or (), start=1):
                handle.set_band_description(number, name)
    return path


def numbers(reflectance, offset=0):
    """Digital numbers of Sentinel-2 as uint16."""
    return np.round(np.asarray(reflectance) * 10_000 + offset).astype(np.uint16)


def write_scene(folder, name="a", *, offset=0, **options):
    """Image and label of the scene above, under the names that the reader `cube` looks for."""
    bands, label = scene()
    write(folder / f"{name}_post.tif", numbers(bands, offset), **{"names": NAMES, **options})
    write(folder / f"{name}_label.tif", label)
    return bands, label


def read(reader, folder, **settings):
    """Chips and counts."""
    counts = Counter()
    return list(readers.READERS[reader](folder, settings, counts=counts)), counts


def harmonised(path, chips):
    """The chips as `harmonise` writes them, read again and checked against the contract."""
    netcdf.write_chips(path, chips, (), VARIABLES, {"Conventions": "CF-1.11", "dataset": "made", "step": "day"})
    return netcdf.read(path)
