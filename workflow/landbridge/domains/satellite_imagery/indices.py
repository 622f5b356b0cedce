"""Spectral indices of reflectance: normalised differences and the burned area index.

Normalised burn ratio: Key and Benson (2006), FIREMON, RMRS-GTR-164; NDVI: Rouse et al. (1974); NBR2: the same ratio of
the two short-wave bands; BAI: Chuvieco et al. (2002), doi 10.1080/01431160210153129.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from landbridge.contract import Dataset

PRE = "_pre"  # ends the names of bands from before the fire
LEAST_SUM = 1e-4  # of two reflectances: below it their normalised difference is noise
NEAR_INFRARED = ("nir", "nir_narrow")  # the first that is there
BAI_RED, BAI_NIR = 0.1, 0.06  # reflectance of char, which the index measures the distance from
LEAST_DISTANCE = 1e-8  # squared, from char, so that char itself has an index

Bands = Mapping[str, np.ndarray]


def normalised_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(one - other) / (one + other); NaN where the sum is below 1e-4."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    total = one + other
    usable = total >= LEAST_SUM
    return np.where(usable, (one - other) / np.where(usable, total, 1.0), np.nan)


def nbr(nir: np.ndarray, swir2: np.ndarray) -> np.ndarray:
    """Normalised burn ratio: high over green vegetation, low over char."""
    return normalised_difference(nir, swir2)


def dnbr(nir_pre: np.ndarray, swir2_pre: np.ndarray, nir: np.ndarray, swir2: np.ndarray) -> np.ndarray:
    """Its fall from before a fire to after it: high where something burned."""
    return nbr(nir_pre, swir2_pre) - nbr(nir, swir2)


def bai(red: np.ndarray, nir: np.ndarray) -> np.ndarray:
    """Burned area index: 1 over the squared distance from char in red and near infrared."""
    red, nir = np.asarray(red, np.float64), np.asarray(nir, np.float64)
    return 1 / np.maximum((BAI_RED - red) ** 2 + (BAI_NIR - nir) ** 2, LEAST_DISTANCE)


INDICES: dict[str, tuple[tuple[str, ...], Callable[..., np.ndarray]]] = {
    "nbr": (("nir", "swir2"), nbr),
    "ndvi": (("nir", "red"), normalised_difference),
    "nbr2": (("swir1", "swir2"), normalised_difference),
    "bai": (("red", "nir"), bai),
    "dnbr": (("nir_pre", "swir2_pre", "nir", "swir2"), dnbr),
}


def bands_of(dataset: Dataset, chips: np.ndarray) -> dict[str, np.ndarray]:
    """Reflectance (chip, y, x) float32 of some chips by band, NaN where a pixel was not seen.

    The narrow near infrared stands for the broad one where that is missing.
    """
    values = np.where(dataset["valid"][chips][:, None] != 0, dataset["reflectance"][chips], np.nan)
    found = {str(name): values[:, place] for place, name in enumerate(dataset["band_name"])}
    for begin in ("", PRE):
        own = [begin + name for name in NEAR_INFRARED if begin + name in found]
        if own:
            found.setdefault(begin + NEAR_INFRARED[0], found[own[0]])
    return found


def indices_of(bands: Bands) -> dict[str, np.ndarray]:
    """Every index whose bands are there, (chip, y, x)."""
    return {
        name: function(*(bands[band] for band in needed))
        for name, (needed, function) in INDICES.items()
        if all(band in bands for band in needed)
    }
