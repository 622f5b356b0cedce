"""Distances, speeds, intervals and cleaning: known answers first, then properties."""

from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import fixes, legs
from landbridge.domains.gps_traces.modes import BIKE, BUS, CAR, TRAIN, WALK
from landbridge.stage import StageError


@pytest.mark.parametrize(
    ("first", "second", "metres"),
    [
        ((0, 0), (0, 1), 111_194.9266),
        ((0, 179.5), (0, -179.5), 111_194.9266),
        ((60, 10), (60, 11), 55_596.9341),
        ((39.9042, 116.4074), (39.9142, 116.4074), 1_111.9493),
        ((39.9042, 116.4074), (39.9042, 116.4174), 852.9964),
        ((39.9042, 116.4074), (37.7749, -122.4194), 9_503_074.84),
        ((0, 0), (0, 180), 20_015_086.796),
    ],
)
def test_known_distances(first, second, metres):
    assert fixes.haversine(*first, *second) == pytest.approx(metres, rel=1e-7)
    assert fixes.haversine(*second, *first) == pytest.approx(metres, rel=1e-7)


def test_equal_places_are_exactly_zero_apart():
    lat, lon = np.random.default_rng(1).uniform(-90, 90, (2, 1000))
    assert (fixes.haversine(lat, lon, lat, lon) == 0).all()


# Latitudes at longitude 116.4 and seconds; the third of two fixes at t = 2 is the repeated one.
LAT = np.array([39.9000, 39.9001, 39.9003, 39.9003, 39.9003, 39.9013, 39.9014])
TIME = 1000 * np.array([0, 1, 2, 2, 5, 6, 66])
KEPT = [0, 1, 2, 4, 5, 6]


def sequence():
    return np.zeros(6, int), TIME[KEPT], LAT[KEPT], np.full(6, 116.4)


def test_known_speeds():
    assert fixes.speeds(*sequence())[1:] == pytest.approx([40.0302, 80.0603, 0, 400.3017, 0.6672], abs=1e-4)


def test_a_jump_is_dropped_and_the_next_speed_is_taken_from_the_last_kept_fix():
    keep, speed = fixes.clean_jumps(*sequence())
    assert keep.tolist() == [True, True, True, True, False, True]
    assert speed[keep][1:] == pytest.approx([40.0302, 80.0603, 0, 7.2186], abs=1e-4)
    assert np.isnan(speed[0])


def jumps(lat, seconds, trip=None):
    n = len(lat)
    trip = np.zeros(n, int) if trip is None else np.array(trip)
    keep, speed = fixes.clean_jumps(trip, 1000 * np.array(seconds), np.array(lat, float), np.full(n, 10.0))
    return keep.tolist(), speed


def test_after_three_jumps_in_a_row_a_new_segment_starts():
    keep, speed = jumps([50, 51, 51, 51, 51, 51.0001], range(6))
    assert keep == [True, False, False, False, True, True]
    assert np.isnan(speed[[0, 4]]).all()
    assert speed[5] == pytest.approx(3.6 * 11.11949, rel=1e-5)


def test_two_jumps_and_back_are_dropped():
    keep, speed = jumps([50, 51, 52, 50.0001, 50.0002], range(5))
    assert keep == [True, False, False, True, True]
    assert speed[3] == pytest.approx(3.6 * 11.11949 / 3, rel=1e-5)


def test_jumps_at_the_end_of_a_trip_leave_the_next_trip_alone():
    keep, speed = jumps([50, 50, 51, 52, 52, 52], range(6), [0, 0, 0, 1, 1, 1])
    assert keep == [True, True, False, True, True, True]
    assert np.isnan(speed).tolist() == [True, False, False, True, False, False]
    keep, _ = jumps([50, 51], range(2))
    assert keep == [True, False]


@pytest.mark.parametrize(("seconds", "starts"), [(300, False), (300.001, True)])
def test_a_gap_of_more_than_300_seconds_starts_a_segment(seconds, starts):
    keep, speed = jumps([50, 50.001], [0, seconds])
    assert keep == [True, True]
    assert np.isnan(speed[1]) == starts


def test_a_gap_is_measured_from_the_last_kept_fix():
    keep, speed = jumps([50, 50, 53, 50], [0, 1, 2, 302])
    assert keep == [True, True, False, True]
    assert np.isnan(speed[3])


def brute_force(trip, time, lat, lon):
    """The rule, fix by fix."""
    keep, speed = np.ones(len(time), bool), np.full(len(time), np.nan)
    last, dropped = -1, 0
    for at in range(len(time)):
        if last < 0 or trip[at] != trip[last]:
            last, dropped = at, 0
            continue
        gap = time[at] - time[last]
        here = 3600 * fixes.haversine(lat[last], lon[last], lat[at], lon[at]) / gap
        if gap <= 300_000 and here > 350 and dropped < 3:
            keep[at], dropped = False, dropped + 1
            continue
        speed[at] = here if gap <= 300_000 and here <= 350 else np.nan
        last, dropped = at, 0
    return keep, speed


def test_cleaning_equals_the_rule_followed_fix_by_fix():
    random = np.random.default_rng(5)
    n = 4000
    trip = np.sort(random.integers(0, 60, n))
    time = np.cumsum(random.choice([1000, 5000, 200_000, 400_000], n, p=[0.6, 0.3, 0.08, 0.02]))
    lat = 50 + np.cumsum(random.normal(0, 1e-4, n)) + random.choice([0, 0.3], n, p=[0.8, 0.2])
    lon = np.full(n, 8.0)
    keep, speed = fixes.clean_jumps(trip, time, lat, lon)
    wanted_keep, wanted_speed = brute_force(trip, time, lat, lon)
    np.testing.assert_array_equal(keep, wanted_keep)
    np.testing.assert_allclose(speed[keep], wanted_speed[keep], rtol=1e-12)
    assert (~keep).sum() > 200


def test_positions_out_of_range():
    lat = np.array([90, 90.1, -91, 0, 0, 5, np.nan, 5])
    lon = np.array([180, 5, 5, 0, 1, -180.1, 5, np.inf])
    assert fixes.in_range(lat, lon).tolist() == [True, False, False, False, True, False, False, False]


def test_a_fix_belongs_to_the_first_interval_that_holds_it():
    minute = 60_000
    start, end = np.array([0, 10, 40]) * minute, np.array([10, 20, 39]) * minute
    time = np.array([-1, 0, 10 * minute, 10 * minute + 1, 20 * minute, 20 * minute + 1, 40 * minute])
    found, cover = fixes.first_interval(time, start, end)
    assert found.tolist() == [-1, 0, 0, 1, 1, -1, -1]
    assert cover.tolist() == [0, 1, 2, 1, 1, 0, 0]


def test_intervals_equal_a_look_at_every_row():
    random = np.random.default_rng(3)
    start = random.integers(0, 1000, 80)
    end = start + random.integers(-3, 120, 80)
    time = random.integers(-50, 1200, 5000)
    inside = (time[:, None] >= start) & (time[:, None] <= end)
    found, cover = fixes.first_interval(time, start, end)
    np.testing.assert_array_equal(found, np.where(inside.any(1), inside.argmax(1), -1))
    np.testing.assert_array_equal(cover, inside.sum(1))


def test_no_interval_and_no_time():
    nothing = np.zeros(0, np.int64)
    assert fixes.first_interval(np.array([5]), nothing, nothing)[0].tolist() == [-1]
    assert fixes.first_interval(nothing, np.array([1]), np.array([2]))[0].tolist() == []


def test_journeys_join_trips_less_than_30_minutes_apart():
    minute = 60_000
    start = np.array([100, 0, 39, 5]) * minute
    end = np.array([110, 10, 50, 8]) * minute
    assert fixes.journeys(start, end).tolist() == [2, 1, 1, 1]
    assert fixes.journeys(np.array([0, 40 * minute]), np.array([10 * minute, 50 * minute])).tolist() == [1, 2]
    assert fixes.journeys(np.array([0, 40 * minute - 1]), np.array([10 * minute, 50 * minute])).tolist() == [1, 1]


def test_cells_are_500_metres_wide():
    row = fixes.METRES_PER_DEGREE / 500
    assert fixes.cell(0.1 / row, 0.1 / row) == "0,0"
    assert fixes.cell(1.1 / row, -0.1 / row) == "1,-1"
    lat = 60.0
    names = {fixes.cell(lat, float(lon)) for lon in np.arange(10, 10.0899, 0.0001)}  # 5 km along the parallel
    assert len(names) in (10, 11)


def test_resampling_lies_on_the_line_and_stays_inside_segments():
    time = np.array([0, 7_000, 20_000, 1_000_000, 1_004_000])
    lat = np.array([50, 50.0007, 50.002, 51, 51.0001])
    found, north, east, speed = fixes.resample(
        time, lat, np.full(5, 8.0), np.array([True, False, False, True, False]), 5000
    )
    assert found.tolist() == [0, 5000, 10_000, 15_000, 20_000, 1_000_000]
    assert north == pytest.approx([50, 50.0005, 50.001, 50.0015, 50.002, 51])
    assert np.isnan(speed).tolist() == [True, False, False, False, False, True]
    assert speed[1:5] == pytest.approx(3.6 * 0.0001 * fixes.METRES_PER_DEGREE, rel=1e-6)
    _, _, east, _ = fixes.resample(
        np.array([0, 10_000]), np.zeros(2), np.array([179.999, -179.999]), np.array([True, False]), 5000
    )
    assert abs(east[1]) == pytest.approx(180)


# The limits of trips, and the published filter.


def points(count, seconds, lat_step=1e-4, accuracy=None, trips=1):
    trip = np.repeat(np.arange(trips), count)
    time = np.tile(np.rint(1000 * np.linspace(0, seconds, count)).astype(np.int64), trips) + 10**9 * trip
    lat = 50 + np.tile(lat_step * np.arange(count), trips)
    return legs.Points(trip, time, lat, np.full(len(trip), 8.0), accuracy)


def cleaned(table, mode=CAR, **settings):
    counts = Counter()
    own = legs.settings_of_legs(settings, legs.SHARED)
    return list(legs.clean(table, np.full(9, mode), own, counts)), counts


@pytest.mark.parametrize(
    ("count", "seconds", "reason"),
    [
        (11, 60, None),
        (10, 60, "dropped: trip with too few points"),
        (11, 59.999, "dropped: trip shorter than 60 s"),
    ],
)
def test_a_trip_needs_ten_speeds_and_sixty_seconds(count, seconds, reason):
    found, counts = cleaned(points(count, seconds))
    assert len(found) == (reason is None) == counts["trips"]
    assert reason is None or counts[reason] == 1


def test_inaccurate_fixes_go_and_unknown_accuracy_stays():
    accuracy = np.full(14, 10.0)
    accuracy[3], accuracy[5], accuracy[7] = 200.1, 200, np.nan
    (leg,), counts = cleaned(points(14, 130, accuracy=accuracy))
    assert len(leg.time) == 13
    assert counts["dropped: accuracy worse than 200 m"] == 1


def test_stops_stay_and_cleaning_does_not_know_the_mode():
    table = points(40, 200, lat_step=0)
    for mode in (BIKE, BUS, CAR, TRAIN, WALK):
        (leg,), _ = cleaned(table, mode)
        assert (leg.speed[1:] == 0).all()


@pytest.mark.parametrize(
    ("mode", "low", "high"), [(BIKE, 0.5, 80), (BUS, 1, 120), (CAR, 3, 180), (TRAIN, 3, 350), (WALK, 0.1, 15)]
)
def test_the_published_filter_keeps_the_band_of_the_true_mode(mode, low, high):
    wanted = np.array([low * 0.99, low * 1.01, (low + high) / 2, high * 0.99, high * 1.01, low * 1.01])
    metres = np.concatenate([[0], np.cumsum(wanted / 3.6 * 10)])
    time = 10_000 * np.arange(7)
    table = legs.Points(np.zeros(7, int), time, metres / fixes.METRES_PER_DEGREE, np.full(7, 8.0))
    (leg,), counts = cleaned(table, mode, cleaning="paper")
    assert leg.speed[1:] == pytest.approx(wanted[[1, 2, 3, 5]], rel=1e-6)  # as they were, not taken anew
    assert np.isnan(leg.speed[0])
    assert counts["dropped: speed outside the band of the true mode"] == 2


def test_the_published_filter_drops_trips_of_two_points():
    assert len(cleaned(points(4, 30), WALK, cleaning="paper")[0]) == 1
    assert len(cleaned(points(3, 30), WALK, cleaning="paper")[0]) == 0


def test_trips_do_not_touch_each_other():
    many, _ = cleaned(points(20, 100, trips=3))
    one, _ = cleaned(points(20, 100))
    assert [leg.trip for leg in many] == [0, 1, 2]
    for leg in many:
        np.testing.assert_array_equal(leg.speed, one[0].speed)


def test_resampling_is_a_setting():
    (leg,), _ = cleaned(points(31, 300), resample=5)
    assert np.diff(leg.time).tolist() == [5000] * 60
    assert leg.speed[1:] == pytest.approx(3.6 * 1e-5 * fixes.METRES_PER_DEGREE, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"clening": "paper"}, "clening is not known; write cleaning, resample"),
        ({"cleaning": "papers"}, "cleaning is 'papers'; write label_free or paper"),
        ({"resample": "5 s"}, "resample is '5 s'; write seconds"),
        ({"resample": 0}, "resample is 0; write seconds"),
        ({"resample": 5, "cleaning": "paper"}, "resample goes with cleaning: label_free"),
    ],
)
def test_a_wrong_setting_is_refused(settings, text):
    with pytest.raises(StageError, match=text):
        legs.settings_of_legs(settings, legs.SHARED)


@pytest.mark.parametrize(
    ("text", "message"),
    [("unit,class\na,1\n", "line 1: its columns are unit and mode"), ("unit,mode\na,5\n", "line 2: mode '5'")],
)
def test_a_broken_truth_is_refused(tmp_path, text, message):
    (tmp_path / "truth.csv").write_text(text)
    with pytest.raises(StageError, match=message):
        legs.Truth(tmp_path)
