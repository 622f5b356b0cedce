"""Parts of a file: some units of it, or stretches of time, as a file of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

import numpy as np

from landbridge.contract import Dataset, Variable
from landbridge.io import mapped


def offsets(row_size: np.ndarray) -> np.ndarray:
    """(unit + 1,) int64: unit i holds the observations from `offsets[i]` up to `offsets[i + 1]`."""
    return np.concatenate([[0], np.cumsum(row_size, dtype=np.int64)])


def ranges(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Indices of the stretches [start, stop) end to end."""
    sizes = np.maximum(stops - starts, 0)
    total = int(sizes.sum())
    shift = np.repeat(starts - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    return np.arange(total, dtype=np.int64) + shift


def select_units(dataset: Dataset, chosen: np.ndarray) -> Dataset:
    """Some units of a series or chips file.

    Args:
        chosen: (unit,) bool, or indices in the order wanted.
    """
    index = np.flatnonzero(chosen) if np.asarray(chosen).dtype == bool else np.asarray(chosen, np.int64)
    if "row_size" not in dataset:
        return _take(dataset, index, np.zeros(0, np.int64), np.zeros(0, np.int64))
    bounds = offsets(dataset["row_size"])
    return cut(dataset, index, bounds[index], bounds[index + 1])


def cut(dataset: Dataset, units: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> Dataset:
    """Stretches of observations [start, stop) of the units at `units`, one unit of the result for each.

    Args:
        units: (n,) indices; one may come more than once.
        starts, stops: (n,) indices of observations inside the unit.
    """
    part = _take(dataset, np.asarray(units, np.int64), np.asarray(starts), np.asarray(stops))
    sizes = np.asarray(stops) - np.asarray(starts)
    row_size = dataset.variables["row_size"]
    changed = Variable(row_size.dimensions, np.maximum(sizes, 0).astype(np.int32), row_size.attributes)
    return Dataset({**part.variables, "row_size": changed}, part.attributes)


def _take(dataset: Dataset, units: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> Dataset:
    """Units by index, and the stretches [start, stop) of observations end to end."""
    bounds = offsets(np.maximum(stops - starts, 0))

    def some_units(rows: slice) -> np.ndarray:
        return units[rows]

    def some_observations(rows: slice) -> np.ndarray:
        place = np.arange(rows.start, rows.stop)
        stretch = np.searchsorted(bounds, place, side="right") - 1
        return starts[stretch] + place - bounds[stretch]

    @cache
    def observations() -> np.ndarray:
        return ranges(starts, stops)

    taken = {}
    for name, variable in dataset.variables.items():
        values, first = variable.values, variable.dimensions[0] if variable.dimensions else ""
        if first == "unit":
            in_files = mapped.is_mapped(values)
            values = _taken_in_blocks(values, some_units, len(units)) if in_files else values[units]
        elif first == "obs":
            in_files = mapped.is_mapped(values)
            values = (
                _taken_in_blocks(values, some_observations, int(bounds[-1])) if in_files else values[observations()]
            )
        taken[name] = Variable(variable.dimensions, values, variable.attributes)
    return Dataset(taken, dataset.attributes)


def _taken_in_blocks(values: np.ndarray, index: Callable[[slice], np.ndarray], length: int) -> np.ndarray:
    """Rows of an array that lies in a file, in a file of their own; `index` gives those of a slice of the result."""
    return mapped.filled(values, (length, *values.shape[1:]), values.dtype, lambda rows: values[index(rows)])


def drop(dataset: Dataset, names: Iterable[str]) -> Dataset:
    """The file without some variables."""
    unwanted = set(names)
    kept = {name: variable for name, variable in dataset.variables.items() if name not in unwanted}
    return Dataset(kept, dataset.attributes)


def with_variables(dataset: Dataset, variables: Mapping[str, Variable], **attributes: object) -> Dataset:
    """The file with further variables and global attributes."""
    return Dataset({**dataset.variables, **variables}, {**dataset.attributes, **attributes})
