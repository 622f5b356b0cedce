"""The spectra that the twin mixes: reflectance of pure surfaces in the thirteen bands of Sentinel-2, from spectra.csv.

They are invented, so that their indices are those that such surfaces are known for.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

WAVELENGTH = "wavelength_nm"


@cache
def _table() -> Mapping[str, Mapping[str, float]]:
    with Path(__file__).with_name("spectra.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {row.pop("endmember"): {band: float(value) for band, value in row.items()} for row in rows}


def bands() -> tuple[str, ...]:
    """Names of the bands in the order of their wavelengths, which is not that of EuroSAT's files."""
    return tuple(_table()[WAVELENGTH])


def wavelengths() -> np.ndarray:
    """(band,) nm."""
    return np.array(list(_table()[WAVELENGTH].values()))


def endmembers() -> tuple[str, ...]:
    """Names of the pure surfaces, in the order of the file."""
    return tuple(name for name in _table() if name != WAVELENGTH)


def spectrum(name: str) -> np.ndarray:
    """(band,) reflectance, 0 to 1, of one pure surface."""
    if name == WAVELENGTH:
        raise KeyError(name)
    return np.array(list(_table()[name].values()))


def spectra(names: Sequence[str]) -> np.ndarray:
    """(surface, band) reflectance of several pure surfaces."""
    return np.stack([spectrum(name) for name in names])


def positions(names: Sequence[str]) -> list[int]:
    """Where the bands `names` stand in `bands()`."""
    order = bands()
    return [order.index(name) for name in names]
