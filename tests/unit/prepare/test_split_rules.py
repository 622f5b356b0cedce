"""Split rules keep their shares, their strata and their groups."""

from collections import Counter

import numpy as np
import pytest
from landbridge.prepare.split_rules import Population, stratified_order, whole_groups
from landbridge.stage import StageError

SETTINGS = {"budget_axis": "groups", "seed": 1, "folds": 1, "length": 3, "gap": 3, "test_share": 0.5}


def population(source=50, target=28, classes=("x", "y", "z", "w")):
    units = source + target
    return Population(
        names=[f"u{i}" for i in range(units)],
        groups=[f"g{i}" for i in range(units)],
        classes=[classes[i % len(classes)] for i in range(units)],
        is_target=np.arange(units) >= source,
        start=np.zeros(units, int),
        stop=np.full(units, 99),
    )


@pytest.mark.parametrize("target", [24, 28, 47, 100])
def test_shares_of_the_target(target):
    count = Counter(stretch.part for stretch in whole_groups(population(target=target), SETTINGS, 0))
    assert count["target_test"] == round(0.30 * target) >= 7
    assert count["target_pool"] == round(0.35 * target) >= 8
    assert count["target_unlabelled"] == round(0.25 * target)
    assert count["source_val"] == 10


def test_every_part_holds_the_classes_in_proportion():
    whole = population(source=80, target=80)
    for part, expected in (("target_test", 6), ("target_pool", 7), ("source_val", 4), ("source_train", 16)):
        classes = Counter(whole.classes[s.unit] for s in whole_groups(whole, SETTINGS, 0) if s.part == part)
        assert all(abs(count - expected) <= 1 for count in classes.values()), (part, classes)


def test_another_seed_gives_another_split_and_the_same_seed_the_same():
    parts = [tuple(s.part for s in whole_groups(population(), {**SETTINGS, "seed": seed}, 0)) for seed in (1, 1, 2)]
    assert parts[0] == parts[1] != parts[2]


def test_too_few_groups_are_refused():
    with pytest.raises(StageError, match="the target population has 3 groups, and this rule needs 4 at least"):
        whole_groups(population(target=3), SETTINGS, 0)
    with pytest.raises(StageError, match="the source population has 1 groups"):
        whole_groups(population(source=1), SETTINGS, 0)


def test_strata_are_spread_along_the_order():
    groups = {f"a{i}": "a" for i in range(30)} | {f"b{i}": "b" for i in range(10)}
    ordered = stratified_order(groups, "x", 1)
    for start in range(0, 40, 8):
        assert Counter(groups[group] for group in ordered[start : start + 8])["b"] == 2
