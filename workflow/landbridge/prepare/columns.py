"""Columns of units as text: classes by their words, and groups that one column or several name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.stage import StageError


def column(dataset: Dataset, name: str, where: str) -> np.ndarray:
    """(unit,) text of a column; classes by their words."""
    if name not in dataset:
        columns = [key for key, variable in dataset.variables.items() if variable.dimensions == ("unit",)]
        raise StageError(f"{where}: no column '{name}'; the dataset has {', '.join(columns)}")
    values, attributes = np.asarray(dataset[name]), dataset.variables[name].attributes
    if values.dtype.kind not in "iu" or "flag_meanings" not in attributes:
        return values.astype(str)
    words = dict(zip(np.atleast_1d(attributes["flag_values"]), attributes["flag_meanings"].split(), strict=True))
    return np.array([words.get(value, "") for value in values], str)


def groups_of(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(unit,) group: the scenario's column, or several joined."""
    named = settings["split"]["group"]
    columns = [column(dataset, name, "split: group") for name in ([named] if isinstance(named, str) else named)]
    return np.asarray(["/".join(parts) for parts in zip(*columns, strict=True)])
