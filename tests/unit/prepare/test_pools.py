"""Pools that were cut in time: where days begin to count, and which groups are too short to take part."""

import numpy as np
import pytest
from landbridge.prepare import budgets, ragged, windows
from landbridge.stage import StageError


def test_on_a_time_axis_pool_and_test_are_one_place_at_two_times(made, cut):
    found = cut(made.towers(), made.time_settings())
    pool, test = found["target_labels"], found["test_inputs"]
    assert made.units_of(pool) == made.units_of(test)
    assert len(made.units_of(test)) == 15
    assert (set(pool["segment"].tolist()), set(test["segment"].tolist())) == ({0}, {1})
    assert set(pool["row_size"].tolist()) == {50}
    assert set(test["row_size"].tolist()) == {60}
    assert test["time"].min() - pool["time"].max() - 1 == 10
    assert len(found["validation_labels"]["unit_name"]) == 0
    assert not made.units_of(found["source"]) & made.units_of(test)
    assert [check["level"] for check in found["report"]["checks"]] == ["ok"] * len(found["report"]["checks"])
    rows = [row for row in found["table"] if row["unit"] == sorted(made.units_of(test))[0]]
    assert [(row["segment"], row["part"]) for row in rows] == [("0", "target_pool"), ("1", "target_test")]


def test_labelled_days_begin_with_the_first_window_that_can_be_learned_from(made, cut):
    dataset = made.towers()
    bounds = ragged.offsets(dataset["row_size"])
    columns = {name: dataset[name].copy() for name in (*made.targets, "trust", "warmth")}
    for unit in range(10, 30):
        start = bounds[unit]
        columns["warmth"][start + 3] = np.nan  # so the first window ends on day 13
        columns["release"][start : start + 16] = np.nan  # labels from day 16 on
        columns["trust"][start + 16] = 0  # whose first counts for nothing
    found = cut(made.changed(dataset, **columns), made.time_settings())
    pool = found["target_labels"]
    starts = pool["time"][ragged.offsets(pool["row_size"])[:-1]]
    assert set(starts.tolist()) == {17 - 10 + 1}
    first = budgets.cut(pool, "time", "10", scenario="towers", seed=0).train
    weights = windows.label_weights(first, made.targets, "trust")
    ends = windows.training_windows(first, made.inputs, weights, windows.Grid(10, 5), 1, "day")[0]
    assert len(ends) == len(pool["unit_name"])  # the smallest budget has a window in every group


def test_a_group_whose_pool_is_too_short_for_the_longest_budget_takes_no_part(made, cut):
    units = [{"name": f"s{n:02d}"} for n in range(5)] + [{"name": f"t{n:02d}", "climate": "B"} for n in range(12)]
    for unit in units[5:8]:
        unit["days"] = 70  # 35 days of test, 10 of gap, 25 of pool
    found = cut(made.series(units), made.time_settings())
    short = [name for name in ("t00", "t01", "t02") if name not in made.units_of(found["target_inputs"])]
    assert short
    assert list(made.reasons(found).values()) == [short]
    assert "fewer than 30 days from its first labelled window" in next(iter(made.reasons(found)))
    assert not set(short) & made.units_of(found["test_inputs"])
    with pytest.raises(StageError, match="no target group takes part"):
        cut(made.series(units), {**made.time_settings(), "longest_budget": 90})
