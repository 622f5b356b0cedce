"""The splits of towers that X-MethaneWet published (Sun et al. 2025, arXiv 2505.18355), and what leaks in them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from landbridge.domains.wetland_methane.cells import cell_of
from landbridge.prepare.groups import pairwise_km


class Placed(Protocol):
    """What has a name and a place in degrees."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def lat(self) -> float: ...  # noqa: D102
    @property
    def lon(self) -> float: ...  # noqa: D102


@cache
def published_folds() -> Mapping[str, int]:
    """Fold of each of the 30 towers in the five spatial folds."""
    with (Path(__file__).parent / "folds.csv").open(newline="") as handle:
        return {row["site"]: int(row["fold"]) for row in csv.DictReader(handle)}


@dataclass(frozen=True)
class Straddling:
    """Two towers near each other in different folds.

    Attributes:
        first, second: their names, in the order of the alphabet.
        folds: fold of each.
        km: between them.
        same_cell: whether one 0.5 degree cell holds both.
    """

    first: str
    second: str
    folds: tuple[int, int]
    km: float
    same_cell: bool


def straddling(towers: Iterable[Placed], folds: Mapping[str, int], km: float = 60.0) -> list[Straddling]:
    """Pairs of towers closer than `km` of which one is trained on while the other is tested on, nearest first.

    Args:
        towers: sites; those without a fold are passed over.
        folds: fold by name.
        km: distance below which a pair counts.
    """
    known = sorted((site for site in towers if site.name in folds), key=lambda site: site.name)
    distance = pairwise_km(np.array([site.lat for site in known]), np.array([site.lon for site in known]))
    found = []
    for first, second in zip(*np.nonzero(np.triu(distance < km, 1)), strict=True):
        one, other = known[first], known[second]
        if folds[one.name] != folds[other.name]:
            same = cell_of(one.lat, one.lon) == cell_of(other.lat, other.lon)
            pair = (folds[one.name], folds[other.name])
            found.append(Straddling(one.name, other.name, pair, float(distance[first, second]), same))
    return sorted(found, key=lambda pair: pair.km)
