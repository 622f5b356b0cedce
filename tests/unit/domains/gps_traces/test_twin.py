"""Both layouts of the twin: equal bytes, sizes, shares of modes, relabelled cities, settings that are refused."""

import csv
import hashlib
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import twin
from landbridge.domains.gps_traces.cities import CLASSES, read_city
from landbridge.stage import StageError

TINY_A = {"city": "a", "layout": "geolife", "users": 6, "trips_per_user": 25}
TINY_B = {"city": "b", "layout": "mobilitynet", "phones": 2, "runs": 6}
LARGER_B = {"city": "b", "layout": "mobilitynet", "phones": 4, "runs": 12}


def write(folder, options, seed=1, dataset="twin_trips"):
    folder.mkdir(parents=True)
    twin.write_twin(folder, dataset, seed, **options)
    return folder


@pytest.fixture(scope="module")
def geolife(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "geolife", TINY_A)


@pytest.fixture(scope="module")
def mobilitynet(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "mobilitynet", LARGER_B)


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def table(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def truth(folder):
    return {row["unit"]: int(row["mode"]) for row in table(folder / "truth.csv")}


@pytest.mark.parametrize("options", [TINY_A, TINY_B], ids=["geolife", "mobilitynet"])
def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(tmp_path, options):
    once = digest(write(tmp_path / "once", options))
    assert digest(write(tmp_path / "again", options)) == once
    other = digest(write(tmp_path / "other", options, seed=2))
    assert other["truth_parameters.csv"] != once["truth_parameters.csv"]
    assert not set(other.values()) & {value for name, value in once.items() if "location" in name or "plt" in name}
    assert digest(write(tmp_path / "name", options, dataset="other"))["truth.csv"] != once["truth.csv"]


@pytest.mark.parametrize("options", [TINY_A, TINY_B], ids=["geolife", "mobilitynet"])
def test_tiny_is_small(tmp_path, options):
    folder = write(tmp_path / "tiny", options)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 5e6


def test_either_city_comes_in_either_layout(tmp_path):
    small = {"minutes": 3}
    folder = write(
        tmp_path / "a", {"city": "a", "layout": "mobilitynet", "phones": 1, "runs": 2, **small}, dataset="twin"
    )
    assert set(truth(folder).values()) <= set(range(5))
    folder = write(
        tmp_path / "b", {"city": "b", "layout": "geolife", "users": 4, "trips_per_user": 20, **small}, dataset="twin"
    )
    assert {row["component"] for row in table(folder / "truth_parameters.csv")} >= {"freeway", "light_rail"}


@pytest.mark.parametrize("name", ["geolife", "mobilitynet"])
def test_modes_have_the_shares_of_their_city(name, request):
    folder = request.getfixturevalue(name)
    rows = table(folder / "truth_parameters.csv")
    mix = read_city("a" if name == "geolife" else "b").mode_mix
    counts = Counter(CLASSES[int(row["mode"])] for row in rows)
    for mode, share in mix.items():
        assert counts[mode] / len(rows) == pytest.approx(share, abs=0.05)
    assert all(row["mode"] == row["moved_as"] for row in rows)


@pytest.mark.parametrize(
    "options", [{**TINY_A, "minutes": 3}, {**TINY_B, "runs": 12, "minutes": 3}], ids=["geolife", "mobilitynet"]
)
def test_relabelled_modes_tell_nothing_of_the_speeds(tmp_path, options):
    rows = table(write(tmp_path / "relabelled", {**options, "relabel": True}) / "truth_parameters.csv")
    # Phones on one ride count once.
    rides = {(row["started"], row["length_m"]): (int(row["mode"]), int(row["moved_as"])) for row in rows}
    modes, moved = np.array(list(rides.values())).T
    chance = sum((modes == own).mean() * (moved == own).mean() for own in range(5))
    assert (modes == moved).mean() == pytest.approx(chance, abs=0.13)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"city": "c"}, "twin.city: 'c' is not known; write a or b"),
        ({"layout": "mobility"}, "twin.layout: 'mobility' is not known; write geolife or mobilitynet"),
        ({"users": 1}, "twin.users: 1 is out of range; write a whole number 2 to 999"),
        ({"phones": 8}, "twin.phones: layout geolife has none; leave it out, or write layout: mobilitynet"),
        ({"layout": "mobilitynet", "runs": 2.5}, "twin.runs: 2.5 is out of range"),
        ({"minutes": 0}, "twin.minutes: 0 is no median duration"),
        ({"minutes": "6"}, "twin.minutes: '6' is no median duration"),
        ({"drift": 5}, "twin.drift: 5 is no yearly growth"),
        ({"relabel": "yes"}, "twin.relabel: 'yes' is not known; write true or false"),
        ({"load_test": 10}, "twin.load_test: 10 is too few"),
        ({"load_test": 5000, "users": 8}, "twin.users: a load test has its own"),
        ({"load_test": 5000, "minutes": 6}, "twin.minutes: a load test has its own"),
        ({"layout": "mobilitynet", "load_test": 5000}, "twin.load_test: layout mobilitynet has none"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, options, text):
    with pytest.raises(StageError, match=text):
        twin.write_twin(tmp_path, "twin_trips", 1, **options)
    assert not list(tmp_path.iterdir())
