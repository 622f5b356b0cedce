"""Folds that a column gives: one value of it is tested at a time, and groups stay whole."""

from dataclasses import replace

import numpy as np
import pytest
from landbridge.prepare.population import Population
from landbridge.prepare.split_rules import folds_by_column
from landbridge.stage import StageError

SHARES = {"target_unlabelled": 0.0, "target_pool": 0.7, "target_val": 0.0, "target_test": 0.3}
SETTINGS = {"budget_axis": "groups", "seed": 1, "folds": 3, "shares": SHARES}
VALUES = ["", "", "", "", "2", "1", "0", "0", "1", "2", "", "2"]
GROUPS = ["s0", "s1", "s2", "s3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t9"]


def towers(values=VALUES, groups=GROUPS):
    units = len(values)
    return Population(
        names=[f"u{i}" for i in range(units)],
        groups=groups,
        classes=[""] * units,
        is_target=np.arange(units) >= 4,
        start=np.zeros(units, int),
        stop=np.full(units, 99),
        by=np.asarray(values),
    )


@pytest.mark.parametrize(("fold", "tested"), [(0, {6, 7}), (1, {5, 8}), (2, {4, 9, 11})])
def test_each_fold_tests_one_value_and_pools_the_others(fold, tested):
    parts = {stretch.unit: stretch.part for stretch in folds_by_column(towers(), SETTINGS, fold)}
    assert {unit for unit, part in parts.items() if part == "target_test"} == tested
    assert {unit for unit, part in parts.items() if part == "target_pool"} == {4, 5, 6, 7, 8, 9, 11} - tested
    assert 10 not in parts  # has no value
    assert {parts[unit] for unit in range(4)} == {"source_train", "source_val"}


def test_a_group_of_two_values_goes_where_most_of_its_units_are():
    parts = {s.unit: s.part for s in folds_by_column(towers([*VALUES[:9], "1", "", "2"]), SETTINGS, 1)}
    assert (parts[9], parts[11]) == ("target_test", "target_test")  # one each: the alphabet settles it


def test_shares_of_what_is_not_tested_hold():
    values = [""] * 4 + ["a"] * 10 + ["b"] * 20
    whole = towers(values, [f"g{i}" for i in range(34)])
    shares = {"target_unlabelled": 0.2, "target_pool": 0.4, "target_val": 0.2, "target_test": 0.2}
    found = [s.part for s in folds_by_column(whole, {**SETTINGS, "shares": shares, "folds": 2}, 0)]
    counts = {part: found.count(part) for part in shares}
    assert counts == {"target_unlabelled": 5, "target_pool": 10, "target_val": 5, "target_test": 10}


@pytest.mark.parametrize(
    ("population", "changed", "message"),
    [
        (towers(), {"folds": 4}, "4 folds by 3 values of the column \\(0, 1, 2\\); write folds: 3 or fewer"),
        (towers([""] * 4 + ["0"] * 8), {"folds": 1}, "1 folds by 1 values"),
        (replace(towers(), by=None), {}, "write by: COLUMN"),
        (replace(towers(), is_target=None), {}, "write by: COLUMN, two populations"),
        (towers(), {"budget_axis": "time"}, "budget_axis: groups or units"),
        (towers(), {"shares": {**dict.fromkeys(SHARES, 0.0), "target_test": 1.0}}, "leave nothing beside the test"),
    ],
)
def test_what_can_not_be_parted_so_is_refused(population, changed, message):
    with pytest.raises(StageError, match=message):
        folds_by_column(population, {**SETTINGS, **changed}, 0)
