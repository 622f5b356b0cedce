"""The two populations of a transfer, read from one dataset or two, as one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import Dataset, Variable
from landbridge.prepare import ragged
from landbridge.stage import StageError


def told_apart(source: Dataset, target: Dataset, settings: Mapping[str, Any]) -> tuple[Dataset, Dataset]:
    """Units of two datasets with one name (both have a home 1) get the name of their dataset before it."""
    names = [np.asarray(side["unit_name"]).astype(str) for side in (source, target)]
    common = set(names[0].tolist()) & set(names[1].tolist())
    renamed = []
    for dataset, own, side in zip((source, target), names, ("source", "target"), strict=True):
        before = f"{settings[side]['dataset']}/"
        told = np.asarray([before + name if name in common else name for name in own.tolist()])
        variable = dataset.variables["unit_name"]
        renamed.append(ragged.with_variables(dataset, {"unit_name": Variable(("unit",), told, variable.attributes)}))
    return renamed[0], renamed[1]


OF_THE_TARGET = ("truth", "product")  # roles that only tested units need: a source without them has none of it


def join(first: Dataset, second: Dataset) -> Dataset:
    """Two files end to end; variables that one of them lacks are left out.

    Truth and products that only the second has are kept, missing in the first.

    Raises:
        StageError: variables of one name that do not mean the same: other units, classes, dimensions or time steps.
    """
    steps = [dataset.attributes.get("step") for dataset in (first, second)]
    if steps[0] != steps[1]:
        raise StageError(f"source and target have steps of a {steps[0]} and a {steps[1]}; a transfer needs one step")
    joined = {}
    first = ragged.with_variables(first, _missing(first, second))
    for name, variable in first.variables.items():
        if name not in second:
            continue
        other = second.variables[name]
        for key in ("units", "flag_values", "flag_meanings"):
            here, there = (np.atleast_1d(one.attributes.get(key, "")).tolist() for one in (variable, other))
            if here != there:
                raise StageError(f"{name}: {key} is {here} in the source and {there} in the target; mend a reader")
        along_units = bool(variable.dimensions) and variable.dimensions[0] in ("unit", "obs")
        if variable.dimensions != other.dimensions or (
            along_units and variable.values.shape[1:] != other.values.shape[1:]
        ):
            raise StageError(f"{name}: has other dimensions in the source than in the target; mend a reader")
        if not along_units and not np.array_equal(variable.values, other.values):  # such as the names of bands
            here, there = (", ".join(map(str, np.atleast_1d(one.values).ravel())) for one in (variable, other))
            raise StageError(f"{name}: is {here} in the source and {there} in the target; read both alike")
        values = np.concatenate([variable.values, other.values]) if along_units else variable.values
        joined[name] = Variable(variable.dimensions, values, variable.attributes)
    return Dataset(joined, first.attributes)


def _missing(first: Dataset, second: Dataset) -> dict[str, Variable]:
    """Truth and products of the second file that the first lacks, without a value there."""
    found = {}
    for name in (name for role in OF_THE_TARGET for name in second.with_role(role) if name not in first):
        variable = second.variables[name]
        if variable.dimensions in (("obs",), ("unit",)) and variable.values.dtype.kind == "f":
            size = first.sizes[variable.dimensions[0]]
            found[name] = Variable(
                variable.dimensions, np.full(size, np.nan, variable.values.dtype), variable.attributes
            )
    return found
