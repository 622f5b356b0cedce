"""Known answers of `partial_pooling`: the shrinkage, its ends, the variances and how often intervals hold the truth."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from landbridge.methods import partial_pooling as own
from landbridge.methods.given import NotApplicable

from tests import synthetic
from tests.line import Line


def draws(groups, rows, within=4.0, between=1.0, seed=0, mean=1.0):
    """Rows of groups with an effect each; the effects (group,)."""
    random = np.random.default_rng(seed)
    effects = np.sqrt(between) * random.normal(size=groups)
    group = np.repeat(np.arange(groups), rows)
    return group, mean + effects[group] + np.sqrt(within) * random.normal(size=groups * rows), effects


def sums_of(group, y, x=None, weight=None):
    x = np.ones((len(y), 1)) if x is None else np.column_stack([np.ones(len(y)), x])
    return own.Sums.of(x, y, np.ones(len(y)) if weight is None else weight, group)


def test_four_rows_of_mean_three_about_one():
    """Within 4, between 1: the weight is 1/2 and the estimate 2."""
    sums = sums_of(np.zeros(4, int), np.array([2.0, 3, 3, 4]))
    assert own.shrinkage(sums.weight, 4.0, 1.0).tolist() == [0.5]
    assert 1 + own.effects(sums, np.array([1.0]), 4.0, 1.0)[0] == pytest.approx(2)


def test_the_ends_are_the_pooled_line_and_the_groups_own_mean():
    group, y, _ = draws(5, 6)
    sums, beta = sums_of(group, y), np.array([1.0])
    assert own.effects(sums, beta, 4.0, 0.0).tolist() == [0] * 5
    means = [y[group == number].mean() - 1 for number in range(5)]
    assert own.effects(sums, beta, 4.0, np.inf) == pytest.approx(np.array(means))
    assert own.effects(sums, beta, 4.0, 1e12) == pytest.approx(np.array(means))


def test_balanced_groups_have_the_variances_of_their_means():
    """Where all groups have n rows restricted likelihood is an analysis of variance."""
    group, y, _ = draws(30, 6, seed=3)
    found = own.reml(sums_of(group, y))
    by_group = y.reshape(30, 6)
    within = by_group.var(axis=1, ddof=1).mean()
    between = by_group.mean(axis=1).var(ddof=1) - within / 6
    assert found.within == pytest.approx(within, rel=1e-4)
    assert found.between == pytest.approx(between, rel=1e-4)
    assert found.beta[0] == pytest.approx(y.mean(), rel=1e-6)


def test_groups_that_do_not_differ_have_no_effect():
    y = np.tile([-1.0, 0.0, 1.0], 10)
    found = own.reml(sums_of(np.repeat(np.arange(10), 3), y))
    assert found.between == 0
    assert not found.effects.any()


def test_the_likelihood_is_that_of_whole_matrices():
    random = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], [2, 5, 8])
    x, weight = random.normal(size=(15, 2)), random.uniform(0.3, 2, 15)
    y = x @ [1.0, -2.0] + np.array([0.0, 3.0, -1.0])[group] + random.normal(size=15)
    sums, whole = sums_of(group, y, x, weight), np.column_stack([np.ones(15), x])

    def direct(ratio):
        covariance = np.diag(1 / weight) + ratio * (group[:, None] == group)
        inverse = np.linalg.inv(covariance)
        left = whole.T @ inverse @ whole
        beta = np.linalg.solve(left, whole.T @ inverse @ y)
        missed = y - whole @ beta
        within = missed @ inverse @ missed / 12
        determinants = np.linalg.slogdet(covariance)[1] + np.log(weight).sum() + np.linalg.slogdet(left)[1]
        return 12 * np.log(within) + determinants, beta, within

    for ratio in (0.0, 0.5, 20.0):
        for one, other in zip(own.at_ratio(sums, ratio), direct(ratio), strict=True):
            assert one == pytest.approx(other, rel=1e-5)
    found = own.reml(sums)
    assert direct(found.between / found.within)[0] <= min(direct(ratio)[0] for ratio in np.logspace(-3, 4, 200)) + 1e-6


def test_nine_intervals_in_ten_hold_the_truth():
    """200 groups of 4 rows; fewer groups would be covered less often, since t2 itself is uncertain."""
    held = []
    for seed in range(50):
        group, y, effects = draws(200, 4, seed=seed)
        found = own.reml(sums_of(group, y))
        weight = own.shrinkage(np.full(200, 4.0), found.within, found.between)
        half = 1.645 * np.sqrt(found.between * (1 - weight))
        held.append(np.abs(found.beta[0] + found.effects - (1 + effects)) < half)
    assert 0.88 < np.mean(held) < 0.92


def test_a_column_that_others_add_up_to_and_missing_numbers():
    random = np.random.default_rng(5)
    x = random.normal(size=(60, 2))
    y = x[:, 0] - x[:, 1] + 0.01 * random.normal(size=60)
    table = np.column_stack([x, x.sum(1), np.full(60, 3.0), np.full(60, np.nan)])
    table[3, 4] = 1.0
    rows = own.Rows(table, y[:, None], np.ones((60, 1)), np.repeat([f"g{n}" for n in range(6)], 10))
    line, model, names = own.fitted(rows, 0)
    assert names == [f"g{n}" for n in range(6)]
    assert line.predict(table) == pytest.approx(y, abs=0.1)
    assert model.within == pytest.approx(1e-4, rel=0.5)


def test_two_groups_tell_no_variance():
    rows = own.Rows(np.ones((4, 1)), np.ones((4, 1)), np.ones((4, 1)), np.array(["a", "a", "b", "b"]))
    with pytest.raises(NotApplicable, match="3 groups or more have labels, and 2 have"):
        own.fitted(rows, 0)


# -- through the stages -------------------------------------------------------------------------------------------


def test_days_of_a_new_group_tell_its_effect(tmp_path):
    """The target lies 0.5 higher; the noise of a day is 0.1."""
    split = {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}
    made = Line(tmp_path, "regression", budget_axis="time", budgets=["0", "4", "8"], split=split)
    made.recipes = ["partial_pooling"]
    made.transfer("partial_pooling")
    found = made.judge()
    scores = [float(made.headline(found, "partial_pooling", budget)["value"]) for budget in ("0", "8")]
    assert 0.45 < scores[0] < 0.56
    assert scores[1] < 0.2
    (row,) = json.loads((tmp_path / "partial_pooling" / "0.json").read_text())
    (within,) = row["variance_within_groups"]
    assert within == pytest.approx(0.01, rel=0.15)


def test_groups_without_labels_stand_at_the_line(tmp_path):
    made = Line(tmp_path, "regression", recipes=["partial_pooling"])
    found = made.transfer("partial_pooling")
    assert found["status"].tolist() == ["ok"] * 3
    assert found["labels_used"].tolist() == [0, 1, 4]
    assert np.abs(found["prediction"][2] - found["prediction"][0]).max() < 0.5


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_classes_are_not_applicable(tmp_path, task):
    made = Line(tmp_path, task, recipes=["partial_pooling"])
    assert made.transfer("partial_pooling")["status"][0].startswith("not_applicable: adds effects of groups to numbers")


def test_quantiles_of_a_known_and_a_new_group():
    """Within 4, between 1, 4 rows: w = 1/2, so a row of the group varies by 4 + 1/2 and one of a new group by 5."""
    sums = sums_of(np.zeros(4, int), np.array([2.0, 3, 3, 4]))
    left = 1.0 * (1 - own.shrinkage(sums.weight, 4.0, 1.0))
    fitted = own.Pooled(
        SimpleNamespace(predict_table=lambda table: np.zeros((2, 1))),
        effects={"a": np.array([1.0])},
        left={"a": left},
        new=np.array([1.0]),
        within=np.array([4.0]),
        notes={},
    )
    rows = SimpleNamespace(prediction_table=lambda: None, of_prediction_windows=lambda function: ["a", "b"])
    found = fitted.quantiles(rows, [0.05, 0.5, 0.95])
    assert found[:, 0, 1].tolist() == [1, 0]
    assert found[:, 0, 2] == pytest.approx([1 + 1.64485 * np.sqrt(4.5), 1.64485 * np.sqrt(5)], rel=1e-5)
    assert found[:, 0, 0] == pytest.approx([1 - 1.64485 * np.sqrt(4.5), -1.64485 * np.sqrt(5)], rel=1e-5)


def test_nine_in_ten_rows_of_new_groups_lie_in_their_interval():
    """Variances of 200 groups of 4; a row of a group that was not among them."""
    random, held = np.random.default_rng(6), []
    for seed in range(20):
        group, y, _ = draws(200, 4, seed=seed)
        found = own.reml(sums_of(group, y))
        new = 1 + random.normal(size=500) + 2 * random.normal(size=500)
        held.append(np.abs(new - found.beta[0]) < 1.645 * np.sqrt(found.between + found.within))
    assert 0.88 < np.mean(held) < 0.92
