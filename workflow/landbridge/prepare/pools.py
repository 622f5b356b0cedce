"""Labelled pools that were cut in time: where their days begin to count, and which are too short to take part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, Dataset, time_unit
from landbridge.prepare import answers, ragged, windows
from landbridge.prepare.windows import Grid
from landbridge.stage import StageError


def whole_pools(parted: Dataset, settings: Mapping[str, Any], left_out: list[dict[str, Any]]) -> Dataset:
    """Pools that begin with their first labelled window and hold the longest budget; other groups take no part.

    Labelled days are counted from the first window on that a recipe can learn from: else thirty days of a broken
    sensor would be a budget of thirty days. That a label is there counts, its value does not. A group without such a
    pool, or without an observation in the test, is in no part.

    Args:
        parted: all parts, with `part`, `group` and `segment`.
        settings: of the scenario; `longest_budget` is in days.
        left_out: gains an entry {"reason", "units"} for what is in no part.

    Raises:
        StageError: no group is left.
    """
    part = np.asarray(parted["part"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    in_pool, in_test = part == "target_pool", part == "target_test"
    wanted = max(1, settings.get("longest_budget") or 0)
    starts, stops = _from_first_window(parted, in_pool, settings)
    kept = np.where(in_pool, _days(parted, starts, stops) >= wanted, stops > starts)
    whole = set(groups[kept & in_pool]) & set(groups[kept & in_test])
    lost = (in_pool | in_test) & ~np.isin(groups, sorted(whole))
    span = f"fewer than {wanted} days from its first labelled window to the gap before the test"
    for chosen, reason in (
        (lost, f"target group whose pool holds {span}, or whose test is empty"),
        (in_pool & ~kept & ~lost, f"pool of {span}"),
        (in_test & ~kept & ~lost, "no observation in the test"),
    ):
        if chosen.any():
            left_out.append({"reason": reason, "units": sorted(set(names[chosen].tolist()))})
    if not whole:
        raise StageError(
            f"no target group takes part, since each has a pool of {span}; write smaller budgets or test_share"
        )
    index = np.flatnonzero(kept & ~lost)
    return ragged.cut(parted, index, starts[index], stops[index])


def _from_first_window(
    parted: Dataset, in_pool: np.ndarray, settings: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """(unit,) first observation of each unit and the one after its last.

    A unit of the pool begins with its first complete window that ends with a label; it is empty where there is none.
    """
    bounds = ragged.offsets(parted["row_size"])
    starts, stops = bounds[:-1].copy(), bounds[1:]
    length, lookahead = settings["window"]["length"], settings["window"].get("lookahead", 0)
    weights = _label_weights(parted, settings)
    ends, _ = windows.training_windows(
        parted, settings["inputs"], weights, Grid(length), 1, settings["step"], lookahead
    )
    for unit in np.flatnonzero(in_pool):
        first = np.searchsorted(ends, starts[unit])
        inside = first < len(ends) and ends[first] < stops[unit]
        starts[unit] = ends[first] - length + 1 if inside else stops[unit]
    return starts, stops


def _days(parted: Dataset, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """(unit,) days that each stretch spans; 0 of an empty one."""
    per_day = time_unit(parted)[1]
    time = parted["time"]
    filled = stops > starts
    days = np.zeros(len(starts), np.int64)
    days[filled] = (time[stops[filled] - 1] - time[starts[filled]]) // per_day + 1
    return days


def _label_weights(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(obs, 1) float32: above 0 where the targets are there and count in training; with `partial_labels`, one does."""
    targets, quality = settings["targets"], settings.get("quality")
    if settings["task"] == "regression":
        weights = windows.label_weights(dataset, targets, quality["variable"] if quality else None)
        enough = np.max if settings.get("partial_labels") else np.min
        return np.asarray(enough(weights, axis=1, keepdims=True))
    rows = np.arange(int(dataset["row_size"].sum()))
    return (answers.row_labels(dataset, rows, targets[0]) != IGNORE).astype(np.float32)[:, None]
