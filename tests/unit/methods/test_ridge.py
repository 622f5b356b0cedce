"""Ridge regression and its choice by left-out groups: closed forms and brute force."""

import numpy as np
import pytest
from landbridge.methods.ridge import Ridges, chosen, fit_ridges, folds, penalties_of
from landbridge.stage import StageError

RANDOM = np.random.default_rng(0)


def standardised(x, weight):
    share = weight / weight.sum()
    mean = share @ x
    return (x - mean) / np.sqrt(share @ (x - mean) ** 2)


def test_one_column_is_shrunk_by_one_plus_the_penalty():
    x, y, one = np.array([[1.0], [2], [3], [6]]), np.array([2.0, 4, 6, 12]), np.ones(4)
    for penalty, slope in ((1.0, 1.0), (3.0, 0.5), (1e-12, 2.0)):
        (ridge,) = fit_ridges(x, y, one, [penalty])
        assert ridge.slopes == pytest.approx([slope])
        assert ridge.predict(np.array([[3.0]])) == pytest.approx([6])  # the mean of x gives the mean of y
        assert ridge.predict(np.array([[2.0]])) == pytest.approx([6 - slope])


def test_it_minimises_its_loss():
    x, y, weight = RANDOM.normal(size=(40, 3)), RANDOM.normal(size=40), RANDOM.uniform(0.1, 1, 40)
    (ridge,) = fit_ridges(x, y, weight, [0.3])
    z, share = standardised(x, weight), weight / weight.sum()
    design = np.concatenate([z, np.ones((40, 1))], axis=1)
    gram = design.T @ (share[:, None] * design) + 0.3 * np.diag([1, 1, 1, 0])
    expected = design @ np.linalg.solve(gram, design.T @ (share * y))
    assert ridge.predict(x) == pytest.approx(expected)


def test_rows_without_weight_constant_columns_and_missing_numbers():
    x = np.stack([RANDOM.normal(size=30), np.full(30, 7.0), np.full(30, np.nan)], axis=1)
    y, weight = 3 * x[:, 0] + 1, np.ones(30)
    spoiled, less = x.copy(), weight.copy()
    spoiled[4], less[4] = 1e6, 0
    (ridge,) = fit_ridges(spoiled, np.where(less > 0, y, np.nan), less, [1e-9])
    assert ridge.slopes[1:].tolist() == [0, 0]
    assert ridge.predict(x[:4]) == pytest.approx(y[:4])
    missing = x[:1].copy()
    missing[0, 0] = np.nan
    assert ridge.predict(missing) == pytest.approx([y[less > 0].mean()])


def test_a_column_is_held_inside_the_range_of_the_labelled_rows():
    (ridge,) = fit_ridges(np.array([[0.0], [1]]), np.array([0.0, 1]), np.ones(2), [1e-9])
    assert ridge.predict(np.array([[-5.0], [0.5], [50]])) == pytest.approx([0, 0.5, 1], abs=1e-6)


def test_folds_are_groups_or_stretches_of_a_single_one():
    assert folds(np.array(["b", "a", "b"])).tolist() == [1, 0, 1]
    assert folds(np.array(["a"] * 10)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert folds(np.array(["a"] * 3)).tolist() == [0, 1, 3]


def test_the_choice_is_that_of_refits_without_each_group():
    groups = np.repeat(["a", "b", "c"], [20, 30, 10])
    x, weight = RANDOM.normal(size=(60, 4)), RANDOM.uniform(0.2, 1, 60)
    y = x[:, 0] + 0.5 * RANDOM.normal(size=60) + (groups == "b") * 1.0
    penalties, factors = [0.01, 0.1, 1.0, 10.0], [0, 0.25, 0.5, 1.0]
    missed = {}
    for penalty in penalties:
        for factor in factors:
            errors = []
            for name in "abc":
                out = groups == name
                (ridge,) = fit_ridges(x[~out], y[~out], weight[~out], [penalty])
                squares = (y[out] - factor * ridge.predict(x[out])) ** 2
                errors.append(np.sqrt(np.average(squares, weights=weight[out])))
            missed[factor, penalty] = np.mean(errors)
    factor, ridge, _ = chosen(x, y, weight, folds(groups), penalties, factors)
    best = min(missed, key=missed.get)
    assert factor == best[0] > 0
    assert ridge.slopes == pytest.approx(fit_ridges(x, y, weight, [best[1]])[0].slopes)


def test_nothing_to_explain_gives_the_smallest_factor():
    x = RANDOM.normal(size=(30, 2))
    groups = np.repeat(["a", "b"], 15)
    assert chosen(x, np.zeros(30), np.ones(30), folds(groups), [1.0], [1.0, 0.0])[0] == 0
    noise = np.where(groups == "a", 1.0, -1.0) * 5  # what one group asks for, the other denies
    assert chosen(x, noise, np.ones(30), folds(groups), [1.0], [1.0, 0.5, 0.0])[0] == 0


def test_counts_and_bytes():
    members = fit_ridges(RANDOM.normal(size=(9, 3)), np.arange(9.0), np.ones(9), [1.0, 2.0])
    assert Ridges(members).counts() == (8, 8)
    assert Ridges(members).shipped_bytes() == 2 * 8 * (4 * 3 + 1)
    assert Ridges(members).predict_table(np.zeros((5, 3))).shape == (5, 2)


@pytest.mark.parametrize("penalties", [[], [0.0], [-1.0], 1.0, [True], ["much"], [float("inf")]])
def test_penalties_that_are_none(penalties):
    with pytest.raises(StageError, match=r"recipe_settings.a: penalties is .*; write numbers above 0"):
        penalties_of({"penalties": penalties}, "a")
