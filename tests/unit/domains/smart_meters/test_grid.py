"""Grid, fill, sums of phases and means of steps: known answers and properties."""

import numpy as np
import pytest
from landbridge.domains.smart_meters.grid import (
    any_on,
    bin_means,
    fill_forward,
    local_hour,
    merge_repeats,
    step_means,
    sum_of_meters,
)

NAN = np.nan


def test_the_example_of_bins_and_fill():
    time, power = np.array([0, 7, 14, 100, 107]), np.array([10, 20, 30, 500, 510.0])
    found = bin_means(time // 10, power, 11)
    np.testing.assert_array_equal(found, [15, 30, *[NAN] * 8, 505])
    np.testing.assert_array_equal(fill_forward(found, 6), [15, *[30] * 7, NAN, NAN, 505])


def test_nothing_is_filled_before_the_first_or_with_a_fill_of_0():
    np.testing.assert_array_equal(fill_forward(np.array([NAN, NAN, 3, NAN]), 6), [NAN, NAN, 3, 3])
    np.testing.assert_array_equal(fill_forward(np.array([NAN, 3, NAN]), 0), [NAN, 3, NAN])


def test_a_masked_bin_is_missing_and_nothing_is_filled_across_it():
    power, masked = np.array([5, NAN, 7, NAN, NAN, 9, NAN]), np.array([0, 0, 1, 0, 0, 0, 0], bool)
    np.testing.assert_array_equal(fill_forward(power, 6, masked), [5, 5, NAN, NAN, NAN, 9, 9])


def test_mains_need_both_phases():
    phases = np.array([[100, 100, 100.0], [250, NAN, 250]])
    np.testing.assert_array_equal(sum_of_meters(list(phases)), [350, NAN, 350])
    np.testing.assert_array_equal(sum_of_meters([phases[0]]), phases[0])


@pytest.mark.parametrize(("missing", "whole"), [(0, True), (1, True), (2, False), (6, False)])
def test_a_minute_needs_four_fifths_of_its_bins(missing, whole):
    power = np.full(6, 12.0)
    power[:missing] = NAN
    np.testing.assert_array_equal(step_means(power, 6), [12 if whole else NAN])


def test_the_share_of_ten_bins():
    power = np.array([NAN, NAN, *[10.0] * 8, NAN, NAN, NAN, *[10.0] * 7])
    np.testing.assert_array_equal(step_means(power, 10), [10, NAN])
    np.testing.assert_array_equal(step_means(power, 1), power)


def test_any_on():
    status = np.array([0, 0, 1, NAN, 0, 0, NAN, NAN, NAN], np.float32)
    np.testing.assert_array_equal(any_on(status, 3), [1, 0, NAN])


def test_repeats_are_averaged_and_what_is_missing_does_not_count():
    time = np.array([1, 2, 2, 3, 5, 5, 5])
    values = np.array([[1, 2, 4, 5, 6, NAN, 9], [1, NAN, NAN, 1, 1, 2, 3]], np.float32)
    masked = np.array([0, 0, 0, 0, 0, 1, 0], bool)
    time, values, masked = merge_repeats(time, values, masked)
    assert time.tolist() == [1, 2, 3, 5]
    np.testing.assert_array_equal(values, [[1, 3, 5, 7.5], [1, NAN, 1, 2]])
    assert masked.tolist() == [False, False, False, True]


def seconds(text):
    return int(np.datetime64(text, "s").astype(int))


@pytest.mark.parametrize(
    ("zone", "change", "jump"),
    [
        ("Europe/London", "2014-03-30T01:00:00", 1),
        ("Europe/London", "2014-10-26T01:00:00", -1),
        ("America/New_York", "2011-11-06T06:00:00", -1),
        ("America/New_York", "2011-03-13T07:00:00", 1),
    ],
)
def test_the_local_hour_jumps_where_clocks_change(zone, change, jump):
    time = seconds(change) + np.arange(-120, 121, 60)
    step = np.diff(local_hour(time, zone))
    np.testing.assert_allclose(step, [1 / 60, 1 / 60 + jump, 1 / 60, 1 / 60], atol=1e-9)


def test_local_hours_of_summer_and_winter():
    assert local_hour(np.array([seconds("2014-07-01T12:30:00"), seconds("2014-01-01T12:30:00")]), "Europe/London") == (
        pytest.approx([13.5, 12.5])
    )
    assert local_hour(np.array([seconds("2011-05-01T02:00:00")]), "America/New_York") == pytest.approx([22])
