"""Rules that part the units of a scenario: each returns the part of every unit, or of stretches of it, by fold.

Two populations, which a scenario's `where:` tells apart, go by `whole_groups`. Where source and target are one
population a rule first chooses what is held out of it; that is the target, and its groups go to the parts by `shares`
(all to the test if none are given).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.prepare import held_out
from landbridge.prepare.population import Population, Stretch, published_test_years
from landbridge.prepare.streams import majority, stratified_order
from landbridge.stage import StageError

SHARES = {"target_unlabelled": 0.25, "target_pool": 0.35, "target_val": 0.10, "target_test": 0.30}
ALL_TO_TEST = {"target_unlabelled": 0.0, "target_pool": 0.0, "target_val": 0.0, "target_test": 1.0}
SOURCE_VALIDATION_SHARE = 0.20
FEWEST_TARGET_GROUPS = 4
CALENDAR = range(1900, 2101)  # years that records lie in


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
    shares = {**(ALL_TO_TEST if settings.get("one_population") else SHARES), **settings.get("shares", {})}
    if abs(sum(shares.values()) - 1) > 1e-9:
        listed = ", ".join(f"{part}: {share:g}" for part, share in shares.items())
        raise StageError(f"split: shares add up to {sum(shares.values()):g}, not 1: {listed}; write all four")
    return shares


def _source_parts(population: Population, settings: Mapping[str, Any]) -> dict[str, str]:
    share = settings.get("source_validation_share", SOURCE_VALIDATION_SHARE)
    assert population.is_target is not None
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
    assert population.is_target is not None
    strata = _strata(population, population.is_target)
    count = len(strata)
    shares = _shares(settings)
    if count < (FEWEST_TARGET_GROUPS if shares["target_test"] < 1 else 1):
        raise StageError(
            f"the target population has {count} groups, and this rule needs {FEWEST_TARGET_GROUPS} at least; widen "
            f"`target: where:` or take a rule that cuts groups in time"
        )
    ordered = stratified_order(strata, "split target", settings["seed"])
    folds = settings["folds"]
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
    others = {group: strata[group] for group in ordered if group not in parts}
    return parts | _parts_of_the_rest(others, shares, count, settings["seed"], fold)


def _parts_of_the_rest(
    strata: Mapping[str, str], shares: Mapping[str, float], count: int, seed: int, fold: int
) -> dict[str, str]:
    """Parts of the groups that are not tested, by their class, with shares of `count` groups in all."""
    # In an order of their own: every other member of the tests' order would be, for two strata, all of one of them.
    remaining = stratified_order(strata, "split target rest", seed, fold)
    pool = max(1, round(shares["target_pool"] * count)) if shares["target_pool"] > 0 else 0
    unlabelled = round(shares["target_unlabelled"] * count)
    parts = dict.fromkeys(remaining[:pool], "target_pool")
    parts |= dict.fromkeys(remaining[pool : pool + unlabelled], "target_unlabelled")
    return parts | dict.fromkeys(remaining[pool + unlabelled :], "target_val")


def folds_by_column(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """Target groups of one value of the column `by` are tested in each fold: published folds, classes, climates.

    Values are taken in the order of the alphabet; a group belongs to the value of most of its units, and one without a
    value takes no part. Source groups go as in `whole_groups`, those of the target that are not tested by `shares`.
    """
    if population.is_target is None or population.by is None or settings["budget_axis"] == "time":
        raise StageError(
            "split: folds_by_column parts a target that is not its own source by a column; write by: COLUMN, two "
            "populations, and budget_axis: groups or units"
        )
    members = zip(population.groups, population.by.tolist(), population.is_target, strict=True)
    value_of = majority((group, str(value)) for group, value, is_target in members if is_target and str(value))
    values = sorted(set(value_of.values()))
    if len(values) < 2 or settings["folds"] > len(values):
        raise StageError(
            f"split: {settings['folds']} folds by {len(values)} values of the column ({', '.join(values)}); write "
            f"folds: {len(values)} or fewer, and a column with two values at least"
        )
    strata = {group: own for group, own in _strata(population, population.is_target).items() if group in value_of}
    parts = {group: "target_test" for group in strata if value_of[group] == values[fold]}
    others = {group: own for group, own in strata.items() if group not in parts}
    shares = {part: share for part, share in _shares(settings).items() if part != "target_test"}
    rest = sum(shares.values())
    if rest <= 0:
        raise StageError("split: shares leave nothing beside the test; write a target_test below 1")
    shares = {part: share / rest for part, share in shares.items()}
    parts |= _parts_of_the_rest(others, shares, len(others), settings["seed"], fold)
    return _source_stretches(population, settings) + [
        Stretch(index, parts[group])
        for index, group in enumerate(population.groups)
        if population.is_target[index] and group in parts
    ]


def whole_groups(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """Whole groups to parts, stratified by the majority class of each.

    Source groups: `source_validation_share` (0.2) to validation. Target groups: `shares` of unlabelled, pool,
    validation and test (0.25, 0.35, 0.10, 0.30). With several folds each target group is tested once. Of one
    population a share `held_out` (0.2) is the target, or with several folds each group in turn.
    On a time axis see `leading_time`.
    """
    if population.is_target is None:
        return _holding_out(held_out.grouped)(population, settings, fold)
    if settings["budget_axis"] == "time":
        return leading_time(population, settings, fold)
    targets = _target_parts(population, settings, fold)
    found = _source_stretches(population, settings)
    return found + [
        Stretch(index, targets[group]) for index, group in enumerate(population.groups) if population.is_target[index]
    ]


Choose = Callable[[Population, Mapping[str, Any], int], held_out.Chosen]


def _holding_out(choose: Choose) -> Callable[[Population, Mapping[str, Any], int], list[Stretch]]:
    """The rule that parts one population by what `choose` holds out of it."""

    def rule(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
        if population.is_target is not None:
            raise StageError(
                f"split: rule {settings['rule']} chooses the target itself; write the same dataset and `where:` as "
                f"source and as target"
            )
        held, dropped = choose(population, settings, fold)
        if held.all() or not held.any():
            raise StageError(f"split: rule {settings['rule']} holds out {int(held.sum())} of {len(held)} units")
        kept = np.flatnonzero(~dropped)
        own = _subset(replace(population, is_target=held), kept)
        settings = {**settings, "folds": 1, "one_population": True}
        return [replace(stretch, unit=int(kept[stretch.unit])) for stretch in whole_groups(own, settings, 0)]

    return rule


def _subset(population: Population, index: np.ndarray) -> Population:
    names, groups, classes = (
        [column[i] for i in index] for column in (population.names, population.groups, population.classes)
    )
    assert population.is_target is not None
    return Population(
        names, groups, classes, population.is_target[index], population.start[index], population.stop[index]
    )


def _source_stretches(population: Population, settings: Mapping[str, Any]) -> list[Stretch]:
    """Parts of the source: validation is a share of the groups or, as published, the end of every record."""
    assert population.is_target is not None
    sources = [index for index in range(len(population.names)) if not population.is_target[index]]
    if settings.get("source_validation", "groups") == "groups":
        parts = _source_parts(population, settings)
        return [Stretch(index, parts[population.groups[index]]) for index in sources]
    share = settings.get("source_validation_share", SOURCE_VALIDATION_SHARE)
    found = []
    for index in sources:
        first, last = int(population.start[index]), int(population.stop[index])
        cut = last - round(share * (last - first + 1)) + 1
        found += [Stretch(index, "source_train", 0, first, cut - 1), Stretch(index, "source_val", 1, cut, last)]
    return found


def temporal(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """Every group trained before a year and tested from it on, `gap` ticks apart; a reference, not a transfer.

    A share of the groups is validation instead of training. Groups without an observation on one side take no part.
    """
    if population.is_target is not None or settings["folds"] > 1 or not settings.get("year"):
        raise StageError("split: temporal cuts one population at a year, in one fold; write year: 2018 and folds: 1")
    if settings["gap"] < settings["length"]:
        raise StageError(
            f"split: gap is {settings['gap']} steps, shorter than a window of {settings['length']}; write "
            f"gap: {settings['length']} or more"
        )
    first_of_year = settings["tick_of_year"](settings["year"])
    groups = np.asarray(population.groups, object)
    begins = {group: int(population.start[groups == group].min()) for group in sorted(set(groups))}
    ends = {group: int(population.stop[groups == group].max()) for group in begins}
    both = {
        group
        for group in begins
        if begins[group] <= first_of_year - settings["gap"] - settings["length"]
        and ends[group] >= first_of_year + settings["length"] - 1
    }
    if not both:
        raise StageError(f"split: no group has data before and after {settings['year']}; write another year")
    is_target = np.zeros(len(groups), bool)
    taking_part = np.flatnonzero(np.isin(groups, sorted(both)))
    parts = _source_parts(_subset(replace(population, is_target=is_target), taking_part), settings)
    found = []
    for index in taking_part.tolist():
        last = first_of_year - settings["gap"] - 1
        found.append(Stretch(index, parts[groups[index]], 0, int(population.start[index]), last))
        found.append(Stretch(index, "target_test", 1, first_of_year, int(population.stop[index])))
    return found


Cut = Callable[[int, int], int | None]  # first and last tick of a group to the first of its test; None: takes no part


def leading_time(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """Source groups as in `whole_groups`; a share of the target groups unlabelled; each other one cut in time.

    A group's record is cut at one tick for all of its units: the last `test_share` of its span is the test, before it
    lie `gap` ticks that belong to no part, and what comes first is the pool. The gap must be a window at least. The
    unlabelled share is that of `shares`; the other shares part groups, and no group is parted here. All groups are
    tested at once, so there is one fold.
    """

    def cut(first: int, last: int) -> int:
        return last - round(settings["test_share"] * (last - first + 1)) + 1

    return _cut_in_time(population, settings, cut)


def years_published(population: Population, settings: Mapping[str, Any], fold: int) -> list[Stretch]:
    """X-MethaneWet's temporal rule (Sun et al. 2025, arXiv 2505.18355): the last of a group's years are its test.

    See `published_test_years`; a group of one calendar year takes no part. Otherwise as `leading_time`: published are
    no `gap` before the test and no unlabelled group.
    """
    if population.is_target is None or settings["budget_axis"] != "time":
        raise StageError(
            "split: years_published cuts a target that is not its own source in time; write two populations and "
            "budget_axis: time"
        )
    of_year = settings["tick_of_year"]

    def cut(first: int, last: int) -> int | None:
        years = [year for year in CALENDAR if of_year(year) <= last and of_year(year + 1) > first]
        tested = published_test_years(years)
        return int(of_year(tested[0])) if tested else None

    found = _cut_in_time(population, settings, cut)
    if not any(stretch.part == "target_test" for stretch in found):
        raise StageError("split: no target group has two calendar years; take another rule")
    return found


def _cut_in_time(population: Population, settings: Mapping[str, Any], cut: Cut) -> list[Stretch]:
    if settings["folds"] > 1:
        raise StageError("split: on a time axis every target group is tested in one fold; write folds: 1")
    gap, length = settings["gap"], settings["length"]
    if gap < length:
        raise StageError(f"split: gap is {gap} steps, shorter than a window of {length}; write gap: {length} or more")
    assert population.is_target is not None
    ordered = stratified_order(_strata(population, population.is_target), "split target", settings["seed"])
    unlabelled = set(ordered[: round(_shares(settings)["target_unlabelled"] * len(ordered))])
    groups = np.asarray(population.groups, object)
    found = _source_stretches(population, settings)
    for index, group in enumerate(population.groups):
        if not population.is_target[index]:
            continue
        if group in unlabelled:
            found.append(Stretch(index, "target_unlabelled"))
            continue
        members = groups == group
        begin = cut(int(population.start[members].min()), int(population.stop[members].max()))
        if begin is not None:
            found.append(Stretch(index, "target_pool", 0, int(population.start[index]), begin - gap - 1))
            found.append(Stretch(index, "target_test", 1, begin, int(population.stop[index])))
    return found


# One rule under the names that a field's papers call it by; `by_COLUMN` also names the column of its groups.
RULES = {
    "whole_groups": whole_groups,
    "tower_grouped": whole_groups,
    "by_user": whole_groups,
    "by_run": whole_groups,
    "by_route": whole_groups,
    "by_trip": whole_groups,
    "igbp_published": _holding_out(held_out.igbp_published),
    "koppen_published": _holding_out(held_out.koppen_published),
    "spatial_block": _holding_out(held_out.spatial_block),
    "leave_one_class_out": _holding_out(held_out.leave_one_class_out),
    "leave_one_group_out": _holding_out(held_out.leave_one_group_out),
    "warm_out": _holding_out(held_out.warm_out),
    "folds_by_column": folds_by_column,
    "temporal": temporal,
    "years_published": years_published,
}
