"""Intervals: known answers, brute force, coverage, and the rows that would be too sure."""

import numpy as np
import pytest
from landbridge.judge import bootstrap
from landbridge.judge.metrics import confusion, regression
from landbridge.judge.scores import Run, Scores


def scores_of(array, group_of_cell, names=regression.SUMS, task="regression", classes=None):
    """Scores of one run with sums (seed, cell, sum)."""
    groups = [f"g{i:03d}" for i in range(max(group_of_cell) + 1)]
    run = Run("m", "r", "", {"y": array[None]}, ["fixed"], ["ok"], [1])
    return Scores(
        [run],
        tuple(names),
        ["y"],
        ["1"],
        groups,
        classes or ["c"] * len(groups),
        np.array(group_of_cell),
        list(range(len(array))),
        task,
    )


def squared_errors(values):
    """Sums whose RMSE in each (seed, cell) is a given value."""
    values = np.asarray(values, float)
    array = np.zeros((*values.shape, len(regression.SUMS)))
    array[..., 0] = np.isfinite(values)  # a group without rows has no RMSE
    array[..., regression.SUMS.index("sum_sq_error")] = np.nan_to_num(values) ** 2
    return array


RMSE = regression.METRICS["rmse"]


def replicates(values, statistic="mean", replicates=500, group_of_cell=None, classes=None):
    array = squared_errors(values)
    scores = scores_of(array, group_of_cell or list(range(array.shape[1])), classes=classes)
    draws = bootstrap.draw(scores, replicates, "s")
    return bootstrap.replicate_values(array, scores, draws, RMSE, [statistic])[statistic], draws


def test_equal_groups_have_an_interval_of_width_zero():
    values, draws = replicates(np.full((3, 8), 2.0))
    assert draws.interval == "groups"
    assert bootstrap.interval(values, 0.95) == pytest.approx((2, 2))


@pytest.mark.parametrize(
    ("statistic", "expected"), [("mean", 4.5), ("iqm", 4.5), ("median", 4.5), ("q25", 2.75), ("q90", 7.3), ("q10", 1.7)]
)
def test_the_point_is_the_plain_statistic(statistic, expected):
    values, _ = replicates(np.arange(1.0, 9)[None], statistic)
    assert values[0] == pytest.approx(expected)


@pytest.mark.parametrize("statistic", ["mean", "median", "q10", "q75"])
def test_every_replicate_equals_brute_force(statistic):
    table = np.random.default_rng(0).uniform(1, 2, (3, 9))
    table[1, 4] = np.nan
    values, draws = replicates(table, statistic, replicates=40)
    for number in range(41):
        groups = np.repeat(np.arange(9), draws.groups[number].astype(int))
        seeds = np.repeat(np.arange(3), draws.seeds[number].astype(int))
        by_seed = table[seeds][:, groups]
        share = bootstrap.QUANTILES.get(statistic)
        expected = np.nanmean(np.nanmean(by_seed, 1) if share is None else np.nanquantile(by_seed, share, axis=1))
        assert values[number] == pytest.approx(expected)


def test_the_interquartile_mean_ignores_what_lies_far_out():
    table = np.array([[0, 0, 1, 2], [3, 4, 100, 100]], float)  # runs are pairs of a seed and a group
    assert replicates(table, "iqm")[0][0] == pytest.approx(2.5)
    assert replicates(table, "mean")[0][0] == pytest.approx(26.25)
    assert replicates(np.arange(1.0, 7)[None], "iqm")[0][0] == pytest.approx((0.5 * 2 + 3 + 4 + 0.5 * 5) / 3)


@pytest.mark.parametrize("group_of_cell", [None, [0, 0, 0, 1, 1, 1, 2, 2, 2]])
def test_every_interquartile_mean_equals_brute_force(group_of_cell):
    table = np.random.default_rng(0).uniform(1, 2, (3, 9))
    if group_of_cell is None:
        table[1, 4] = np.nan
    values, draws = replicates(table, "iqm", replicates=40, group_of_cell=group_of_cell)
    for number in range(41):
        by_group = table
        if group_of_cell is not None:
            own = draws.cells[number] * table**2
            counts = draws.cells[number].reshape(3, 3).sum(1)
            by_group = np.sqrt(own.reshape(3, 3, 3).sum(2) / counts)
        weights = np.outer(draws.seeds[number], draws.groups[number]).astype(int)
        runs = np.repeat(by_group.ravel(), 4 * weights.ravel())  # of four of each run a quarter is whole
        runs = np.sort(runs[np.isfinite(runs)])
        quarter = len(runs) // 4
        assert values[number] == pytest.approx(runs[quarter : len(runs) - quarter].mean())


def test_pooled_counts_are_added_up_again():
    random = np.random.default_rng(2)
    matrices = random.integers(1, 9, (2, 6, 2, 2)).astype(float)
    array = np.concatenate([np.zeros((2, 6, 2)), matrices.reshape(2, 6, 4)], axis=-1)
    scores = scores_of(array, list(range(6)), confusion.sum_names(2), "segmentation")
    draws = bootstrap.draw(scores, 30, "s")
    for name in ("iou", "macro_f1"):
        metric = confusion.METRICS[name]
        values = bootstrap.replicate_values(array, scores, draws, metric, ["pooled"])["pooled"]
        for number in range(31):
            total = (matrices * draws.groups[number][None, :, None, None]).sum(1)
            sums = {f"confusion_{i}_{j}": total[:, i, j] for i in range(2) for j in range(2)}
            own = metric.function(sums)
            assert values[number] == pytest.approx((own * draws.seeds[number]).sum() / 2)


def test_worst_class():
    values, _ = replicates(np.array([[1, 1, 3, 3, 2, 2]], float), "worst_class", classes=["a", "a", "b", "b", "c", "c"])
    assert values[0] == pytest.approx(3)


def test_blocks_below_five_groups_and_none_without_blocks():
    table = np.random.default_rng(3).uniform(1, 2, (2, 12))
    values, draws = replicates(table, group_of_cell=[0] * 6 + [1] * 6)
    assert draws.interval == "blocks"
    low, high = bootstrap.interval(values, 0.95)
    assert low < values[0] < high
    assert replicates(table[:, :3])[1].interval == "none"


def test_all_recipes_share_their_draws():
    one, other = replicates(np.ones((2, 7)))[1], replicates(np.zeros((2, 7)) + 5)[1]
    np.testing.assert_array_equal(one.groups, other.groups)
    np.testing.assert_array_equal(one.seeds, other.seeds)


def coverage(tables, replicates=400):
    """Share of 95 % intervals of sets (set, seed, group) that hold their true mean, which is 5."""
    scores = scores_of(squared_errors(tables[0]), list(range(tables.shape[2])))
    bounds = []
    for number, own in enumerate(tables):
        draws = bootstrap.draw(scores, replicates, f"set {number}")
        bounds.append(bootstrap.interval(bootstrap.statistics_of(own[None], draws, ["mean"])["mean"], 0.95))
    return np.mean([low <= 5 <= high for low, high in bounds])


def test_coverage_of_a_known_mean():
    """A percentile interval over 30 groups is expected to cover 93.6 % of the time."""
    random = np.random.default_rng(4)
    assert 0.90 <= coverage(random.normal(5, 1, (500, 1, 30))) <= 0.97


def test_five_seeds_that_vary_as_much_as_groups_are_covered_less():
    """The spread of five seeds is told from five values: the interval covers about 86 %, as the documents say."""
    random = np.random.default_rng(4)
    tables = 5 + random.normal(0, 1, (500, 1, 30)) + random.normal(0, 1, (500, 5, 1))
    assert 0.82 <= coverage(tables) <= 0.90


def test_rows_of_clustered_data_would_be_too_sure():
    random = np.random.default_rng(5)
    rows = random.normal(0, 1, (30, 1)) + 0.1 * random.normal(size=(30, 40)) + 10
    by_group, _ = replicates(rows.mean(1)[None])
    by_row, _ = replicates(rows.reshape(1, -1), replicates=300)
    width = [np.diff(bootstrap.interval(values, 0.95))[0] for values in (by_row, by_group)]
    assert width[0] < width[1] / 3


def test_probability_of_improvement():
    better, reference = np.array([[0.7], [0.8], [0.9]]), np.array([[0.6], [0.8], [0.85]])
    found = bootstrap.probability_of_improvement(better, reference, lambda a, b: a - b)
    assert found == pytest.approx(0.6111, abs=1e-4)
