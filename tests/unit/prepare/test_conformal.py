"""Intervals from the errors of groups: which score is taken, when there is none, and what is covered."""

import numpy as np
import pytest
from landbridge.prepare import conformal, temperature


@pytest.mark.parametrize(("groups", "taken"), [(19, 18), (9, 9), (8, 9)])
def test_which_score_a_ninety_per_cent_interval_takes(groups, taken):
    """With 8 groups it would be the 9th of 8: infinite."""
    assert conformal.rank(groups, 0.9) == taken
    assert conformal.fewest_groups(0.9) == 9
    assert conformal.fewest_groups(0.5) == 1


@pytest.mark.parametrize(("groups", "wide", "narrow"), [(19, 18, 10), (9, 9, 5), (8, np.inf, 5), (1, np.inf, 1)])
def test_half_widths_of_scores_in_any_order(groups, wide, narrow):
    order = np.random.default_rng(0).permutation(groups)
    scores = np.repeat(np.arange(1.0, groups + 1)[order, None], 2, axis=1)[:, None]  # (group, target, level)
    assert conformal.half_widths(scores).tolist() == [[wide, narrow]]


def test_infinite_intervals_are_no_numbers_and_the_wide_one_holds_the_narrow_one():
    found = conformal.offsets(np.array([[np.inf, 2.0], [1.0, 3.0], [4.0, 1.0]]))
    assert np.isnan(found[0, [0, 3]]).all()
    assert found[0, 1:3].tolist() == [-2, 2]
    assert found[1].tolist() == [-3, -3, 3, 3]
    assert found[2].tolist() == [-4, -1, 1, 4]


def test_a_score_is_the_quantile_of_a_groups_own_residuals():
    residual = np.array([[-1.0, np.nan], [2.0, np.nan], [-3.0, np.nan], [10.0, 4.0], [-10.0, np.nan]])
    found = conformal.group_scores(residual, np.array(["b", "b", "b", "a", "a"]))
    assert found[0].tolist() == [[10, 10], [4, 4]]
    assert found[1, 0] == pytest.approx([2.8, 2.0])
    assert np.isnan(found[1, 1]).all()


def test_groups_of_one_population_are_covered_and_rows_of_other_groups_tell_less():
    """Effects of groups are larger than the noise: rows that count as independent cover too little."""
    random = np.random.default_rng(1)
    held, by_rows = [], []
    for _ in range(400):
        effects = 3 * random.normal(size=20)
        residual = effects[:, None] + random.normal(size=(20, 30))
        known, new = residual[:19].reshape(-1, 1), residual[19]
        half = conformal.half_widths(conformal.group_scores(known, np.repeat(np.arange(19), 30)))[0, 0]
        held.append((np.abs(new) <= half).mean() >= 0.9)
        by_rows.append((np.abs(new) <= np.quantile(np.abs(known), 0.9)).mean() >= 0.9)
    assert 0.87 < np.mean(held) < 0.94
    assert np.mean(by_rows) < np.mean(held) - 0.02


def test_a_temperature_is_found_again():
    """Labels are drawn from the probabilities, which are then made twice too sure, and surer by nothing."""
    random = np.random.default_rng(2)
    logits = 2 * random.normal(size=(20_000, 3))
    honest = temperature.scaled(logits, 1.0)
    label = (random.random(len(logits))[:, None] > np.exp(honest).cumsum(axis=1)).sum(axis=1)
    assert temperature.fitted(honest, label) == pytest.approx(1, abs=0.04)
    assert temperature.fitted(temperature.scaled(logits, 0.5), label) == pytest.approx(2, abs=0.08)
    assert np.exp(temperature.scaled(logits, 3.0)).sum(axis=1) == pytest.approx(1)


def test_rows_that_are_all_right_have_the_lowest_temperature_that_is_looked_for():
    assert temperature.fitted(np.log([[0.9, 0.1]]), np.array([0])) == pytest.approx(temperature.LEAST, rel=1e-4)
    assert temperature.fitted(np.log([[0.9, 0.1]]), np.array([1])) == pytest.approx(temperature.MOST, rel=1e-4)
