"""Rules that part the units of a scenario: each returns the part of every unit, or of stretches of it, by fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.prepare.streams import majority, stratified_order
from landbridge.stage import StageError

PARTS = ("source_train", "source_val", "target_unlabelled", "target_pool", "target_val", "target_test")
SHARES = {"target_unlabelled": 0.25, "target_pool": 0.35, "target_val": 0.10, "target_test": 0.30}
SOURCE_VALIDATION_SHARE = 0.20
FEWEST_TARGET_GROUPS = 4


@dataclass(frozen=True)
class Population:
    """The units that a rule parts.

    Attributes:
        names: (unit,) names.
        groups: (unit,) group of each; a group is never split between parts, except in time on a time axis.
        classes: (unit,) class to stratify by; "" without one.
        is_target: (unit,) bool; the others are source.
        start, stop: (unit,) first and last tick of each unit; zeros where there is no time.
    """

    names: Sequence[str]
    groups: Sequence[str]
    classes: Sequence[str]
    is_target: np.ndarray
    start: np.ndarray
    stop: np.ndarray


@dataclass(frozen=True)
class Stretch:
    """Ticks [start, stop] of one unit that belong to a part; the whole unit where both are None."""

    unit: int
    part: str
    segment: int = 0
    start: int | None = None
    stop: int | None = None


def _strata(population: Population, chosen: np.ndarray) -> dict[str, str]:
    """Majority class of each group among the chosen units."""
    return majority(
        (group, own) for group, own, wanted in zip(population.groups, population.classes, chosen, strict=True) if wanted
    )


def _shares(settings: Mapping[str, Any]) -> dict[str, float]:
    """Shares of the target's parts, filled in from the defaults.

    Raises:
        StageError: shares that do not add up to one.
    """
    shares = {**SHARES, **settings.get("shares", {})}
    if abs(sum(shares.values()) - 1) > 1e-9:
        listed = ", ".join(f"{part}: {share:g}" for part, share in shares.items())
        raise StageError(f"split: shares add up to {sum(shares.values()):g}, not 1: {listed}; write all four")
    return shares


def _source_parts(population: Population, settings: Mapping[str, Any]) -> dict[str, str]:
    share = settings.get("source_validation_share", SOURCE_VALIDATION_SHARE)
    strata = _strata(population, ~population.is_target)
    if len(strata) < 2:
        raise StageError(
            f"the source population has {len(strata)} groups, and training and validation need one each at least; "
            f"widen `source: where:`"
        )
    ordered = stratified_order(strata, "split source", settings["seed"])
    held_out = min(max(1, round(share * len(ordered))), len(ordered) - 1)
    return {group: "source_val" if rank < held_out else "source_train" for rank, group in enumerate(ordered)}


def _target_parts(population: Population, settings: Mapping[str, Any], fold: int) -> dict[str, str]:
    strata = _strata(population, population.is_target)
    count = len(strata)
    if count < FEWEST_TARGET_GROUPS:
        raise StageError(
            f"the target population has {count} groups, and this rule needs {FEWEST_TARGET_GROUPS} at least; widen "
            f"`target: where:` or take a rule that cuts groups in time"
        )
    ordered = stratified_order(strata, "split target", settings["seed"])
    folds = settings["folds"]
    shares = _shares(settings)
    if folds > count:
        raise StageError(f"split: {folds} folds for {count} target groups; write folds: {count} or fewer")
    if folds > 1:  # every group is tested in exactly one fold, and the rest keep their proportions
        rest = 1 - shares["target_test"]
        if rest <= 0:
            raise StageError("split: shares leave nothing beside the test; write a target_test below 1")
        shares = {part: share / rest * (1 - 1 / folds) for part, share in shares.items()}
        first, last = round(fold * count / folds), round((fold + 1) * count / folds)
    else:
        first, last = 0, max(1, round(shares["target_test"] * count))
    parts = dict.fromkeys(ordered[first:last], "target_test")
    # In an order of their own: every other member of the first one would be, for two strata, all of one of them.
    others = {group: strata[group] for group in ordered if group not in parts}
    remaining = stratified_order(others, "split target rest", settings["seed"], fold)
    pool = max(1, round(shares["target_pool"] * count))
    unlabelled = round(shares["target_unlabelled"] * count)
    parts |= dict.fromkeys(remaining[:pool], "target_pool")
    parts |= dict.fromkeys(remaining[pool : pool + unlabelled], "target_unlabelled")
    return parts | dict.fromkeys(remaining[pool + unlabelled :], "target_val")


def tower_grouped(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """Whole groups to parts, stratified by the majority class of each.

    Source groups: `source_validation_share` (0.2) to validation. Target groups: `shares` of unlabelled, pool,
    validation and test (0.25, 0.35, 0.10, 0.30). With several folds each target group is tested once.
    On a time axis see `leading_time`.
    """
    if settings["budget_axis"] == "time":
        return leading_time(population, settings, fold)
    parts = {**_source_parts(population, settings), **_target_parts(population, settings, fold)}
    return [Stretch(index, parts[group]) for index, group in enumerate(population.groups)]


def leading_time(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """Source groups as in `tower_grouped`; a share of the target groups unlabelled; each other one cut in time.

    A group's record is cut at one tick for all of its units: the last `test_share` of its span is the test, before it
    lie `gap` ticks that belong to no part, and what comes first is the pool. The gap must be a window at least. The
    unlabelled share is that of `shares`; the other shares part groups, and no group is parted here. All groups are
    tested at once, so there is one fold.
    """
    if settings["folds"] > 1:
        raise StageError("split: on a time axis every target group is tested in one fold; write folds: 1")
    gap, length = settings["gap"], settings["length"]
    if gap < length:
        raise StageError(f"split: gap is {gap} steps, shorter than a window of {length}; write gap: {length} or more")
    parts = _source_parts(population, settings)
    ordered = stratified_order(_strata(population, population.is_target), "split target", settings["seed"])
    unlabelled = set(ordered[: round(_shares(settings)["target_unlabelled"] * len(ordered))])
    groups = np.asarray(population.groups, object)
    found = []
    for index, group in enumerate(population.groups):
        if not population.is_target[index]:
            found.append(Stretch(index, parts[group]))
        elif group in unlabelled:
            found.append(Stretch(index, "target_unlabelled"))
        else:
            members = groups == group
            first, last = int(population.start[members].min()), int(population.stop[members].max())
            cut = last - round(settings["test_share"] * (last - first + 1)) + 1
            found.append(Stretch(index, "target_pool", 0, int(population.start[index]), cut - gap - 1))
            found.append(Stretch(index, "target_test", 1, cut, int(population.stop[index])))
    return found


RULES = {"tower_grouped": tower_grouped}
