"""Windows against brute force, clocks against the calendar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landbridge.contract import Variable
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
    assert windows.complete_windows(dataset, ["a", "b"], length, 1, "day").tolist() == brute_force(dataset, length)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 5))
def test_training_windows_hold_a_label_in_their_scored_steps(seed, length, scored):
    scored = min(scored, length)
    dataset = gappy(seed)
    weights = windows.label_weights(dataset, ["y"], None)
    ends = windows.training_windows(dataset, ["a", "b"], weights, length, 1, scored, "day")
    expected = [
        end for end in brute_force(dataset, length) if np.isfinite(dataset["y"][end - scored + 1 : end + 1]).any()
    ]
    assert ends.tolist() == expected


def test_a_stride_begins_anew_after_a_gap():
    dataset = synthetic.dataset(10, 1)
    a = dataset["a"].copy()
    a[4] = np.nan
    dataset = synthetic.dataset(10, 1, a=Variable(("obs",), a, dataset.variables["a"].attributes))
    assert windows.complete_windows(dataset, ["a"], 2, 2, "day").tolist() == [1, 3, 6, 8]


def test_the_order_of_units_does_not_matter():
    dataset = synthetic.dataset(6, 2)
    ends = windows.complete_windows(dataset, ["a"], 3, 1, "day")
    assert ends.tolist() == [2, 3, 4, 5, 8, 9, 10, 11]


def test_a_quality_of_zero_has_no_weight():
    quality = np.array([0, 0.5, 1, np.nan] * 2, np.float32)
    dataset = synthetic.dataset(quality=Variable(("obs",), quality, synthetic.DESCRIBED_ATTRIBUTES["quality"]))
    assert windows.label_weights(dataset, ["y"], "quality")[:4, 0].tolist() == [0, 0.5, 1, 0]


def test_months_follow_each_other_whatever_their_length():
    days = np.array(["2020-01-01", "2020-02-01", "2020-03-01", "2020-05-01"], "datetime64[D]").astype(int)
    assert np.diff(windows.clock(days, "month")).tolist() == [1, 1, 2]
    assert windows.months(days, "days since 1970-01-01").tolist() == [1, 2, 3, 5]
    assert windows.months(days * 86400, "seconds since 1970-01-01").tolist() == [1, 2, 3, 5]


def test_finer_steps():
    assert windows.clock(np.array([0, 6, 12, 30]), "6 second").tolist() == [0, 1, 2, 5]
    assert windows.clock(np.array([0, 1800]), "30 minute").tolist() == [0, 1]
    with pytest.raises(StageError, match="step 'fortnight' is not known; write day, month, or a number"):
        windows.clock(np.array([0]), "fortnight")
