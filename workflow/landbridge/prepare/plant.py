"""A leak that is planted on purpose: test units copied into the training part, so that its effect can be measured.

On twins alone. The audit must find the copies, so such a split trains only with `allow_leaks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import Dataset, Variable
from landbridge.prepare import ragged
from landbridge.prepare.streams import generator, hash_order

COPY = " (planted copy)"  # ends the names of copies and of their groups
NOISY = ("input", "target")  # roles whose numbers are given noise


def planted(parted: Dataset, settings: Mapping[str, Any], fold: int) -> Dataset:
    """The parts with copies of test units in `source_train`, under names and groups of their own.

    Args:
        parted: every part in one file, with `part`, `group` and `unit_name`.
        settings: of the scenario; `split.plant` holds `copies`, the share of the test units that is copied, rounded up,
            and `noise`, the standard deviation of what is added to the numbers of inputs and labels, in standard
            deviations of each. Classes stay as they are.
        fold: a key of the stream that chooses.
    """
    plant = settings["split"].get("plant")
    if not plant:
        return parted
    names = np.asarray(parted["unit_name"]).astype(str)
    tested = np.flatnonzero(np.asarray(parted["part"]).astype(str) == "target_test")
    count = int(np.ceil(plant["copies"] * len(tested)))
    keys = [f"{names[unit]}\0{int(parted['segment'][unit])}" for unit in tested]
    place = dict(zip(keys, tested.tolist(), strict=True))
    chosen = np.sort([place[key] for key in hash_order(keys, "plant", settings["scenario"], fold)[:count]])
    copies = ragged.select_units(parted, chosen)
    random = generator("plant noise", settings["scenario"], fold)
    changed = {
        name: _of_copy(name, own, parted[name], plant["noise"], random) for name, own in copies.variables.items()
    }
    return _end_to_end(parted, Dataset({**copies.variables, **changed}, copies.attributes))


def _of_copy(name: str, own: Variable, every: np.ndarray, noise: float, random: np.random.Generator) -> Variable:
    """A variable of the copies: names and groups of their own, numbers with noise."""
    values, role = own.values, own.attributes.get("role")
    if name == "part":
        values = np.full(len(values), "source_train")
    elif name in ("unit_name", "group") or (role == "group" and values.dtype.kind in "UOS"):
        text = np.asarray(values).astype(str)
        values = np.where(text == "", text, np.char.add(text, COPY))  # a unit without a value shares it with none
    elif role in NOISY and values.dtype.kind == "f" and own.dimensions[0] in ("obs", "unit"):
        spread = float(np.nanstd(every, dtype=np.float64)) if np.isfinite(every).any() else 0.0
        values = (values + noise * spread * random.normal(size=values.shape)).astype(values.dtype)
    return Variable(own.dimensions, values, own.attributes)


def _end_to_end(first: Dataset, second: Dataset) -> Dataset:
    """Units of two files of equal variables one after the other."""
    joined = {
        name: Variable(own.dimensions, np.concatenate([own.values, second[name]]), own.attributes)
        if own.dimensions and own.dimensions[0] in ("obs", "unit")
        else own
        for name, own in first.variables.items()
    }
    return Dataset(joined, first.attributes)
