"""Rules that part the units of a scenario: each returns the part of every unit, or of stretches of it, by fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.prepare.streams import hash_order
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


def stratified_order(groups: Mapping[str, str], name: str, *keys: object) -> list[str]:
    """Groups in a hashed order in which every stretch holds the strata in their proportions.

    Args:
        groups: stratum of each group.
        name, keys: of the stream that orders them.
    """
    position: dict[str, tuple[float, int]] = {}
    ranked = hash_order(groups, name, *keys)
    sizes = Counter(groups.values())
    seen: Counter[str] = Counter()
    for rank, group in enumerate(ranked):
        stratum = groups[group]
        position[group] = ((seen[stratum] + 0.5) / sizes[stratum], rank)
        seen[stratum] += 1
    return sorted(groups, key=position.__getitem__)


def _strata(population: Population, chosen: np.ndarray) -> dict[str, str]:
    """Most frequent class of each group among the chosen units; the alphabet settles a tie."""
    found: dict[str, Counter[str]] = {}
    for index in np.flatnonzero(chosen).tolist():
        found.setdefault(population.groups[index], Counter())[population.classes[index]] += 1
    return {group: min(count, key=lambda name: (-count[name], name)) for group, count in sorted(found.items())}


def _source_parts(population: Population, settings: Mapping[str, Any]) -> dict[str, str]:
    share = settings.get("source_validation_share", SOURCE_VALIDATION_SHARE)
    strata = _strata(population, ~population.is_target)
    if len(strata) < 2:
        raise StageError(
            f"the source population has {len(strata)} groups, and training and validation need one each at least; "
            f"widen `source: where:`"
        )
    ordered = stratified_order(strata, "split source", settings["seed"])
    held_out = max(1, round(share * len(ordered)))
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
    shares = {**SHARES, **settings.get("shares", {})}
    if folds > 1:  # every group is tested in exactly one fold, and the rest keep their proportions
        rest = 1 - shares["target_test"]
        shares = {
            part: (1 / folds if part == "target_test" else share / rest * (1 - 1 / folds))
            for part, share in shares.items()
        }
    first = round(fold * count / folds)
    last = round((fold + 1) * count / folds) if folds > 1 else round(shares["target_test"] * count)
    parts = dict.fromkeys(ordered[first:last], "target_test")
    remaining = [group for group in ordered if group not in parts]
    pool = max(1, round(shares["target_pool"] * count))
    unlabelled = round(shares["target_unlabelled"] * count)
    # Taken evenly from along the order, so that each part keeps the strata's proportions.
    for part, wanted in (("target_pool", pool), ("target_unlabelled", unlabelled)):
        step = len(remaining) / max(wanted, 1)
        taken = [remaining[int(step * (number + 0.5))] for number in range(min(wanted, len(remaining)))]
        parts |= dict.fromkeys(taken, part)
        remaining = [group for group in remaining if group not in parts]
    return parts | dict.fromkeys(remaining, "target_val")


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
    """Source groups as in `tower_grouped`; a quarter of the target groups unlabelled; each other one cut in time.

    A group's record is cut at one tick for all of its units: the last `test_share` of its span is the test, before it
    lie `gap` ticks that belong to no part, and what comes first is the pool. The gap must be a window at least.
    """
    parts = _source_parts(population, settings)
    strata = _strata(population, population.is_target)
    ordered = stratified_order(strata, "split target", settings["seed"])
    unlabelled = set(ordered[: round(SHARES["target_unlabelled"] * len(ordered))])
    gap, length = settings["gap"], settings["length"]
    if gap < length:
        raise StageError(f"split: gap is {gap} steps, shorter than a window of {length}; write gap: {length} or more")
    groups = np.asarray(population.groups, object)
    found = []
    for index, group in enumerate(population.groups):
        if group in parts and not population.is_target[index]:
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
