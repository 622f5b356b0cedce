"""What every check of the leak audit needs: the form of a finding, and what must stay apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.contract import Dataset

Result = dict[str, Any]


def result(check: str, level: str, groups: Sequence[str], text: str) -> Result:
    """A finding; level is ok, warning or failure."""
    return {"check": check, "level": level, "groups": sorted(groups), "text": text}


def some(names: Sequence[str], most: int = 8) -> str:
    """Names in the order of the alphabet, the first few of them and how many more there are."""
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def sides(parted: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(unit,) what must stay apart: every part by itself, but for parts that are one place cut in time."""
    part = np.asarray(parted["part"]).astype(str)
    if settings["split"]["rule"] == "temporal":
        return np.full(len(part), "one place", part.dtype.kind + "10")
    if settings["split"].get("source_validation") == "time":
        part = np.where(np.isin(part, ["source_train", "source_val"]), "source", part)
    if settings["budget_axis"] == "time":
        return np.where(np.isin(part, ["target_pool", "target_test"]), "target_cut", part)
    return part


def comparable(side: np.ndarray, first: np.ndarray, second: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """(pair,) bool: whether the labels of two units can be one measurement; those of a simulator and a tower can't.

    Args:
        side: (unit,) of `sides`.
        first, second: (pair,) units.
    """
    if not settings["split"].get("simulated_at"):
        return np.ones(len(first), bool)
    of_source = np.char.startswith(side.astype(str), "source")
    same: np.ndarray = of_source[first] == of_source[second]
    return same
