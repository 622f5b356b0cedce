"""The twin in Geolife's layout: every quirk at its rate, and truth that fits the label rows."""

import csv
from collections import Counter
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from landbridge.domains.gps_traces import twin
from landbridge.domains.gps_traces.cities import read_city, read_layout
from landbridge.domains.gps_traces.twin_journeys import plan_journeys

TINY_A = {"city": "a", "layout": "geolife", "users": 6, "trips_per_user": 25}
GEOLIFE = {"bike": 0, "bus": 1, "car": 2, "taxi": 2, "train": 3, "subway": 3, "walk": 4}


def write(folder, options, seed=1, dataset="twin_trips"):
    folder.mkdir(parents=True)
    twin.write_twin(folder, dataset, seed, **options)
    return folder


@pytest.fixture(scope="module")
def geolife(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "geolife", TINY_A)


def table(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def truth(folder):
    return {row["unit"]: int(row["mode"]) for row in table(folder / "truth.csv")}


def plt_rows(path):
    """(row, 7) fields of a trajectory as text."""
    return [line.split(",") for line in path.read_text().splitlines()[6:]]


def plt_times(rows):
    return np.array([f"{row[5]}T{row[6]}" for row in rows], "datetime64[s]")


def label_rows(folder):
    """User, row number from 1, start, end and word of every label row."""
    found = []
    for path in sorted(folder.glob("Data/*/labels.txt")):
        lines = path.read_text().splitlines()
        assert lines[0].split("\t") == ["Start Time", "End Time", "Transportation Mode"]
        for number, line in enumerate(lines[1:], start=1):
            start, end, word = line.split("\t")
            times = [np.datetime64(datetime.strptime(time, "%Y/%m/%d %H:%M:%S"), "s") for time in (start, end)]
            found.append((path.parent.name, number, *times, word))
    return found


def fixes_of(folder, user):
    rows = [row for path in sorted(folder.glob(f"Data/{user}/Trajectory/*.plt")) for row in plt_rows(path)]
    return plt_times(rows), np.array([[float(row[0]), float(row[1])] for row in rows])


def test_trajectories_have_six_header_lines_and_seven_fields(geolife):
    files = sorted(geolife.glob("Data/*/Trajectory/*.plt"))
    for path in files:
        lines = path.read_text().splitlines()
        assert lines[:6] == [
            *["Geolife trajectory", "WGS 84", "Altitude is in Feet", "Reserved 3"],
            *["0,2,255,My Track,0,0,2,8421376", "0"],
        ]
        rows = plt_rows(path)
        assert {len(row) for row in rows} == {7} and {row[2] for row in rows} == {"0"}
        times = plt_times(rows)
        assert path.stem == "".join(letter for letter in str(times[0]) if letter.isdigit())
        assert (np.diff(times) >= np.timedelta64(0)).all()
        days = np.array([float(row[4]) for row in rows])
        np.testing.assert_allclose(days, (times - np.datetime64("1899-12-30", "s")) / np.timedelta64(1, "D"), atol=1e-9)
    assert len({path.parent.parent.name for path in files}) == 6


def test_half_of_the_files_have_crlf(geolife):
    files = list(geolife.glob("Data/*/Trajectory/*.plt"))
    crlf = [b"\r\n" in path.read_bytes() for path in files]
    assert sum(crlf) == pytest.approx(len(files) / 2, abs=0.6)
    for path, found in zip(files, crlf, strict=True):
        assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n") or not found


def test_five_percent_of_altitudes_are_missing_and_one_coordinate_is_bad(geolife):
    rows = [row for path in geolife.glob("Data/*/Trajectory/*.plt") for row in plt_rows(path)]
    missing = [row[3] == "-777" for row in rows]
    assert np.mean(missing) == pytest.approx(0.05, abs=0.006)
    assert sum(abs(float(row[0])) > 90 or abs(float(row[1])) > 180 for row in rows) == 1


def test_the_bad_coordinate_lies_inside_a_labelled_trip(geolife):
    (bad,) = [
        (path.parent.parent.name, plt_times([row])[0])
        for path in geolife.glob("Data/*/Trajectory/*.plt")
        for row in plt_rows(path)
        if abs(float(row[0])) > 90
    ]
    assert any(user == bad[0] and start <= bad[1] <= end for user, _, start, end, _ in label_rows(geolife))


def test_truth_names_every_label_row_by_user_and_row_and_has_its_mode(geolife):
    rows = label_rows(geolife)
    assert {f"{user}_{number:05d}": GEOLIFE[word] for user, number, _, _, word in rows} == truth(geolife)
    assert {word for *_, word in rows} == set(GEOLIFE)


def test_thirty_percent_of_the_trips_have_no_label(geolife):
    rows = table(geolife / "truth_parameters.csv")
    assert len(rows) == 6 * 25
    assert sum(not row["unit"] for row in rows) == round(0.3 * 150)


def test_label_borders_are_off_by_some_seconds(geolife):
    started = {row["unit"]: float(row["started"]) for row in table(geolife / "truth_parameters.csv") if row["unit"]}
    rows = label_rows(geolife)
    ends = {}
    off = []
    for user, number, start, end, _ in rows:
        overlaps = start <= ends.get(user, np.datetime64(0, "s"))
        if not overlaps:
            off.append(float(start.astype(int)) - started[f"{user}_{number:05d}"])
        ends[user] = end
    assert np.std(off) == pytest.approx(20, rel=0.25)
    assert abs(np.mean(off)) < 7


def test_one_percent_of_the_rows_overlap_the_row_before(tmp_path):
    folder = write(tmp_path / "many", {**TINY_A, "users": 8, "trips_per_user": 60, "minutes": 3})
    rows = label_rows(folder)
    overlaps = sum(one[0] == other[0] and other[2] <= one[3] for one, other in pairwise(rows))
    assert overlaps == round(0.01 * len(rows))
    assert all(start < end for _, _, start, end, _ in rows)


def test_label_rows_hold_fixes(geolife):
    for user in sorted({row[0] for row in label_rows(geolife)}):
        times, _ = fixes_of(geolife, user)
        for owner, _, start, end, _ in label_rows(geolife):
            if owner == user:
                assert ((times >= start) & (times <= end)).sum() >= 10


def test_fixes_sample_as_the_truth_says(geolife):
    rows = [row for row in table(geolife / "truth_parameters.csv") if row["unit"]]
    labels = {f"{user}_{number:05d}": (user, start, end) for user, number, start, end, _ in label_rows(geolife)}
    limits = {"1-2 s": (1, 2), "5 s": (5, 5), "5-10 m": (1, 10)}
    for row in rows:
        user, start, end = labels[row["unit"]]
        times, _ = fixes_of(geolife, user)
        inside = np.unique(times[(times >= start) & (times <= end)])
        low, high = limits[row["sampling"]]
        assert low <= np.median(np.diff(inside)).astype(int) <= high
    shares = Counter(row["sampling"] for row in table(geolife / "truth_parameters.csv"))
    assert shares["1-2 s"] / 150 == pytest.approx(0.6, abs=0.1)
    assert shares["5 s"] / 150 == pytest.approx(0.3, abs=0.1)
    assert shares["5-10 m"] / 150 == pytest.approx(0.1, abs=0.06)


def test_gaps_of_the_truth_stand_in_the_files(geolife):
    rows = table(geolife / "truth_parameters.csv")
    lost = [row for row in rows if row["gap_s"] != "0"]
    assert len(lost) == round(0.03 * len(rows))
    for row in lost:
        times, _ = fixes_of(geolife, row["traveller"])
        start = np.datetime64(int(float(row["started"])), "s")
        inside = times[(times >= start) & (times <= start + np.timedelta64(int(row["duration_s"]), "s"))]
        longest = np.diff(inside).max().astype(int)
        assert 60 <= int(row["gap_s"]) <= 300
        assert longest >= int(row["gap_s"])


def test_users_ride_four_routes_again_and_again():
    city, layout = read_city("a"), read_layout("geolife")
    journeys = plan_journeys(city, layout, 4, 40, 6, np.random.default_rng(7))
    for user in range(4):
        ridden = Counter(id(trip.route) for own in journeys if own.user == user for trip in own.trips)
        assert sorted(ridden.values())[-4:] == [6, 6, 6, 6]
        assert sum(ridden.values()) == 40 and len(ridden) == 4 + 16
        starts = [own.start for own in journeys if own.user == user]
        assert starts == sorted(starts)
        assert np.timedelta64(2 * 365, "D") < starts[-1] - starts[0] < np.timedelta64(3 * 366, "D")


def test_people_differ_in_speed(tmp_path):
    rows = table(write(tmp_path / "people", {"users": 24, "trips_per_user": 60, "minutes": 3}) / "truth_parameters.csv")
    city = read_city("a")
    means = {component.name: component.cruise[0] for offered in city.components.values() for component in offered}
    factors = {}
    for row in rows:
        factors.setdefault(row["traveller"], []).append(float(row["cruise_km_h"]) / means[row["component"]])
    spread = np.std([np.mean(own) for own in factors.values()])
    assert spread == pytest.approx(0.08, abs=0.035)


def test_spikes_and_repeated_times_have_their_shares(tmp_path):
    folder = write(tmp_path / "many", {"users": 12, "trips_per_user": 40})
    repeated = total = spikes = 0
    for path in folder.glob("Data/*/Trajectory/*.plt"):
        rows = plt_rows(path)
        times = plt_times(rows).astype(int)
        fresh = np.diff(times, prepend=-1) > 0
        repeated += (~fresh).sum()
        total += len(rows)
        place = np.array([[float(row[0]), float(row[1])] for row in rows])[fresh]
        place *= 111_195 * np.array([1, np.cos(np.radians(40.5))])
        near = np.diff(times[fresh]) <= 5
        off = np.hypot(*(place[1:-1] - (place[2:] + place[:-2]) / 2).T)
        off = np.concatenate([[0], np.where(near[1:] & near[:-1], off, 0), [0]])
        # The neighbours of a spike are off by half of what it is itself.
        spikes += ((off[1:-1] > 150) & (off[1:-1] > off[2:]) & (off[1:-1] > off[:-2])).sum()
    assert repeated / total == pytest.approx(0.002, rel=0.2)
    assert spikes / total == pytest.approx(0.0005, rel=0.3)


def test_a_load_test_holds_the_points_asked_for_and_truth_that_fits(tmp_path):
    folder = write(tmp_path / "load", {"load_test": 30_000})
    files = sorted(folder.glob("Data/*/Trajectory/*.plt"))
    times = {}
    total = 0
    for path in files:
        rows = plt_rows(path)
        total += len(rows)
        own = plt_times(rows)
        assert path.stem == "".join(letter for letter in str(own[0]) if letter.isdigit())
        days = np.array([float(row[4]) for row in rows])
        np.testing.assert_allclose(days, (own - np.datetime64("1899-12-30", "s")) / np.timedelta64(1, "D"), atol=1e-9)
        times.setdefault(path.parent.parent.name, []).append(own)
    assert total == 30_000
    assert len(files) == round(30_000 / 1332)
    rows = label_rows(folder)
    assert {f"{user}_{number:05d}": GEOLIFE[word] for user, number, _, _, word in rows} == truth(folder)
    for user, _, start, end, _ in rows:
        every = np.concatenate(times[user])
        assert ((every >= start) & (every <= end)).sum() > 300
