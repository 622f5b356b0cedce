"""Random streams and nested budgets."""

import numpy as np
import pytest
from landbridge.contract import Variable
from landbridge.prepare import budgets, streams
from landbridge.stage import StageError

from tests import synthetic


def pool(groups=10, rows=40):
    names = np.array([f"g{i // 2}" for i in range(groups * 2)])
    attributes = {"role": "index", "long_name": "group"}
    return synthetic.dataset(rows, groups * 2, group=Variable(("unit",), names, attributes))


def members(budget):
    return set() if budget.train is None else set(budget.train["group"].tolist())


def cut(dataset, label, seed=0, axis="groups", **options):
    return budgets.cut(dataset, axis, label, scenario="s", seed=seed, **options)


def test_streams_are_independent_of_each_other_and_equal_everywhere():
    assert streams.stream("init", 1) == streams.stream("init", 1)
    assert len({streams.stream(name, seed) for name in ("init", "subset", "batches") for seed in range(50)}) == 150
    assert 0 <= streams.stream("x") < 2**63


def test_an_item_more_leaves_the_order_of_the_others():
    items = [f"i{n}" for n in range(20)]
    longer = [item for item in streams.hash_order([*items, "new"], "x", 1) if item != "new"]
    assert longer == streams.hash_order(reversed(items), "x", 1)
    assert longer != streams.hash_order(items, "x", 2)


def test_budgets_are_nested():
    whole, previous = pool(), set()
    for label in ("1", "2", "4", "7", "all"):
        budget = cut(whole, label, keep_for_selection=False)
        assert previous < members(budget)
        assert len(members(budget)) == budget.size
        previous = members(budget)
    assert previous == {f"g{i}" for i in range(10)}


def test_a_group_counts_as_one_with_all_its_units():
    assert len(cut(pool(), "3").train["unit_name"]) == 6


def test_another_seed_draws_other_groups():
    assert len({tuple(sorted(members(cut(pool(), "4", seed=seed)))) for seed in range(8)}) > 4


def test_more_than_the_pool_holds_is_not_available():
    assert cut(pool(), "11") is None
    assert cut(pool(), "0").train is None


def test_from_eight_groups_a_quarter_is_kept_for_selection():
    for label, kept in (("4", 0), ("7", 0), ("8", 2), ("all", 2)):
        budget = cut(pool(), label)
        assert budget.selection_size == kept
        if kept:
            selected = set(budget.selection["group"].tolist())
            assert len(selected) == kept
            assert not selected & members(budget)
            assert len(selected | members(budget)) == budget.size
        else:
            assert budget.selection is None


def test_selection_needs_a_budget_of_four():
    with pytest.raises(StageError, match="target_val_k takes a quarter of the budget, and 3 groups leave none"):
        cut(pool(), "3", keep_for_selection=True)


def test_leading_days():
    budget = cut(pool(), "10", axis="time")
    assert budget.size == 10
    assert budget.train["row_size"].tolist() == [10] * 20
    assert (budget.train["time"] < 10).all()
    assert cut(pool(), "41", axis="time") is None
    assert cut(pool(), "all", axis="time").size == 40


def test_units_axis_draws_units():
    budget = cut(pool(), "5", axis="units")
    assert len(budget.train["unit_name"]) == 5


def test_an_unknown_axis():
    with pytest.raises(StageError, match="budget_axis 'space' is not known; write groups, units, time"):
        cut(pool(), "1", axis="space")
