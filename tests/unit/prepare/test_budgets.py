"""Budgets: nested, the same for every recipe, and never more than the pool."""

import itertools
from collections import Counter

import numpy as np
import pytest
from landbridge.prepare import budgets, ragged
from landbridge.stage import StageError

KEYS = {"scenario": "towers", "seed": 1}


@pytest.fixture
def pool(made):
    """Twelve groups of one to three units, of two covers."""
    units = [
        {"name": f"t{group:02d}-{member}", "group": f"g{group:02d}", "cover": "wood" if group % 3 else "field"}
        for group in range(12)
        for member in range(1 + group % 3)
    ]
    dataset = made.series(units, days=40)
    added = {"group": dataset.variables["site"], "class_of": dataset.variables["cover"]}
    return ragged.with_variables(dataset, added)


def groups_of(dataset):
    return set() if dataset is None else set(dataset["group"].tolist())


def names_of(dataset):
    return set() if dataset is None else set(dataset["unit_name"].tolist())


@pytest.mark.parametrize("axis", ["groups", "units"])
@pytest.mark.parametrize("stratify", [False, True])
def test_growing_budgets_are_nested(pool, axis, stratify):
    members = groups_of if axis == "groups" else names_of
    held = [
        members(budgets.cut(pool, axis, str(size), keep_for_selection=False, stratify=stratify, **KEYS).train)
        for size in range(13)
    ]
    assert [len(found) for found in held] == list(range(13))
    assert all(small < large for small, large in itertools.pairwise(held))


def test_a_group_comes_with_all_of_its_units(pool):
    found = budgets.cut(pool, "groups", "5", **KEYS).train
    whole = [name for name, group in zip(pool["unit_name"], pool["group"], strict=True) if group in groups_of(found)]
    assert found["unit_name"].tolist() == whole
    assert found["row_size"].tolist() == [40] * len(whole)


def test_all_is_the_whole_pool_and_what_it_does_not_hold_is_no_budget(pool):
    everything = budgets.cut(pool, "groups", "all", keep_for_selection=False, **KEYS)
    assert (everything.size, everything.label) == (12, "all")
    assert names_of(everything.train) == names_of(pool)
    assert budgets.cut(pool, "groups", "13", **KEYS) is None
    assert budgets.cut(pool, "units", "all", keep_for_selection=False, **KEYS).size == 24
    nothing = budgets.cut(pool, "groups", "0", **KEYS)
    assert (nothing.size, nothing.train, nothing.selection) == (0, None, None)


def test_the_order_depends_on_scenario_and_seed_alone(pool):
    order = budgets.order(pool, "groups", "towers", 1)
    backwards = ragged.select_units(pool, np.arange(24)[::-1])
    assert budgets.order(backwards, "groups", "towers", 1) == order
    assert budgets.order(pool, "groups", "towers", 2) != order
    assert budgets.order(pool, "groups", "others", 1) != order
    assert sorted(order) == sorted(groups_of(pool))


def test_the_order_of_units_in_the_file_changes_no_budget(pool):
    backwards = ragged.select_units(pool, np.arange(24)[::-1])
    for axis in ("groups", "units"):
        assert names_of(budgets.cut(backwards, axis, "4", **KEYS).train) == names_of(
            budgets.cut(pool, axis, "4", **KEYS).train
        )


def test_a_group_that_leaves_the_pool_leaves_the_order_of_the_others(pool):
    order = budgets.order(pool, "groups", "towers", 1)
    smaller = ragged.select_units(pool, pool["group"] != order[3])
    assert budgets.order(smaller, "groups", "towers", 1) == order[:3] + order[4:]


def test_classes_stay_in_proportion_on_request(pool):
    for size in (3, 6, 9, 12):
        cut = budgets.cut(pool, "groups", str(size), stratify=True, keep_for_selection=False, **KEYS).train
        classes = dict(zip(cut["group"].tolist(), cut["class_of"].tolist(), strict=True))
        assert Counter(classes.values()) == {"wood": size * 2 // 3, "field": size // 3}


# -- the quarter that is kept for selection -----------------------------------------------------------------------


@pytest.mark.parametrize(("label", "kept"), [("7", 0), ("8", 2), ("11", 2), ("12", 3), ("all", 3)])
def test_from_eight_groups_on_the_last_quarter_selects(pool, label, kept):
    cut = budgets.cut(pool, "groups", label, **KEYS)
    order = budgets.order(pool, "groups", "towers", 1)
    assert (cut.selection_size, len(groups_of(cut.selection))) == (kept, kept)
    assert groups_of(cut.train) == set(order[: cut.size - kept])
    assert groups_of(cut.selection) == set(order[cut.size - kept : cut.size])


def test_selection_can_be_asked_for_and_refused(pool):
    assert budgets.cut(pool, "groups", "4", keep_for_selection=True, **KEYS).selection_size == 1
    assert budgets.cut(pool, "groups", "12", keep_for_selection=False, **KEYS).selection is None
    with pytest.raises(StageError, match="takes a quarter of the budget, and 3 groups leave none for it"):
        budgets.cut(pool, "groups", "3", keep_for_selection=True, **KEYS)


# -- the time axis ------------------------------------------------------------------------------------------------


def test_days_are_the_leading_span_of_each_unit(made):
    pool = made.series([{"name": "a", "start": 100, "days": 60}, {"name": "b", "start": 300, "days": 45}])
    cut = budgets.cut(pool, "time", "30", **KEYS)
    assert cut.size == 30
    assert cut.train["row_size"].tolist() == [30, 30]
    assert cut.train["time"].tolist() == [*range(100, 130), *range(300, 330)]
    assert cut.train["warmth"].tolist() == [*pool["warmth"][:30], *pool["warmth"][60:90]]
    assert budgets.cut(pool, "time", "0", **KEYS).train is None
    assert budgets.cut(pool, "time", "46", **KEYS) is None
    assert budgets.cut(pool, "time", "all", **KEYS).size == 45


def test_a_day_without_a_row_is_a_day(made):
    pool = made.series([{"name": "a", "days": 40}])
    time = pool["time"] + np.where(np.arange(40) >= 10, 5, 0)
    cut = budgets.cut(made.changed(pool, time=time), "time", "30", **KEYS)
    assert cut.train["row_size"].tolist() == [25]


def test_days_of_a_finer_clock_are_whole_days(made):
    pool = made.series([{"name": "a", "days": 4 * 48}], step="30 minute")
    cut = budgets.cut(pool, "time", "3", **KEYS)
    assert cut.train["row_size"].tolist() == [3 * 48]
    assert budgets.cut(pool, "time", "all", **KEYS).size == 4


def test_days_are_the_same_for_every_seed_and_a_unit_without_rows_takes_none(made):
    pool = made.series([{"name": "a", "days": 40}, {"name": "b", "days": 0}])
    found = [budgets.cut(pool, "time", "30", scenario="towers", seed=seed).train for seed in (1, 2)]
    assert [cut["unit_name"].tolist() for cut in found] == [["a"], ["a"]]
    empty = ragged.select_units(pool, np.array([False, True]))
    assert budgets.cut(empty, "time", "30", **KEYS) is None


def test_refusals_say_what_to_write(pool):
    with pytest.raises(StageError, match="write groups, units, time"):
        budgets.cut(pool, "labels", "4", **KEYS)
    with pytest.raises(StageError, match="counted in days; write fixed"):
        budgets.cut(pool, "time", "30", keep_for_selection=True, **KEYS)
