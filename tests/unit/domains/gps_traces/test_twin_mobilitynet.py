"""The twin in MobilityNet's layout: plans, messages, one vehicle for all phones, nuisance at its rates."""

import csv
import json
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import twin

LARGER_B = {"city": "b", "layout": "mobilitynet", "phones": 4, "runs": 12}
MOBILITYNET = {"BICYCLING": 0, "E_BIKE": 0, "BUS": 1, "CAR": 2, "TRAIN": 3, "SUBWAY": 3, "LIGHT_RAIL": 3, "WALKING": 4}
OF_NO_CLASS = {"STOPPED", "ESCOOTER"}


def write(folder, options, seed=1, dataset="twin_trips"):
    folder.mkdir(parents=True)
    twin.write_twin(folder, dataset, seed, **options)
    return folder


@pytest.fixture(scope="module")
def mobilitynet(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "mobilitynet", LARGER_B)


def table(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def truth(folder):
    return {row["unit"]: int(row["mode"]) for row in table(folder / "truth.csv")}


def messages(path):
    return [record["data"] for record in json.loads(path.read_text())]


def transitions(folder, phone, spec):
    (path,) = (folder / "bin" / "data" / phone / spec / "manual~evaluation_transition").glob("*.json")
    return messages(path)


SPECS = ("synthetic_loop_east", "synthetic_loop_west")
PHONES = ("ucb-sdb-android-1", "ucb-sdb-android-2", "ucb-sdb-ios-1", "ucb-sdb-ios-2")


def plans(folder):
    found = {}
    for path in (folder / "spec_creation" / "final_sfbayarea_filled_reroutes").glob("*.filled.reroute.json"):
        plan = json.loads(path.read_text())
        assert path.name == f"{plan['id']}.filled.reroute.json"
        found[plan["id"]] = {trip["id"]: trip["legs"] for trip in plan["evaluation_trips"]}
    return found


def sections(folder):
    """spec, trip, run from 1, section from 1, leg, start, stop, from the messages of the first iPhone."""
    found = []
    for spec in SPECS:
        own = sorted((m for m in transitions(folder, "ucb-sdb-ios-1", SPECS[0]) if m["spec_id"] == spec), key=by_time)
        runs, trip, number, start = Counter(), None, 0, None
        for message in own:
            edge, _, kind = message["transition"].split("_", 2)
            if kind == "TRIP":
                trip, number = (message["trip_id"], 0) if edge == "START" else (None, 0)
                runs[trip] += edge == "START"
            elif kind == "SECTION" and edge == "START":
                number, start = number + 1, message["ts"]
            elif kind == "SECTION":
                found.append((spec, trip, runs[trip], number, message["trip_id"], start, message["ts"]))
    return found


def by_time(message):
    return message["ts"], message["transition"].startswith("START")


def location_files(folder, phone):
    return sorted((folder / "bin" / "data" / phone).glob("*/background~location/*.json"))


def test_folders_and_records_are_those_of_the_published_layout(mobilitynet):
    assert sorted(path.name for path in (mobilitynet / "bin" / "data").iterdir()) == list(PHONES)
    assert sorted(plans(mobilitynet)) == list(SPECS)
    for phone in PHONES:
        files = location_files(mobilitynet, phone)
        assert len(files) == 12
        for path in files:
            records = json.loads(path.read_text())
            start, end = map(int, path.stem.split("_"))
            times = [record["data"]["ts"] for record in records]
            assert start <= min(times) and max(times) <= end and times == sorted(times)
            assert {record["metadata"]["key"] for record in records} == {"background/location"}
            assert {record["metadata"]["platform"] for record in records} == {phone.split("-")[2]}
            assert set(records[0]["metadata"]) == {"key", "write_ts", "time_zone", "platform"}
            wanted = {"latitude", "longitude", "ts", "accuracy", "sensed_speed", "altitude"}
            assert all(set(record["data"]) == wanted for record in records)


def test_only_the_first_iphone_notes_sections_and_all_files_repeat_all_messages(mobilitynet):
    for phone in PHONES:
        first, second = (transitions(mobilitynet, phone, spec) for spec in SPECS)
        key = [(m["ts"], m["trip_id"], m["spec_id"]) for m in first]
        assert key == [(m["ts"], m["trip_id"], m["spec_id"]) for m in second]
        kinds = {m["transition"].split("_", 1)[1] for m in first}
        assert ("EVALUATION_SECTION" in kinds) == (phone == "ucb-sdb-ios-1")
        assert len({m["spec_id"] for m in first}) == 3  # two specs and a pilot
        assert sum(m["transition"] == "START_EVALUATION_PERIOD" for m in first) == 12 + 1


def test_one_file_has_whole_numbers_for_words(mobilitynet):
    coded = [
        (phone, spec)
        for phone in PHONES
        for spec in SPECS
        if any(isinstance(m["transition"], int) for m in transitions(mobilitynet, phone, spec))
    ]
    assert coded == [("ucb-sdb-ios-1", SPECS[1])]
    edges = [(edge, kind) for kind in ("PERIOD", "TRIP", "SECTION") for edge in ("START", "STOP")]
    codes = {f"{edge}_EVALUATION_{kind}": number for number, (edge, kind) in enumerate(edges, start=2)}
    texts, numbers = (transitions(mobilitynet, "ucb-sdb-ios-1", spec) for spec in SPECS)
    assert [codes[m["transition"]] for m in texts] == [m["transition"] for m in numbers]


def test_a_pilot_has_trips_of_its_own_which_would_shift_the_runs(mobilitynet):
    own = transitions(mobilitynet, "ucb-sdb-ios-1", SPECS[0])
    pilot = [m for m in own if m["spec_id"] == f"{SPECS[0]}_pilot"]
    assert sum(m["transition"] == "START_EVALUATION_TRIP" for m in pilot) == 1
    assert max(m["ts"] for m in pilot) < min(m["ts"] for m in own if m["spec_id"] == SPECS[0])


def test_every_section_is_a_leg_of_its_trip_and_truth_names_those_of_the_five_modes(mobilitynet):
    legs = plans(mobilitynet)
    expected = {}
    for spec, trip, run, section, leg, start, stop in sections(mobilitynet):
        planned = legs[spec][trip][section - 1]
        assert planned["id"] == leg and start < stop
        if planned["mode"] not in OF_NO_CLASS:
            for phone in PHONES:
                name = f"{phone}~{spec}~{trip}~{run}~{section}"
                expected[name] = MOBILITYNET[planned["mode"]]
    assert expected == truth(mobilitynet)
    assert len(expected) == 12 * 8 * 4
    words = {leg["mode"] for trips in legs.values() for own in trips.values() for leg in own}
    assert words == {*MOBILITYNET, *OF_NO_CLASS}
    assert {leg["type"] for trips in legs.values() for own in trips.values() for leg in own} == {
        *("TRAVEL", "ACCESS", "WAITING")
    }


def test_city_a_walks_between_vehicles_too(tmp_path):
    legs = plans(write(tmp_path / "a", {"city": "a", "layout": "mobilitynet", "phones": 1, "runs": 2, "minutes": 3}))
    transfers = [leg for trips in legs.values() for own in trips.values() for leg in own if leg["type"] == "TRANSFER"]
    assert transfers
    assert all(leg["id"].startswith("tt_") and leg["mode"] == "WALKING" for leg in transfers)


def test_all_phones_of_a_run_ride_the_same_vehicle(mobilitynet):
    """Phones are as far apart as their noise says, however fast they ride."""
    distances = []
    for spec, _, _, _, leg, start, stop in sections(mobilitynet):
        if not leg.startswith("freeway"):
            continue
        tracks = []
        for phone in PHONES:
            for path in (mobilitynet / "bin" / "data" / phone / spec / "background~location").glob("*.json"):
                own = np.array(
                    [[m["ts"], m["latitude"], m["longitude"]] for m in messages(path) if start <= m["ts"] < stop]
                )
                if len(own) > 100:
                    tracks.append(own)
        for one in tracks[1:]:
            here = np.interp(one[:, 0], tracks[0][:, 0], tracks[0][:, 1])
            distances.append(np.median(np.abs(here - one[:, 1])) * 111_195)
    assert distances and np.median(distances) < 40


def test_iphones_are_sparser_and_noisier(mobilitynet):
    rows = table(mobilitynet / "truth_parameters.csv")
    shares = {
        platform: Counter(row["sampling"] for row in rows if platform in row["traveller"])
        for platform in ("ios", "android")
    }
    for platform, wanted in (
        ("android", {"1 s": 0.5, "5-7 s": 0.4, "30 s": 0.1}),
        ("ios", {"1 s": 0.2, "5-7 s": 0.5, "30 s": 0.3}),
    ):
        for name, share in wanted.items():
            assert shares[platform][name] / shares[platform].total() == pytest.approx(share, abs=0.05)
    accuracy = {
        phone: np.median([m["accuracy"] for path in location_files(mobilitynet, phone) for m in messages(path)])
        for phone in PHONES
    }
    assert accuracy["ucb-sdb-ios-1"] > 2 * accuracy["ucb-sdb-android-1"]


def test_spikes_repeated_times_gaps_and_tunnels_have_their_shares(mobilitynet):
    repeated = total = spikes = 0
    for phone in PHONES:
        for path in location_files(mobilitynet, phone):
            own = messages(path)
            times = np.array([m["ts"] for m in own])
            north = np.array([m["latitude"] for m in own]) * 111_195
            east = np.array([m["longitude"] for m in own]) * 111_195 * np.cos(np.radians(37.6))
            fresh = np.diff(times, prepend=-1) > 0
            repeated += (~fresh).sum()
            total += len(times)
            if np.median(np.diff(times)) < 2:  # at 1 s nothing but a spike moves by 150 m and back
                step = np.hypot(np.diff(north[fresh]), np.diff(east[fresh]))
                spikes += ((step[1:] > 150) & (step[:-1] > 150)).sum() / (fresh.sum())
    assert repeated / total == pytest.approx(0.005, abs=0.0015)
    dense = sum(row["sampling"] == "1 s" for row in table(mobilitynet / "truth_parameters.csv")) / 8
    assert spikes / dense == pytest.approx(0.002, abs=0.0008)
    rows = table(mobilitynet / "truth_parameters.csv")
    assert sum(row["gap_s"] != "0" for row in rows) / len(rows) == pytest.approx(0.08, abs=0.015)
    trains = [row for row in rows if row["mode"] == "3"]
    assert sum(row["tunnel_s"] != "0" for row in trains) / len(trains) == pytest.approx(0.5, abs=0.05)
    assert all(row["tunnel_s"] == "0" for row in rows if row["mode"] != "3")


def test_no_phone_has_a_fix_in_a_tunnel(mobilitynet):
    for row in table(mobilitynet / "truth_parameters.csv"):
        if row["tunnel_s"] == "0":
            continue
        start, stop = float(row["started"]), float(row["started"]) + int(row["duration_s"])
        times = sorted(
            m["ts"]
            for path in location_files(mobilitynet, row["traveller"])
            if int(path.stem.split("_")[0]) <= start <= int(path.stem.split("_")[1])
            for m in messages(path)
            if start <= m["ts"] <= stop
        )
        assert np.diff([start, *times, stop]).max() >= int(row["tunnel_s"])
