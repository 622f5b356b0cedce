"""Twins as the tests write and read them."""

import csv
import hashlib

import numpy as np
import rasterio
from landbridge.domains.satellite_imagery import twin

SCALES = {  # reflectance = scale x number + offset, as the operators of the satellites state it
    "sentinel2_04": (1e-4, -0.1),
    "sentinel2_before_04": (1e-4, 0),
    "sentinel2_harmonised": (1e-4, 0),
    "landsat_c2_l2": (2.75e-5, -0.2),
}
NEAR_INFRARED = {"sentinel2": ("B8A", "B9 945nm"), "landsat89": ("SR_B5",)}
SHORT_WAVE = {"sentinel2": ("B12",), "landsat89": ("SR_B7",)}


def write(folder, dataset="twin_test", seed=1, **settings):
    folder.mkdir(parents=True)
    twin.write_twin(folder, dataset, seed, **settings)
    return folder


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def table(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def beside(row, name):
    """A file of a fire that the table does not list."""
    return row["image"].replace("post.", f"{name}.")


def reflectance(folder, row, role):
    """(y, x) near and short-wave infrared of an image, bands found by name, NaN outside of the swath."""
    scale, offset = SCALES[row["product"]]
    with rasterio.open(folder / row[role]) as handle:
        values = handle.read().astype(float)
        lost = np.isnan(values).any(axis=0) | (values == (0 if handle.nodata is None else handle.nodata)).all(axis=0)
        found = []
        for names in (NEAR_INFRARED[row["sensor"]], SHORT_WAVE[row["sensor"]]):
            place = [number for number, text in enumerate(handle.descriptions) for name in names if name in text]
            found.append(np.where(lost, np.nan, scale * values[place[0]] + offset))
    return found


def layer(folder, row, name):
    with rasterio.open(folder / beside(row, name)) as handle:
        return handle.read(1)


def burn_ratio(near, short_wave):
    """NBR; NaN where the sum is next to nothing."""
    total = near + short_wave
    return np.where(total > 1e-4, (near - short_wave) / np.where(total > 1e-4, total, 1), np.nan)


def overlap(found, truth):
    """Intersection over union."""
    return (found & truth).sum() / max((found | truth).sum(), 1)
