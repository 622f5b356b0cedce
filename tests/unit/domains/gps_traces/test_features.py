"""Summary statistics of trips: by hand, against a loop, where they are not defined."""

import numpy as np
import pytest
from landbridge.contract import ContractError, Dataset, Variable
from landbridge.domains.gps_traces import features


def trips(*units):
    """A dataset of units, each seconds and m/s by fix."""
    time = np.concatenate([np.asarray(seconds, float) * 1000 for seconds, _ in units]).astype(np.int64)
    speed = np.concatenate([np.asarray(own, np.float32) * 3.6 for _, own in units]).astype(np.float32)
    return Dataset(
        {
            "row_size": Variable(("unit",), np.array([len(seconds) for seconds, _ in units], np.int32)),
            "time": Variable(("obs",), time),
            "speed": Variable(("obs",), speed),
        }
    )


nan = float("nan")
# two segments; speeds 2, 0.2, 0.4 | 0.3, 0.8, 4 m/s over steps of 1, 2, 3 | 1, 40, 2 s; stops of 5 s and of 1 s
KNOWN = trips(([0, 1, 3, 6, 1000, 1001, 1041, 1043], [nan, 2, 0.2, 0.4, nan, 0.3, 0.8, 4]))
SPEEDS = np.array([2, 0.2, 0.4, 0.3, 0.8, 4])
ACCELERATIONS = np.array([1.8 / 1.5, 0.2 / 2.5, 0.5 / 20.5, 3.2 / 21])


def row(dataset, unit=0):
    ends = np.cumsum(dataset["row_size"]) - 1
    return dict(zip(features.COLUMNS, features.table(dataset, ends, np.ones(len(ends), int))[unit], strict=True))


def test_a_trip_by_hand():
    found = row(KNOWN)
    metres = 2 * 1 + 0.2 * 2 + 0.4 * 3 + 0.3 * 1 + 0.8 * 40 + 4 * 2
    wanted = {
        "speed_mean": SPEEDS.mean(),
        "speed_sd": SPEEDS.std(),
        "speed_max": 4,
        "share_below_0.5": 3 / 6,
        "share_below_1": 4 / 6,
        "stops_per_km": 2 / (metres / 1000),
        "stop_length": (2 + 3 + 1) / 2,
        "acceleration_sd": ACCELERATIONS.std(),
        "share_of_long_steps": 1 / 6,
        "median_step": 2.0,
        "log_duration": np.log(1043),
        "log_distance": np.log(metres),
    }
    for share in (5, 25, 50, 75, 95):
        wanted[f"speed_q{share:02d}"] = np.quantile(SPEEDS, share / 100)
        wanted[f"acceleration_q{share:02d}"] = np.quantile(ACCELERATIONS, share / 100)
    assert set(wanted) == set(features.COLUMNS)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name


def test_every_window_has_the_numbers_of_its_whole_trip():
    dataset = trips(([0, 1, 2], [nan, 1, 2]), ([5, 6, 8], [nan, 3, 5]))
    found = features.table(dataset, np.array([1, 2, 4, 5, 5]), np.array([1, 2, 1, 2, 1]))
    assert found.shape == (5, len(features.COLUMNS)) and found.dtype == np.float32
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])
    np.testing.assert_array_equal(found[3], found[4])
    steps = features.median_time_step(dataset, np.array([1, 5]), np.array([1, 2]))
    np.testing.assert_array_equal(steps, np.array([[1.0], [1.5]], np.float32))
    column = features.COLUMNS.index("median_step")
    np.testing.assert_array_equal(features.table(dataset, np.array([1, 5]), np.array([1, 2]))[:, [column]], steps)


def test_many_trips_are_each_reckoned_alone():
    random = np.random.default_rng(0)
    units = []
    for size in random.integers(3, 60, 40):
        seconds = np.cumsum(random.integers(1, 50, size))
        speed = random.gamma(1.0, 3.0, size)
        speed[[0, size // 2]] = nan
        units.append((seconds, speed))
    whole = trips(*units)
    for number, unit in enumerate(units):
        one, other = row(whole, number), row(trips(unit))
        for name in features.COLUMNS:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_what_is_not_defined_is_missing():
    one_step = row(trips(([0, 2], [nan, 3])))
    assert np.isnan([one_step[name] for name in ("stop_length", "acceleration_q50", "acceleration_sd")]).all()
    assert one_step["stops_per_km"] == 0 and one_step["speed_sd"] == 0
    standing = row(trips(([0, 2, 4], [nan, 0, 0])))
    assert np.isnan(standing["stops_per_km"]) and np.isnan(standing["log_distance"])
    assert standing["stop_length"] == 4
    assert standing["share_below_0.5"] == 1
    alone = features.table(trips(([0], [nan])), np.array([0]), np.array([1]))
    assert np.isnan(alone).all()
    assert features.table(KNOWN, np.array([], int), np.array([], int)).shape == (0, len(features.COLUMNS))


@pytest.mark.parametrize(("end", "size"), [(2, 4), (3, 2), (6, 1), (1, 0)])
def test_windows_that_leave_their_trip_are_refused(end, size):
    dataset = trips(([0, 1, 2], [nan, 1, 2]), ([5, 6, 8], [nan, 3, 5]))
    with pytest.raises(ContractError, match=f"window 1 of {size} observations that ends at {end} is not inside"):
        features.table(dataset, np.array([1, end]), np.array([1, size]))


def test_a_speed_at_the_first_fix_is_of_no_step_of_the_file():
    with_speed = trips(([0, 1, 3], [9, 1, 2]), ([0, 1], [9, 1]))
    without = trips(([0, 1, 3], [nan, 1, 2]), ([0, 1], [nan, 1]))
    for unit in range(2):
        assert row(with_speed, unit) == pytest.approx(row(without, unit), nan_ok=True)
