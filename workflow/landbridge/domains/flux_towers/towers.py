"""Which records are one physical tower, and which towers belong together.

Published tables name a tower by network and by site; the same instrument can stand there twice, and has been counted
as two sites, one of them in the test set. Everything that splits towers goes through this module first.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from landbridge.prepare.groups import group_names, pairwise_km

NETWORK_PREFIX = re.compile(r"^(FLX|AMF|ICOSETC|ICOS|JPX)_")
IGBP = (  # classes of land cover; the order is that of the one-hot columns
    *("ENF", "EBF", "DBF", "DNF", "MF", "CSH", "OSH", "WSA", "SAV", "GRA", "WET", "CRO", "URB", "CVM", "SNO", "WAT"),
)
SAME_TOWER_KM = 0.2  # published coordinates are rounded to 0.001 degree, about 111 m
SAME_TOWER_CORRELATION = 0.98
FEWEST_SHARED_DAYS = 100
GROUP_KM = 5.0
CELL_DEGREES = 0.1  # of ERA5-Land


@cache
def aliases() -> dict[str, str]:
    """Former site id, in upper case, to the current one; extend `aliases.csv` to add one."""
    with (Path(__file__).parent / "aliases.csv").open(newline="") as handle:
        return {row["renamed"].upper(): row["current"] for row in csv.DictReader(handle)}


def site_id(name: str) -> str:
    """Site id of a record: without the network's prefix and suffix, a former id replaced by the current one.

    `FLX_US-Ha1_FLUXNET2015` and `AMF_US-Ha1` give `US-Ha1`.
    """
    bare = NETWORK_PREFIX.sub("", name).split("_")[0]
    return aliases().get(bare.upper(), bare)


def one_spelling(names: Sequence[str]) -> dict[str, str]:
    """Each name to the spelling of its tower that stands: ids that differ in case alone are one tower.

    The official spelling has small letters after the country code, so the one with more of them stands.
    """
    spellings: dict[str, str] = {}
    for name in sorted(set(names)):
        best = spellings.get(name.upper(), name)
        spellings[name.upper()] = max(best, name, key=lambda word: (sum(letter.islower() for letter in word), word))
    return {name: spellings[name.upper()] for name in names}


def same_tower(
    names: Sequence[str], lat: np.ndarray, lon: np.ndarray, nee: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, str]:
    """Names that are one instrument: within 200 m, and net exchange correlated above 0.98 on the days that both have.

    Args:
        names: (tower,) ids.
        nee: by name, days (sorted) and net ecosystem exchange on them.

    Returns:
        each name to the first of its tower in the alphabet.
    """
    linked = np.eye(len(names), dtype=bool)
    near = np.triu(pairwise_km(lat, lon) <= SAME_TOWER_KM, 1)
    for first, second in zip(*np.nonzero(near), strict=True):
        (days_1, values_1), (days_2, values_2) = nee[names[first]], nee[names[second]]
        _, here, there = np.intersect1d(days_1, days_2, assume_unique=True, return_indices=True)
        if len(here) >= FEWEST_SHARED_DAYS:
            linked[first, second] = np.corrcoef(values_1[here], values_2[there])[0, 1] > SAME_TOWER_CORRELATION
    return dict(zip(names, group_names(linked, names), strict=True))


def tower_groups(names: Sequence[str], lat: np.ndarray, lon: np.ndarray, cells: Sequence[str]) -> dict[str, list[str]]:
    """Group columns of towers: components at 5 km, 1 km and 50 km, and at 5 km or of one driver cell.

    Args:
        cells: grid cell that each tower's drivers were read from.
    """
    distance = np.nan_to_num(pairwise_km(lat, lon), nan=np.inf)
    np.fill_diagonal(distance, 0.0)
    cell = np.asarray(cells)
    return {
        "tower_group": group_names(distance <= GROUP_KM, names),
        "group_1km": group_names(distance <= 1.0, names),
        "group_50km": group_names(distance <= 50.0, names),
        "driver_cell": list(cells),
        "driver_group": group_names((distance <= GROUP_KM) | (cell[:, None] == cell[None, :]), names),
    }


def era5_cell(lat: float, lon: float) -> str:
    """Name of the ERA5-Land cell (0.1 degree) that holds a place."""
    centre = [np.floor(degrees / CELL_DEGREES + 0.5) * CELL_DEGREES for degrees in (lat, lon)]
    return f"{centre[0]:.1f},{centre[1]:.1f}"
