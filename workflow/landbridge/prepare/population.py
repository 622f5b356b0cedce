"""What a split rule is handed and what it hands back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

PARTS = ("source_train", "source_val", "target_unlabelled", "target_pool", "target_val", "target_test")


@dataclass(frozen=True)
class Population:
    """The units that a rule parts.

    Attributes:
        names: (unit,) names.
        groups: (unit,) group of each; a group is never split between parts, except in time on a time axis.
        classes: (unit,) class to stratify by; "" without one.
        is_target: (unit,) bool; the others are source. None where source and target are one population, and the rule
            chooses what is held out.
        start, stop: (unit,) first and last tick of each unit; zeros where there is no time.
        lat, lon: (unit,) degrees; NaN where places are unknown.
        by: (unit,) what `split.by` names, numbers or text; None without it.
    """

    names: Sequence[str]
    groups: Sequence[str]
    classes: Sequence[str]
    is_target: np.ndarray | None
    start: np.ndarray
    stop: np.ndarray
    lat: np.ndarray | None = None
    lon: np.ndarray | None = None
    by: np.ndarray | None = None


@dataclass(frozen=True)
class Stretch:
    """Ticks [start, stop] of one unit that belong to a part; the whole unit where both are None."""

    unit: int
    part: str
    segment: int = 0
    start: int | None = None
    stop: int | None = None


def published_test_years(years: Iterable[int]) -> list[int]:
    """Test years of a record by X-MethaneWet's temporal rule: those after its year number floor(6 (n - 1) / 7).

    Args:
        years: n calendar years of the record, incomplete ones too, in any order.

    Returns:
        none of one year, one of 2 to 8, two of 9 to 15.
    """
    ordered = sorted(set(years))
    return ordered[6 * (len(ordered) - 1) // 7 + 1 :] if ordered else []
