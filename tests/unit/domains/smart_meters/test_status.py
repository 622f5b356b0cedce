"""Runs of being on: known answers, and none, one and many events."""

import numpy as np
import pytest
from landbridge.domains.smart_meters.appliances import APPLIANCES
from landbridge.domains.smart_meters.status import fine_status, minute_status, samples, status

NAN = np.nan
EXAMPLE = [0, 30, 40, 0, 35, 0, 0, 0, 50, 0]


def on(power, threshold=20, least_on=1, least_off=0):
    return status(np.array(power, float), threshold, least_on, least_off).tolist()


def test_known_answers():
    assert on(EXAMPLE, 20, 3, 1) == [0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert on(EXAMPLE, 20, 1, 0) == [0, 1, 1, 0, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("least", [(1, 0), (3, 1), (5, 9)])
def test_all_off_all_on_and_nothing(least):
    assert on([0] * 6, 20, *least) == [0] * 6
    assert on([20] * 6, 20, *least) == [1] * 6
    assert on([], 20, *least) == []


def test_one_event():
    assert on([0, 0, 25, 0]) == [0, 0, 1, 0]
    assert on([25, 0, 0, 0]) == [1, 0, 0, 0]
    assert on([0, 0, 0, 25]) == [0, 0, 0, 1]
    assert on([0, 0, 25, 0], least_on=2) == [0, 0, 0, 0]
    assert on([25]) == [1]


@pytest.mark.parametrize("events", range(6))
def test_many_events(events):
    assert on([0, 25] * events + [0]) == [0, 1] * events + [0]
    joined = on([0, 25] * events + [0], 20, 1, 1)
    assert joined == ([0, *[1] * (2 * events - 1), 0] if events else [0])


def test_a_missing_sample_breaks_a_run_and_stays_missing():
    found = status(np.array([30, 30, NAN, 30, 30, 0.0]), 20, 3, 5)
    np.testing.assert_array_equal(found, [0, 0, NAN, 0, 0, 0])
    found = status(np.array([30, 0, NAN, 0, 30, 0, 30]), 20, 1, 9)
    np.testing.assert_array_equal(found, [1, 0, NAN, 0, 1, 1, 1])
    np.testing.assert_array_equal(status(np.full(3, NAN), 20), [NAN] * 3)


def test_joined_before_short_runs_are_dropped():
    assert on([30, 0, 30, 0, 30], 20, 5, 1) == [1, 1, 1, 1, 1]


def test_durations_in_samples():
    assert samples(12, 10, up=True) == 2
    assert samples(12, 6, up=True) == 2
    assert samples(5, 10, up=True) == 1
    assert samples(0, 10, up=True) == 1
    assert samples(156, 10, up=False) == 15
    assert samples(5, 10, up=False) == 0


def test_by_loop():
    random = np.random.default_rng(3)
    for _ in range(200):
        power = random.choice([0.0, 30.0, NAN], 40, p=(0.5, 0.4, 0.1))
        least_on, least_off = int(random.integers(1, 6)), int(random.integers(0, 5))
        np.testing.assert_array_equal(status(power, 20, least_on, least_off), by_loop(power, 20, least_on, least_off))


def by_loop(power, threshold, least_on, least_off):
    state = [NAN if np.isnan(watts) else float(watts >= threshold) for watts in power]
    at = 0
    while at < len(state):  # close pauses between two runs
        if state[at] != 0:
            at += 1
            continue
        stop = at
        while stop < len(state) and state[stop] == 0:
            stop += 1
        inside = at > 0 and state[at - 1] == 1 and stop < len(state) and state[stop] == 1
        if inside and stop - at <= least_off:
            state[at:stop] = [1.0] * (stop - at)
        at = stop
    at = 0
    while at < len(state):
        stop = at
        while stop < len(state) and state[stop] == 1:
            stop += 1
        if stop - at < least_on:
            state[at:stop] = [0.0] * (stop - at)
        at = max(stop, at + 1)
    return state


def test_a_kettle_counts_as_on_in_a_minute_that_does_not_reach_its_fine_threshold():
    kettle = APPLIANCES["kettle"]
    burst = np.array([2800, 2800, 2800, 2800, 0, 0.0])
    assert fine_status(burst, kettle, 10).tolist() == [1, 1, 1, 1, 0, 0]
    assert round(burst.mean()) == 1867
    assert minute_status(np.array([burst.mean(), 499.0]), kettle).tolist() == [1, 0]


def test_constants_are_those_of_the_table():
    table = {name: (a.fine_threshold, a.minute_threshold, a.least_on, a.least_off) for name, a in APPLIANCES.items()}
    assert table == {
        "kettle": (2000, 500, 12, 0),
        "microwave": (200, 200, 12, 30),
        "fridge": (50, 50, 60, 12),
        "dishwasher": (10, 300, 1800, 1800),
        "washing_machine": (20, 300, 1800, 156),
    }
