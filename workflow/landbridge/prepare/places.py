"""Checks of the leak audit that go by the places of units: equal ones, near ones, the distance of the test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.prepare import ragged
from landbridge.prepare.findings import Result, comparable, result, sides, some
from landbridge.prepare.groups import EARTH_RADIUS_KM, distance_km

SAME_PLACE_KM = 1.0
NEIGHBOURS_KM = 60.0
MOST_PAIRS = 12
DRIVER_CELL = "driver_cell"  # column of units, where a dataset has it


def same_places(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No two units of different parts lie within a kilometre of each other."""
    if "lat" not in parted or "lon" not in parted:
        return []
    side = sides(parted, settings)
    groups = np.asarray(parted["group"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    first, second = near_pairs(parted["lat"], parted["lon"], side, SAME_PLACE_KM)
    compared = comparable(side, first, second, settings)
    first, second = first[compared], second[compared]
    if len(first) == 0:
        return [result("same coordinates", "ok", [], f"no two parts have units within {SAME_PLACE_KM:g} km")]
    pairs = [f"{names[i]} ({side[i]}) and {names[j]} ({side[j]})" for i, j in zip(first, second, strict=True)]
    text = (
        f"within {SAME_PLACE_KM:g} km of each other, in different parts: {some(pairs)}; split by a group column that "
        f"holds neighbours together"
    )
    return [result("same coordinates", "failure", sorted({*groups[first], *groups[second]}), text)]


def near_pairs(lat: np.ndarray, lon: np.ndarray, side: np.ndarray, limit_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the units on different sides that lie nearer to each other than a limit.

    Only places within the limit in latitude are compared, and many units at one place of one side count as one.

    Args:
        lat: (unit,) degrees; places that are missing are near to none.
        lon: (unit,) degrees.
        side: (unit,) what must stay apart.
        limit_km: km along the great circle.
    """
    codes = np.unique(side, return_inverse=True)[1].ravel()
    place = np.stack([np.asarray(lat, float), np.asarray(lon, float), codes], axis=1)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    index = known[np.unique(place[known], axis=0, return_index=True)[1]]  # sorted by latitude
    north = place[index, 0]
    reach = np.searchsorted(north, north + np.degrees(limit_km / EARTH_RADIUS_KM), side="right")
    first = np.repeat(np.arange(len(index)), reach - np.arange(len(index)) - 1)
    second = ragged.ranges(np.arange(len(index)) + 1, reach)
    first, second = index[first], index[second]
    apart = codes[first] != codes[second]
    first, second = first[apart], second[apart]
    near = distance_km(place[first, 0], place[first, 1], place[second, 0], place[second, 1]) < limit_km
    return np.minimum(first, second)[near], np.maximum(first, second)[near]


def _measured(part: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """(unit,) whether its measured labels are trained on: of the source, or where that is simulated, the pool."""
    simulated = settings["split"].get("simulated_at")
    return np.isin(part, ["target_pool", "target_val"] if simulated else ["source_train", "source_val"])


def neighbours(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Which test units lie near one whose measured labels are trained on; told, since climates reach far."""
    if "lat" not in parted or "lon" not in parted or settings["budget_axis"] == "time":
        return []
    part = np.asarray(parted["part"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    lat, lon = np.asarray(parted["lat"], float), np.asarray(parted["lon"], float)
    trained = _measured(part, settings) | (part == "target_pool")
    side = np.where(part == "target_test", "test", "train")
    chosen = np.flatnonzero((part == "target_test") | trained)
    first, second = (chosen[index] for index in near_pairs(lat[chosen], lon[chosen], side[chosen], NEIGHBOURS_KM))
    km = distance_km(lat[first], lon[first], lat[second], lon[second])
    order = np.argsort(km, kind="stable")
    pairs = [" and ".join(sorted((names[first[i]], names[second[i]]))) + f" ({km[i]:.1f} km)" for i in order]
    text = f"no test unit lies within {NEIGHBOURS_KM:g} km of one that is trained on"
    if pairs:
        more = f" and {len(pairs) - MOST_PAIRS} more pairs" if len(pairs) > MOST_PAIRS else ""
        text = f"within {NEIGHBOURS_KM:g} km, one in the test and one trained on: {', '.join(pairs[:MOST_PAIRS])}{more}"
    return [result("neighbours", "ok", [], text)]


def distance_to_training(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """How far the test units lie from what is trained on, and how many share a driver cell with it."""
    if "lat" not in parted or "lon" not in parted:
        return []
    part = np.asarray(parted["part"]).astype(str)
    lat, lon = np.asarray(parted["lat"], float), np.asarray(parted["lon"], float)
    placed = np.isfinite(lat) & np.isfinite(lon)
    train, test = placed & _measured(part, settings), placed & (part == "target_test")
    if not train.any() or not test.any():
        return []
    nearest = np.array(
        [np.nanmin(distance_km(lat[i], lon[i], lat[train], lon[train]), initial=np.inf) for i in np.flatnonzero(test)]
    )
    edges = (0, 5, 50, 200, 1000, np.inf)
    counts = np.histogram(nearest, edges)[0]
    shown = [f"{count} at {low:g} to {high:g} km" for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    text = f"nearest training unit of the {len(nearest)} test units: " + ", ".join(shown).replace(
        " to inf km", " km on"
    )
    if DRIVER_CELL in parted:
        cells = np.asarray(parted[DRIVER_CELL]).astype(str)
        shared = int(np.isin(cells[test], sorted(set(cells[train]))).sum())
        text += f"; {shared} stand in the driver cell of a training unit"
    return [{**result("distance to training", "ok", [], text), "km": [round(float(km), 3) for km in nearest]}]


def simulated_at_the_test(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Test units at whose places the source was simulated too: told, for no label of theirs is in it."""
    column = settings["split"].get("simulated_at")
    if not column:
        return []
    part, place = np.asarray(parted["part"]).astype(str), np.asarray(parted[column]).astype(str)
    tested = part == "target_test"
    simulated = np.isin(place[tested], place[np.char.startswith(part, "source")])
    names = sorted(set(np.asarray(parted["unit_name"])[tested][simulated].astype(str)))
    text = f"nothing was simulated at the {column} of a test unit"
    if names:
        text = f"what is learned from was also simulated at the {column} of {some(names)}: their inputs, and no label"
    return [result("simulated at the test", "ok", [], text)]
