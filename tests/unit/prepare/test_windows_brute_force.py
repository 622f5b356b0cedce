"""Windows by index against brute force: holes, days left out, empty and short units, strides, qualities."""

import itertools

import numpy as np
import pytest
from landbridge.io import mapped
from landbridge.prepare import ragged, windows


def days(*values):
    return np.asarray(values, "datetime64[D]").astype(np.int64)


def brute_force(dataset, inputs, length, stride, step):
    """Every window looked at by itself; the alignment by walking along each unbroken run."""
    ticks = windows.clock(dataset["time"], step)
    bounds = ragged.offsets(dataset["row_size"])
    ends = []
    for start, stop in itertools.pairwise(bounds):
        run = 0
        for index in range(start, stop):
            good = all(np.isfinite(dataset[name][index]) for name in inputs)
            follows = index > start and ticks[index] - ticks[index - 1] == 1
            run = (run + 1 if follows else 1) if good else 0
            if run >= length and (run - length) % stride == 0:
                ends.append(index)
    return ends


def with_holes(made, seed):
    """Units of several lengths, an empty and a short one among them, with missing inputs and days left out."""
    rng = np.random.default_rng(seed)
    sizes = [40, 0, 3, 60, 25]
    dataset = made.series([{"name": f"u{number}", "days": size} for number, size in enumerate(sizes)], seed=seed)
    values = {name: dataset[name].copy() for name in (*made.inputs, *made.targets)}
    for name in made.inputs:
        values[name][rng.random(len(values[name])) < 0.04] = np.nan
    for name in made.targets:
        values[name][rng.random(len(values[name])) < 0.6] = np.nan
    time = dataset["time"].copy()
    for start, stop in zip(ragged.offsets(dataset["row_size"])[:-1], np.cumsum(sizes), strict=True):
        if stop - start > 20:
            time[start + 13 : stop] += 2  # two days are absent, not NaN
    trust = rng.choice([0.0, 0.5, 1.0, np.nan], len(time)).astype(np.float32)
    return made.changed(dataset, time=time, trust=trust, **values)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("length", "stride"), [(1, 1), (7, 1), (7, 3), (5, 10), (30, 15)])
def test_complete_windows_equal_brute_force(made, seed, length, stride):
    dataset = with_holes(made, seed)
    found = windows.complete_windows(dataset, made.inputs, windows.Grid(length, stride), "day")[0]
    assert found.dtype == np.int64
    assert found.tolist() == brute_force(dataset, made.inputs, length, stride, "day")


@pytest.mark.parametrize("rows", [1, 2, 13, 40])
@pytest.mark.parametrize("shortest", [None, 1, 3])
@pytest.mark.parametrize(("length", "stride"), [(1, 1), (7, 3), (5, 10)])
def test_windows_do_not_depend_on_the_parts_that_data_are_read_in(made, monkeypatch, rows, shortest, length, stride):
    dataset = with_holes(made, 1)
    grid = windows.Grid(length, stride, shortest)
    weights = windows.label_weights(dataset, made.targets, "trust")

    def found():
        whole = windows.complete_windows(dataset, made.inputs, grid, "day")
        labelled = windows.training_windows(dataset, made.inputs, weights, grid, 1, "day")
        return [array.tolist() for array in (*whole, *labelled)]

    at_once = found()
    monkeypatch.setattr(mapped, "BLOCK", rows * windows.RUN_BYTES)
    assert found() == at_once
    assert len(at_once[0]) > 3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scored", [1, 3, 7])
def test_training_windows_hold_a_label_that_counts(made, seed, scored):
    dataset = with_holes(made, seed)
    weights = windows.label_weights(dataset, made.targets, "trust")
    found = windows.training_windows(dataset, made.inputs, weights, windows.Grid(7, 2), scored, "day")[0]
    expected = [
        end
        for end in brute_force(dataset, made.inputs, 7, 2, "day")
        if any(
            dataset["trust"][row] > 0 and any(np.isfinite(dataset[name][row]) for name in made.targets)
            for row in range(end - scored + 1, end + 1)
        )
    ]
    assert found.tolist() == expected
    assert len(expected) > 0


def test_a_window_never_reaches_into_another_unit(made):
    dataset = made.series([{"name": "a", "days": 9}, {"name": "b", "days": 9}])
    assert windows.complete_windows(dataset, made.inputs, windows.Grid(10, 1), "day")[0].tolist() == []
    assert windows.complete_windows(dataset, made.inputs, windows.Grid(9, 1), "day")[0].tolist() == [8, 17]


def test_a_missing_target_breaks_no_window(made):
    dataset = made.series([{"name": "a", "days": 9}])
    dataset = made.changed(dataset, uptake=np.full(9, np.nan, np.float32))
    assert len(windows.complete_windows(dataset, made.inputs, windows.Grid(3, 1), "day")[0]) == 7


def test_files_without_units_have_no_windows(made):
    empty = ragged.select_units(made.towers(), np.zeros(30, bool))
    assert windows.complete_windows(empty, made.inputs, windows.Grid(3, 1), "day")[0].tolist() == []
    weights = windows.label_weights(empty, made.targets, "trust")
    assert windows.training_windows(empty, made.inputs, weights, windows.Grid(3, 1), 1, "day")[0].tolist() == []


def test_the_weight_is_the_quality_and_exactly_zero_without_label_or_quality(made):
    dataset = made.series([{"name": "a", "days": 5}])
    trust = np.array([0, 0.25, np.nan, 1, 2], np.float32)
    uptake = np.array([1, 1, 1, np.nan, 1], np.float32)
    weights = windows.label_weights(made.changed(dataset, trust=trust, uptake=uptake), made.targets, "trust")
    assert weights.dtype == np.float32
    assert weights.tolist() == [[0, 0], [0.25, 0.25], [0, 0], [0, 1], [1, 1]]
    assert windows.label_weights(dataset, made.targets, None).tolist() == [[1, 1]] * 5
