"""Boosted trees: columns are cut at weighted quantiles before scikit-learn sees them."""

import numpy as np
from landbridge.methods.gradient_boosted_trees import DEFAULTS, binned, fit_boosters


def test_columns_keep_what_they_hold_where_that_is_little():
    table = np.array([[1.0, np.nan], [2.0, 5.0], [2.0, np.nan]], np.float32)
    found = binned(table, np.ones(3), 4)
    np.testing.assert_array_equal(found, table)
    assert found is not table


def test_values_become_the_nearest_of_few_and_missing_ones_stay_missing():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(2000, 2)).astype(np.float32)
    table[::7, 1] = np.nan
    found = binned(table, np.ones(2000), 16)
    for before, after in zip(table.T, found.T, strict=True):
        values = np.unique(after[~np.isnan(after)])
        assert len(values) == 16
        np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
        known = ~np.isnan(before)
        nearest = values[np.abs(before[known, None] - values).argmin(1)]
        np.testing.assert_array_equal(after[known], nearest)


def test_half_of_the_values_belong_to_rows_that_weigh_half():
    """300 rows about 0 weigh as much as 100,000 about 10: each has half of the values."""
    rng = np.random.default_rng(2)
    column = np.concatenate([rng.normal(0, 1, 300), rng.normal(10, 1, 100_000)])[:, None].astype(np.float32)
    weights = np.concatenate([np.full(300, 1 / 300), np.full(100_000, 1e-5)])
    values = np.unique(binned(column, weights, 65))
    assert abs((values < 5).sum() - 32) <= 2


def test_trees_predict_the_rows_that_they_learned_as_if_these_had_been_binned():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(3000, 3)).astype(np.float32)
    labels, weights = np.sin(2 * table[:, :1]) + table[:, 1:2], rng.uniform(0.5, 2, (3000, 1))
    settings = {**DEFAULTS, "rounds": 50, "bins": 32}
    trees = fit_boosters(table, labels, weights, "regression", 1, settings, 1)
    np.testing.assert_array_equal(
        trees.predict_table(table), trees.predict_table(binned(table, weights[:, 0], settings["bins"]))
    )
    assert np.sqrt(np.mean((trees.predict_table(table) - labels) ** 2)) < 0.25
