"""Whole groups to parts: totals, strata, folds, and cuts in time."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from landbridge.prepare.population import PARTS, Population
from landbridge.prepare.split_rules import RULES, leading_time, whole_groups
from landbridge.stage import StageError

SETTINGS = {"budget_axis": "groups", "seed": 1, "folds": 1, "shares": {}, "length": 30, "gap": 30, "test_share": 0.5}
COVERS = ("wood", "wood", "wood", "field", "field", "marsh")


def population(sources=40, targets=28, covers=COVERS, per_group=1):
    groups = [f"s{number:03d}" for number in range(sources)] + [f"t{number:03d}" for number in range(targets)]
    groups = [group for group in groups for _ in range(per_group)]
    names = [f"{group}-{number % per_group}" for number, group in enumerate(groups)]
    classes = [covers[int(group[1:]) % len(covers)] for group in groups]
    count = len(groups)
    is_target = np.asarray([group.startswith("t") for group in groups])
    return Population(names, groups, classes, is_target, np.zeros(count, np.int64), np.full(count, 729, np.int64))


def parts_of(own, settings=SETTINGS, fold=0):
    """Part of each group; a group in two parts fails here."""
    found = {}
    for stretch in whole_groups(own, settings, fold):
        group = own.groups[stretch.unit]
        assert found.setdefault(group, stretch.part) == stretch.part
    return found


def test_shares_of_28_groups():
    counts = Counter(parts_of(population()).values())
    assert counts == {
        "source_train": 32,
        "source_val": 8,
        "target_unlabelled": 7,
        "target_pool": 10,
        "target_val": 3,
        "target_test": 8,
    }


@pytest.mark.parametrize("targets", [4, 5, 7, 10, 24, 28, 42, 61])
@pytest.mark.parametrize("covers", [("one",), COVERS, tuple(f"c{number}" for number in range(61))])
def test_totals_hold_whatever_the_strata(targets, covers):
    counts = Counter(parts_of(population(targets=targets, covers=covers)).values())
    assert counts["target_test"] == max(1, round(0.3 * targets))
    assert counts["target_pool"] == max(1, round(0.35 * targets))
    assert sum(counts[part] for part in PARTS if part.startswith("target")) == targets


def test_parts_hold_the_strata_in_proportion():
    own = population(sources=60, targets=60)
    parts = parts_of(own)
    classes = dict(zip(own.groups, own.classes, strict=True))
    for part in PARTS:
        held = Counter(classes[group] for group, found in parts.items() if found == part)
        total = sum(held.values())
        for cover in set(COVERS):
            assert abs(held[cover] - total * COVERS.count(cover) / len(COVERS)) <= 2, part


def test_two_strata_that_alternate_stay_mixed_in_every_part():
    own = population(targets=60, covers=("wood", "field"))
    classes = dict(zip(own.groups, own.classes, strict=True))
    parts = parts_of(own)
    for part in PARTS:
        held = Counter(classes[group] for group, found in parts.items() if found == part)
        assert abs(held["wood"] - held["field"]) <= 2, part


def test_a_group_goes_whole_and_is_counted_once_for_its_majority():
    own = population(targets=12, per_group=3)
    assert len(parts_of(own)) == 52
    mixed = ["marsh" if number % 3 == 0 else cover for number, cover in enumerate(own.classes)]
    assert parts_of(replace(own, classes=mixed)) == parts_of(own)


def test_the_order_of_units_is_irrelevant_and_the_seed_is_not():
    own = population()
    order = np.random.default_rng(0).permutation(len(own.names))
    shuffled = Population(
        *([[column[i] for i in order] for column in (own.names, own.groups, own.classes)]),
        own.is_target[order],
        own.start,
        own.stop,
    )
    assert parts_of(shuffled) == parts_of(own)
    assert parts_of(own, {**SETTINGS, "seed": 2}) != parts_of(own)


@pytest.mark.parametrize(("targets", "folds"), [(28, 3), (28, 5), (10, 10), (7, 3)])
def test_every_target_group_is_tested_in_one_fold(targets, folds):
    own = population(targets=targets)
    settings = {**SETTINGS, "folds": folds}
    tested = Counter()
    for fold in range(folds):
        parts = parts_of(own, settings, fold)
        counts = Counter(parts.values())
        assert counts["target_pool"] >= 1
        assert counts["source_train"] == 32
        tested.update(group for group, part in parts.items() if part == "target_test")
    assert tested == dict.fromkeys([group for group in set(own.groups) if group.startswith("t")], 1)


def test_shares_can_be_given():
    shares = {"target_unlabelled": 0.1, "target_pool": 0.5, "target_val": 0.0, "target_test": 0.4}
    counts = Counter(parts_of(population(targets=20), {**SETTINGS, "shares": shares}).values())
    assert (counts["target_test"], counts["target_pool"], counts["target_unlabelled"], counts["target_val"]) == (
        8,
        10,
        2,
        0,
    )


@pytest.mark.parametrize(
    ("own", "changes", "text"),
    [
        (population(targets=3), {}, "the target population has 3 groups, and this rule needs 4 at least"),
        (population(sources=1), {}, "the source population has 1 groups, and training and validation need one each"),
        (population(), {"shares": {"target_test": 0.6}}, r"shares add up to 1.3, not 1: .*write all four"),
        (population(), {"folds": 29}, "29 folds for 28 target groups; write folds: 28 or fewer"),
        (population(), {"budget_axis": "time", "folds": 2}, "write folds: 1"),
        (
            population(),
            {"budget_axis": "time", "gap": 29},
            "gap is 29 steps, shorter than a window of 30; write gap: 30",
        ),
    ],
)
def test_refusals_say_what_to_write(own, changes, text):
    with pytest.raises(StageError, match=text):
        RULES["tower_grouped"](own, {**SETTINGS, **changes}, 0)


# -- the time axis ------------------------------------------------------------------------------------------------

TIME = {**SETTINGS, "budget_axis": "time"}


def test_target_groups_are_cut_in_time_and_a_gap_lies_between():
    own = population()
    stretches = leading_time(own, TIME, 0)
    cut = [stretch for stretch in stretches if stretch.part in ("target_pool", "target_test")]
    assert len(cut) == 2 * 21  # a quarter of 28 groups stays unlabelled
    for pool, test in zip(cut[::2], cut[1::2], strict=True):
        assert (pool.unit, pool.part, pool.segment, pool.start) == (test.unit, "target_pool", 0, 0)
        assert (test.part, test.segment, test.stop) == ("target_test", 1, 729)
        assert test.stop - test.start + 1 == 365
        assert test.start - pool.stop - 1 == 30
    assert Counter(stretch.part for stretch in stretches)["target_unlabelled"] == 7


def test_units_of_one_group_are_cut_at_one_tick():
    own = population(targets=8, per_group=2)
    start = own.start.copy()
    start[1::2] = 200  # the second tower of each group began later
    starts = {}
    for stretch in leading_time(replace(own, start=start), TIME, 0):
        if stretch.part == "target_test":
            starts.setdefault(own.groups[stretch.unit], set()).add(stretch.start)
    assert all(len(found) == 1 for found in starts.values())


def test_source_groups_are_parted_as_on_the_other_axis():
    own = population()
    on_groups = {group: part for group, part in parts_of(own).items() if part.startswith("source")}
    on_time = {own.groups[stretch.unit]: stretch.part for stretch in leading_time(own, TIME, 0)}
    assert {group: part for group, part in on_time.items() if part.startswith("source")} == on_groups
