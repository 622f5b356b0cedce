"""Windows against brute force, clocks against the calendar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landbridge.contract import Dataset, Variable
from landbridge.prepare import windows
from landbridge.stage import StageError

from tests import synthetic


def gappy(seed, rows=30, units=3):
    """A series with missing inputs and skipped days."""
    random = np.random.default_rng(seed)
    dataset = synthetic.dataset(rows, units)
    a = dataset["a"].copy()
    a[random.random(len(a)) < 0.1] = np.nan
    time = np.concatenate([np.cumsum(random.choice([1, 1, 1, 1, 2], rows)) for _ in range(units)])
    y = dataset["y"].copy()
    y[random.random(len(y)) < 0.5] = np.nan
    changed = {"a": (a, "a"), "time": (time, "time"), "y": (y, "y")}
    variables = {
        name: Variable(("obs",), values, dataset.variables[old].attributes) for name, (values, old) in changed.items()
    }
    return synthetic.dataset(rows, units, **variables)


def brute_force(dataset, length):
    found, start = [], 0
    for size in dataset["row_size"]:
        for end in range(start + length - 1, start + size):
            inside = slice(end - length + 1, end + 1)
            complete = np.isfinite(dataset["a"][inside]).all() and np.isfinite(dataset["b"][inside]).all()
            if complete and (np.diff(dataset["time"][inside]) == 1).all():
                found.append(end)
        start += size
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 8))
def test_complete_windows_equal_brute_force(seed, length):
    dataset = gappy(seed)
    assert windows.complete_windows(dataset, ["a", "b"], windows.Grid(length, 1), "day")[0].tolist() == brute_force(
        dataset, length
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 5))
def test_training_windows_hold_a_label_in_their_scored_steps(seed, length, scored):
    scored = min(scored, length)
    dataset = gappy(seed)
    weights = windows.label_weights(dataset, ["y"], None)
    ends = windows.training_windows(dataset, ["a", "b"], weights, windows.Grid(length, 1), scored, "day")[0]
    expected = [
        end for end in brute_force(dataset, length) if np.isfinite(dataset["y"][end - scored + 1 : end + 1]).any()
    ]
    assert ends.tolist() == expected


def test_a_stride_begins_anew_after_a_gap():
    dataset = synthetic.dataset(10, 1)
    a = dataset["a"].copy()
    a[4] = np.nan
    dataset = synthetic.dataset(10, 1, a=Variable(("obs",), a, dataset.variables["a"].attributes))
    assert windows.complete_windows(dataset, ["a"], windows.Grid(2, 2), "day")[0].tolist() == [1, 3, 6, 8]


def test_the_order_of_units_does_not_matter():
    dataset = synthetic.dataset(6, 2)
    ends = windows.complete_windows(dataset, ["a"], windows.Grid(3, 1), "day")[0]
    assert ends.tolist() == [2, 3, 4, 5, 8, 9, 10, 11]


def test_a_quality_of_zero_has_no_weight():
    quality = np.array([0, 0.5, 1, np.nan] * 2, np.float32)
    dataset = synthetic.dataset(quality=Variable(("obs",), quality, synthetic.DESCRIBED_ATTRIBUTES["quality"]))
    assert windows.label_weights(dataset, ["y"], "quality")[:4, 0].tolist() == [0, 0.5, 1, 0]


def test_months_follow_each_other_whatever_their_length():
    days = np.array(["2020-01-01", "2020-02-01", "2020-03-01", "2020-05-01"], "datetime64[D]").astype(int)
    assert np.diff(windows.clock(days, "month")).tolist() == [1, 1, 2]
    assert windows.months(days.astype("datetime64[D]")).tolist() == [1, 2, 3, 5]
    assert windows.months((days * 86400).astype("datetime64[s]")).tolist() == [1, 2, 3, 5]


def test_finer_steps():
    assert windows.clock(np.array([0, 6, 12, 30]), "6 second").tolist() == [0, 1, 2, 5]
    assert windows.clock(np.array([0, 1800]), "30 minute").tolist() == [0, 1]
    with pytest.raises(StageError, match="step 'fortnight' is not known; write day, month, irregular, or a number"):
        windows.clock(np.array([0]), "fortnight")


def padded(sizes, length, stride, shortest=1):
    """Windows of runs of some sizes, each after a row without input, as (start in the run, size)."""
    values = np.concatenate([np.append(np.nan, np.zeros(size)) for size in sizes])
    columns = {"row_size": ("unit", np.array([len(values)])), "a": ("obs", values)}
    dataset = Dataset({name: Variable((dimension,), own) for name, (dimension, own) in columns.items()})
    ends, found = windows.complete_windows(dataset, ["a"], windows.Grid(length, stride, shortest), "irregular")
    begin = np.concatenate([[0], np.cumsum(np.add(sizes, 1))[:-1]]) + 1
    run = np.searchsorted(begin, ends, side="right") - 1
    return [(int(r), int(end - size + 1 - begin[r]), int(size)) for r, end, size in zip(run, ends, found, strict=True)]


@pytest.mark.parametrize(
    ("number", "stride", "count"),
    [
        *[(3, 50, 1), (200, 50, 1), (201, 50, 2), (250, 50, 2), (251, 50, 3), (351, 50, 5), (1000, 50, 17)],
        *[(351, 150, 3), (1000, 150, 7)],
    ],
)
def test_known_numbers_of_padded_windows(number, stride, count):
    found = padded([number], 200, stride)
    assert len(found) == count
    assert [start for _, start, _ in found] == [stride * place for place in range(count)]
    assert found[-1][1] + found[-1][2] == number  # the last one ends where the run does
    assert {size for _, _, size in found[:-1]} <= {200}


def test_padded_windows_stay_inside_their_run():
    assert padded([3, 5, 1], 4, 2) == [(0, 0, 3), (1, 0, 4), (1, 2, 3), (2, 0, 1)]
    assert padded([3, 5, 1], 4, 2, shortest=3) == [(0, 0, 3), (1, 0, 4), (1, 2, 3)]
