"""The contract between stages: what a harmonised, split or predicted file must look like.

All files are NetCDF-4 that follow CF. In memory a file is a `Dataset` of numpy arrays, so that jobs need neither
xarray nor pandas. `landbridge.io.netcdf` calls `check` on every write and every read; an error names the variable
and the fix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CONVENTIONS = "CF-1.11"
ROLES = ("input", "static", "target", "quality", "truth", "group", "product", "index")
TASKS = ("regression", "classification", "segmentation")
# Units of time axes since 1970-01-01: numpy's code, and how many of them make a day.
TIME_UNITS = {"days": ("D", 1), "seconds": ("s", 86_400), "milliseconds": ("ms", 86_400_000)}
IGNORE = 255  # label value that no loss and no score counts, as in common land-cover products
PROBABILITY_SCALE = 254  # uint8 probability p is stored as round(254 p); 255 is missing
QUANTILES = (0.05, 0.25, 0.75, 0.95)  # of predictions of numbers: the ends of their 90 % and 50 % intervals


class ContractError(Exception):
    """A file that breaks the contract; the text names the variable and the fix."""


@dataclass(frozen=True)
class Variable:
    """One named array with its dimensions and CF attributes (`units`, `long_name`, `role`, ...)."""

    dimensions: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A file in memory: variables by name, in order, and global attributes. Never changed in place."""

    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        """Values of the variable `name`."""
        if name not in self.variables:
            raise ContractError(f"no variable '{name}'; this file has {', '.join(self.variables) or 'none'}")
        return self.variables[name].values

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each dimension, in order of first use."""
        found: dict[str, int] = {}
        for variable in self.variables.values():
            for dimension, length in zip(variable.dimensions, variable.values.shape, strict=True):
                found.setdefault(dimension, length)
        return found

    def with_role(self, role: str) -> list[str]:
        """Names of the variables of one role, in file order."""
        return [name for name, variable in self.variables.items() if variable.attributes.get("role") == role]


def time_unit(dataset: Dataset, name: str = "time") -> tuple[str, int]:
    """Code that numpy has for the unit that a time variable counts in, and how many of it make a day."""
    return TIME_UNITS[str(dataset.variables[name].attributes["units"]).split(" since ")[0]]


def stamps(dataset: Dataset, name: str = "time") -> np.ndarray:
    """A time variable as datetime64 of its own unit."""
    return np.asarray(dataset[name], np.int64).astype(f"datetime64[{time_unit(dataset, name)[0]}]")


def expand(names: Sequence[str], present: Iterable[str]) -> list[str]:
    """`names` with each pattern that ends in `*` replaced by the names present that begin like it, in their order."""
    known = list(present)
    found: dict[str, None] = {}
    for name in names:
        begin = name.removesuffix("*")
        found |= dict.fromkeys([name] if begin == name else [word for word in known if word.startswith(begin)])
    return list(found)


@dataclass(frozen=True)
class Unit:
    """What a reader yields for one series: a tower, a grid cell, a trip, a home.

    Attributes:
        name: unique inside the dataset.
        time: (obs,) datetime64, strictly increasing.
        values: variables on `obs` by canonical name, each (obs,); missing is NaN.
        static: variables on `unit` by canonical name: numbers, or text such as a group or a class.
    """

    name: str
    time: np.ndarray
    values: Mapping[str, np.ndarray]
    static: Mapping[str, float | str]


@dataclass(frozen=True)
class Chip:
    """What a reader yields for one image.

    Attributes:
        name: unique inside the dataset.
        reflectance: (band, y, x) float32, 0..1; missing is NaN.
        valid: (y, x) bool.
        label: (y, x) uint8 for segmentation or a scalar class; 255 is ignored.
        crs: coordinate reference system as text (an EPSG code or WKT).
        transform: six numbers of the affine transform from pixel to CRS coordinates.
        static: variables on `unit`, group columns among them.
        bands: names of the bands, in order; empty where the dataset's settings name them.
        target: name of the variable that the label is of.
        truth: the label without errors, of the shape of `label`, where it is known.
    """

    name: str
    reflectance: np.ndarray
    valid: np.ndarray
    label: np.ndarray
    crs: str
    transform: tuple[float, float, float, float, float, float]
    static: Mapping[str, float | str]
    bands: tuple[str, ...] = ()
    target: str = "label"
    truth: np.ndarray | None = None
