"""Negative transfer: rates, their clusters, the worst case, and how harm goes with distance."""

import numpy as np
import pytest
from landbridge.judge import negative, words
from landbridge.registry import recipes

NAN = float("nan")


def pair(scenario="s0", budget="4", delta=1.0, spread=0.5, skill=None, recipe="dann", **changes):
    own = {"domain": "d", "scenario": scenario, "target_population": f"d/{scenario}", "model": "m", "metric": "rmse"}
    own |= {"recipe": recipe, "variant": "", "budget": budget, "delta": delta, "low": delta - spread}
    return {**own, "high": delta + spread, "skill_gain": delta / 10 if skill is None else skill, **changes}


def row_of(pairs, **changes):
    (row,) = negative.recipe_rows(pairs, 400, 0.95, **changes)
    assert set(row) == set(negative.COLUMNS)
    return row


def test_what_is_counted():
    row = row_of(
        [
            pair(delta=1.0),
            pair(budget="1", delta=-0.2),  # below zero, and its interval is not
            pair(scenario="s1", delta=-2.0),
            pair(scenario="s1", budget="1", delta=-3.0, low=NAN, high=NAN),  # too few groups for an interval
            pair(budget="0", delta=-9.0),  # without labels there is nothing to compare with
            pair(budget="8", delta=NAN, low=NAN, high=NAN),
        ]
    )
    assert (row["pairs"], row["tested"], row["flagged"]) == (4, 3, 1)
    assert row["rate"] == pytest.approx(1 / 3)
    assert row["share_below_zero"] == pytest.approx(3 / 4)
    assert (row["worst_delta"], row["worst_scenario"], row["worst_budget"]) == (-3.0, "s1", "1")


def test_the_worst_is_told_by_skill_since_units_differ():
    row = row_of([pair(delta=-5.0, skill=-0.1), pair(scenario="s1", delta=-0.4, skill=-0.6, metric="macro_f1")])
    assert (row["worst_delta"], row["worst_metric"], row["worst_scenario"]) == (-0.4, "macro_f1", "s1")


@pytest.mark.parametrize("recipe", negative.NO_TRANSFER)
def test_what_brings_nothing_over_can_not_harm(recipe):
    assert negative.recipe_rows([pair(recipe=recipe)], 100, 0.95) == []
    assert negative.recipe_rows([pair(recipe="gradient_boosted_trees", variant="target")], 100, 0.95) == []


def test_recipes_that_are_named_exist():
    assert set(negative.NO_TRANSFER) - {"truth"} <= set(recipes())
    assert set(words.SPOKEN_OF) <= set(recipes()) - set(negative.NO_TRANSFER)


def test_pairs_of_one_target_are_drawn_together():
    pairs = [pair(f"s{i}", budget, -1.0 if i < 3 else 1.0) for i in range(6) for budget in ("1", "2", "4", "8")]
    together = row_of(pairs)
    apart = row_of([{**own, "target_population": f"{i}"} for i, own in enumerate(pairs)])
    assert together["rate"] == apart["rate"] == 0.5
    assert (together["targets"], apart["targets"], together["interval"]) == (6, 24, "targets")
    assert together["high"] - together["low"] > 1.5 * (apart["high"] - apart["low"])


def test_five_targets_without_harm_do_not_rule_it_out():
    clean, harmed = (row_of([pair(f"s{i}", delta=delta) for i in range(5)]) for delta in (1.0, -1.0))
    # None of five: the rate at which that happens in 2.5 % of cases, (1 - rate)^5 = 0.025.
    assert (clean["rate"], clean["low"], clean["high"]) == (0, 0, pytest.approx(0.5218, abs=1e-4))
    assert (harmed["rate"], harmed["low"], harmed["high"]) == (1, pytest.approx(0.4782, abs=1e-4), 1)


def test_few_targets_have_no_interval_and_say_so():
    row = row_of([pair(f"s{i}") for i in range(4)])
    assert np.isnan(row["low"]) and np.isnan(row["high"])
    assert (row["interval"], row["targets"], row["rate"]) == ("none", 4, 0.0)
