"""MobilityNet: check values on the published files, and files made by hand with every kind of fault."""

import json
from collections import Counter

import numpy as np
import pytest
from landbridge.domains.gps_traces import transitions
from landbridge.domains.gps_traces.modes import CLASSES
from landbridge.domains.gps_traces.readers import READERS
from landbridge.stage import StageError

from tests.unit.domains.gps_traces.described import round_trip

read = READERS["mobilitynet"]
SPECS = ["car_scooter_brex_san_jose", "train_bus_ebike_mtv_ucb", "unimodal_trip_car_bike_mtv_la"]


@pytest.fixture(scope="module")
def published(mirror):
    return mirror / "gps_traces" / "mobilitynet"


@pytest.fixture(scope="module")
def found(published):
    """Units and counts by phone."""
    return {
        phone: (list(read(published, {"phones": [f"ucb-sdb-{phone}"]}, counts=counts)), counts)
        for phone, counts in (("android-3", Counter()), ("ios-3", Counter()))
    }


# The published files.


def test_sections_and_runs(found):
    for _, counts in found.values():
        assert counts["sections"] == 375
        assert counts["runs"] == 62
        assert counts["messages"] - counts["dropped: repeated message"] == 1156
        modes = {name[len("sections: ") :]: count for name, count in counts.items() if name.startswith("sections: ")}
        assert modes == {
            "WALKING": 179,
            "STOPPED": 79,
            "BUS": 31,
            "TRAIN": 24,
            "CAR": 13,
            "E_BIKE": 12,
            "SUBWAY": 12,
            "LIGHT_RAIL": 12,
            "ESCOOTER": 7,
            "BICYCLING": 6,
        }
        assert counts["dropped: section that no plan lists"] == 0


def test_runs_of_each_trip(published):
    files = sorted(published.glob("bin/data/ucb-sdb-ios-1/*/manual~evaluation_transition/*.json"))
    plans = {spec: transitions.read_plan(published / "spec_creation", spec) for spec in SPECS}
    sections = transitions.sections(transitions.messages(files, Counter()), plans, Counter())
    runs = {(section.spec, section.trip, section.run) for section in sections}
    assert sorted(Counter(run[:2] for run in runs).values()) == [6, 6, 7, 7, 12, 12, 12]
    assert all(section.stop > section.start for section in sections)


LABELLED = {
    "android-3": (
        *(10_804, 9_198),
        {
            "BICYCLING": 3281,
            "CAR": 2166,
            "WALKING": 1178,
            "TRAIN": 806,
            "BUS": 803,
            "SUBWAY": 293,
            "E_BIKE": 204,
            "ESCOOTER": 201,
            "STOPPED": 185,
            "LIGHT_RAIL": 81,
        },
    ),
    "ios-3": (
        *(11_966, 11_464),
        {
            "BUS": 2616,
            "TRAIN": 2212,
            "WALKING": 1911,
            "CAR": 1198,
            "BICYCLING": 782,
            "STOPPED": 649,
            "SUBWAY": 639,
            "ESCOOTER": 633,
            "E_BIKE": 537,
            "LIGHT_RAIL": 287,
        },
    ),
}


@pytest.mark.parametrize("phone", LABELLED)
def test_distinct_and_labelled_fixes(found, phone):
    distinct, labelled, by_mode = LABELLED[phone]
    counts = found[phone][1]
    assert counts["distinct points"] == distinct
    assert distinct - counts["dropped: point outside sections"] == labelled
    assert {name[17:]: n for name, n in counts.items() if name.startswith("labelled points: ")} == by_mode


def test_what_is_left_of_the_published_files(found):
    trips = {phone: Counter(CLASSES[unit.static["mode"]] for unit in units) for phone, (units, _) in found.items()}
    assert trips["android-3"] == {"walk": 23, "train": 12, "bus": 10, "car": 10, "bike": 9}
    assert trips["ios-3"] == {"walk": 38, "train": 12, "bus": 10, "car": 8, "bike": 9}
    for phone, (units, counts) in found.items():
        assert counts["trips"] == len(units)
        assert [unit.name for unit in units] == sorted(unit.name for unit in units)
        for unit in units:
            assert unit.static["platform"] == phone.split("-")[0]
            assert unit.static["setting"] in ("HAMFDC", "MAHFDC")
            assert unit.static["region"] == "San Francisco Bay Area"
            assert (np.diff(unit.time.astype(int)) > 0).all()
            assert np.isnan(unit.values["speed"][0])
            assert np.nanmax(unit.values["speed"]) <= 350
            assert 36.9 < unit.values["latitude"].min() < unit.values["latitude"].max() < 38.1


def test_phones_of_one_run_share_its_name(found):
    runs = [{unit.static["run"] for unit in units} for units, _ in found.values()]
    assert len(runs[0] & runs[1]) >= 15
    route = {}
    for units, _ in found.values():
        for unit in units:
            *_, spec, trip, run, _ = unit.name.split("~")
            assert unit.static["run"] == f"{spec}/{trip}/{run}"
            key = unit.name.split("~", 1)[1]
            assert route.setdefault(key, unit.static["route"]) == unit.static["route"]


@pytest.mark.parametrize(("phone", "walks", "rides_of_walks"), [("android-3", 23, 17), ("ios-3", 38, 19)])
def test_the_default_keeps_walks_of_all_three_types(published, found, phone, walks, rides_of_walks):
    settings = {"phones": [f"ucb-sdb-{phone}"], "leg_types": ["TRAVEL"]}
    travelled = list(read(published, settings, counts=Counter()))
    assert [sum(unit.static["mode"] == 4 for unit in units) for units in (found[phone][0], travelled)] == [
        *(walks, rides_of_walks)
    ]
    assert found[phone][1]["dropped: section of type WAITING"] == 79


def test_local_time(found):
    unit = next(unit for unit in found["android-3"][0] if unit.name.endswith("bus trip with e-scooter access~1~5"))
    assert unit.static["start_hour"] == pytest.approx(16 + 55 / 60 + 57 / 3600)  # 23:55:57 UTC in July


def test_the_file_that_is_written(found, tmp_path):
    units, _ = found["android-3"]
    dataset = round_trip(tmp_path / "a.nc", units)
    assert dataset["mode"].tolist() == [unit.static["mode"] for unit in units]
    assert dataset["mode_detail"].tolist()[0] == units[0].static["mode_detail"]
    np.testing.assert_array_equal(dataset["latitude"], np.concatenate([unit.values["latitude"] for unit in units]))
    assert "mode_truth" not in dataset


# Files made by hand: one trip of three legs on phone ios-1, seen by a second phone.

BEGIN = 1_600_000_000
LEGS = [("walk_start", "ACCESS", "WALKING"), ("ride", "TRAVEL", "BUS"), ("walk_end", "ACCESS", "WALKING")]


def plan(spec="spec", legs=LEGS):
    legs = [{"id": leg, "type": kind, "mode": mode} for leg, kind, mode in legs]
    trip = {"id": "there", "legs": legs}
    return {"id": spec, "region": {"name": "Town", "timezone": "America/Los_Angeles"}, "evaluation_trips": [trip]}


def message(time, what, name, spec="spec"):
    return {
        "metadata": {"key": "manual/evaluation_transition"},
        "data": {"ts": BEGIN + time, "transition": what, "trip_id": name, "spec_id": spec},
    }


def script(begin=0, spec="spec"):
    found = [message(begin, "START_EVALUATION_TRIP", "there", spec)]
    for number, (leg, _, _) in enumerate(LEGS):
        found.append(message(begin + 100 * number, "START_EVALUATION_SECTION", leg, spec))
        found.append(message(begin + 100 * number + 100, "STOP_EVALUATION_SECTION", leg, spec))
    return [*found, message(begin + 300, "STOP_EVALUATION_TRIP", "there", spec)]


def fix(time, lat=37.0, **changes):
    data = {"ts": BEGIN + time, "latitude": lat, "longitude": -122.0, "accuracy": 10.0, **changes}
    return {"metadata": {"platform": "android", "time_zone": "America/Los_Angeles"}, "data": data}


def write(folder, fixes=None, messages=None, plan_=None, phone="phone-2", spec="spec"):
    fixes = [fix(time, 37 + 1e-5 * time) for time in range(0, 300, 5)] if fixes is None else fixes
    place = folder / "bin" / "data"
    files = {
        place / phone / spec / "background~location" / "0_1.json": fixes,
        place / "ios-1" / spec / "manual~evaluation_transition" / "0_1.json": script()
        if messages is None
        else messages,
        folder / "spec_creation" / transitions.FILLED / f"{spec}.filled.reroute.json": plan_ or plan(),
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def units(folder, **settings):
    counts = Counter()
    return {unit.name: unit for unit in read(folder, settings, counts=counts)}, counts


def test_three_legs(tmp_path):
    found, counts = units(write(tmp_path))
    assert list(found) == [f"phone-2~spec~there~1~{number}" for number in (1, 2, 3)]
    assert [unit.static["mode_detail"] for unit in found.values()] == ["WALKING", "BUS", "WALKING"]
    assert [len(unit.time) for unit in found.values()] == [20, 20, 20]  # the start is inside, the stop is not
    assert {unit.static["run"] for unit in found.values()} == {"spec/there/1"}
    assert len({unit.static["journey"] for unit in found.values()}) == 1
    assert counts["dropped: point outside sections"] == 0
    unit = found["phone-2~spec~there~1~2"]
    assert unit.time[0] == np.datetime64(1000 * (BEGIN + 100), "ms")
    assert unit.values["speed"][1:] == pytest.approx(3.6 * 1.111949, rel=1e-4)


def test_one_folder_below(tmp_path):
    write(tmp_path / "mobilitynet-analysis-scripts")
    assert len(units(tmp_path)[0]) == 3


def test_equal_bytes_whatever_the_order_of_records(tmp_path):
    fixes = [fix(time, 37 + 1e-5 * time) for time in range(0, 300, 5)]
    first, _ = units(write(tmp_path / "a", fixes))
    second, counts = units(write(tmp_path / "b", fixes[::-1], script()[::-1]))
    assert counts["points earlier than the one before, sorted"] == 59
    for name, unit in first.items():
        np.testing.assert_array_equal(unit.time, second[name].time)
        np.testing.assert_array_equal(unit.values["speed"], second[name].values["speed"])
        assert unit.static == second[name].static


def test_repeated_messages_trials_and_codes(tmp_path):
    texts = script()
    numbers = [{**record, "data": {**record["data"]}} for record in texts]
    for record in numbers:
        record["data"]["transition"] = transitions.CODES.index(record["data"]["transition"])
    trial = script(begin=-1000, spec="spec_pilot")
    found, counts = units(write(tmp_path, messages=[*texts, *numbers, *trial]))
    assert len(found) == 3
    assert counts["dropped: repeated message"] == len(texts)
    assert counts["runs"] == 1


def test_a_second_run_is_numbered(tmp_path):
    fixes = [fix(time + begin, 37 + 1e-5 * time) for begin in (0, 7200) for time in range(0, 300, 5)]
    found, _ = units(write(tmp_path, fixes, [*script(), *script(begin=7200)]))
    assert [name.split("~")[3:] for name in found] == [[run, leg] for run in "12" for leg in "123"]
    assert len({unit.static["journey"] for unit in found.values()}) == 2


def test_settings_of_periods(tmp_path):
    folder = write(tmp_path)
    place = folder / "bin/data/phone-2/spec/manual~evaluation_transition"
    place.mkdir()
    period = [
        message(-50, "START_EVALUATION_PERIOD", "HAHFDC v/s HAMFDC:HAMFDC"),
        message(150, "STOP_EVALUATION_PERIOD", "HAHFDC v/s HAMFDC:HAMFDC"),
    ]
    (place / "0_1.json").write_text(json.dumps(period))
    assert [unit.static["setting"] for unit in units(folder)[0].values()] == ["HAMFDC", "HAMFDC", ""]


def test_messages_without_a_partner_are_counted(tmp_path):
    messages = [record for record in script() if record["data"]["transition"] != "STOP_EVALUATION_TRIP"]
    del messages[-1]
    messages.insert(0, message(-10, "START_EVALUATION_SECTION", "early"))
    messages.append(message(400, "STOP_EVALUATION_SECTION", "late"))
    found, counts = units(write(tmp_path, messages=messages))
    assert len(found) == 2
    for reason in ("section outside a trip", "section without an end", "end of a section that did not start"):
        assert counts[f"dropped: {reason}"] == 1
    assert counts["dropped: trip without an end"] == 1


def test_a_leg_that_no_plan_lists_is_left_out(tmp_path):
    found, counts = units(write(tmp_path, plan_=plan(legs=[("other", "TRAVEL", "CAR")])))
    assert [unit.static["mode_detail"] for unit in found.values()] == ["WALKING", "WALKING"]  # known by their names
    assert counts["dropped: section that no plan lists"] == 1


def test_a_trip_of_one_mode_may_stand_without_legs(tmp_path):
    folder = write(tmp_path, plan_={"evaluation_trips": [{"id": "there", "mode": "CAR"}]})
    filled = folder / "spec_creation" / transitions.FILLED / "spec.filled.reroute.json"
    written = folder / "spec_creation" / transitions.WRITTEN / "spec.json"
    written.parent.mkdir()
    filled.rename(written)
    plan_ = transitions.read_plan(folder / "spec_creation", "spec")
    assert plan_.legs == {("there", "there"): ("TRAVEL", "CAR")}
    found, _ = units(folder)
    assert {unit.static["region"] for unit in found.values()} == {""}
    assert all(np.isnan(unit.static["start_hour"]) for unit in found.values())


def test_e_bikes_may_be_left_out(tmp_path):
    folder = write(tmp_path, plan_=plan(legs=[*LEGS[:1], ("ride", "TRAVEL", "E_BIKE"), *LEGS[2:]]))
    assert [unit.static["mode"] for unit in units(folder)[0].values()] == [4, 0, 4]
    found, counts = units(folder, drop_e_bike=True)
    assert [unit.static["mode"] for unit in found.values()] == [4, 4]
    assert counts["dropped: section of mode E_BIKE"] == 1


def test_scooters_and_waits_are_dropped_and_counted(tmp_path):
    legs = [*LEGS[:1], ("ride", "TRAVEL", "ESCOOTER"), ("walk_end", "WAITING", "STOPPED")]
    found, counts = units(write(tmp_path, plan_=plan(legs=legs)))
    assert len(found) == 1
    assert counts["dropped: section of mode ESCOOTER"] == 1
    assert counts["dropped: section of type WAITING"] == 1
    assert "dropped: section of mode STOPPED" not in counts
    assert units(tmp_path, leg_types=["TRAVEL", "WAITING"])[1]["dropped: section of mode STOPPED"] == 1


def test_faults_of_fixes_are_counted(tmp_path):
    fixes = [fix(time, 37 + 1e-5 * time) for time in range(0, 300, 5)]
    fixes += [fix(20, 36.9), fix(25, 37 + 1e-5 * 25), fix(31, 95.0), fix(32, 0.0, longitude=0.0)]
    fixes += [fix(33, accuracy=201.0), fix(-5), fix(300)]
    del fixes[10]["data"]["accuracy"]
    found, counts = units(write(tmp_path, fixes))
    assert counts["points"] == 67
    assert counts["distinct points"] == 66
    assert counts["dropped: repeated time"] == 1
    assert counts["dropped: position out of range"] == 2
    assert counts["dropped: accuracy worse than 200 m"] == 1
    assert counts["dropped: point outside sections"] == 2
    assert sum(len(unit.time) for unit in found.values()) == 60


def test_the_truth_is_joined_by_name(tmp_path):
    folder = write(tmp_path)
    names = list(units(folder)[0])
    rows = [f"{name},{mode}" for name, mode in zip(names, "314", strict=True)]
    (folder / "truth.csv").write_text("\n".join(["unit,mode", *rows, ""]))
    assert [unit.static["mode_truth"] for unit in units(folder)[0].values()] == [3, 1, 4]
    (folder / "truth.csv").write_text(f"unit,mode\n{names[0]},3\n")
    with pytest.raises(StageError, match=f"does not name the unit {names[1]}"):
        units(folder)


def without(record, *keys):
    found = json.loads(json.dumps(record))
    inner = found
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return found


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"fixes": [fix(0), without(fix(1), "data", "latitude")]}, "0_1.json, record 2: no key data.latitude"),
        ({"fixes": [without(fix(0), "data", "ts")]}, "record 1: no key data.ts"),
        ({"fixes": [without(fix(0), "data")]}, "record 1: no key data.ts"),
        ({"fixes": [without(fix(0), "metadata", "platform")]}, "record 1: no key metadata.platform"),
        ({"fixes": [fix(0, longitude="west")]}, "record 1: data.longitude is 'west'; a number"),
        ({"fixes": [fix(0, accuracy="bad")]}, "record 1: data.accuracy is 'bad'; a number"),
        ({"fixes": '[{"metadata": {}, "da'}, "0_1.json: is no whole JSON file"),
        ({"fixes": {"a": 1}}, "0_1.json: holds no list of records"),
        ({"messages": [message(0, "START_TRIP", "there")]}, "record 1: transition 'START_TRIP' is not known"),
        ({"messages": [message(0, 9, "there")]}, "record 1: transition 9 is not known"),
        ({"messages": [without(message(0, 4, "there"), "data", "trip_id")]}, "record 1: no key data.trip_id"),
        ({"messages": []}, "no phone records sections of spec"),
        ({"plan_": plan(legs=[("ride", "TRAVEL", "FERRY")])}, "leg ride: mode 'FERRY' is not known; write one of BICY"),
        ({"plan_": {"evaluation_trips": [{"legs": []}]}}, "is no plan"),
        ({"plan_": "{"}, "is no plan"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, changes, text):
    with pytest.raises(StageError, match=text):
        units(write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"phones": ["phone-9"]}, "phones .*write a list of ios-1, phone-2"),
        ({"specs": "spec"}, "specs spec: write a list of spec"),
        ({"specs": 5}, "specs 5: write a list of spec"),
        ({"phones": []}, "write a list of ios-1"),
        ({"leg_types": "TRAVEL"}, "leg_types is 'TRAVEL'; write something like"),
        ({"drop_e_bike": "no"}, "drop_e_bike is 'no'; write something like False"),
        ({"leg_types": ["RIDE"]}, "write a list of TRAVEL, ACCESS, TRANSFER, WAITING"),
        ({"cleaning": "none"}, "cleaning is 'none'"),
        ({"phone": ["a"]}, "phone is not known; write cleaning, resample, drop_e_bike"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path, settings, text):
    with pytest.raises(StageError, match=text):
        units(write(tmp_path), **settings)


def test_a_folder_without_the_layout_is_refused(tmp_path):
    with pytest.raises(StageError, match="holds no bin/data"):
        units(tmp_path)
    folder = write(tmp_path)
    (folder / "spec_creation" / transitions.FILLED / "spec.filled.reroute.json").unlink()
    with pytest.raises(StageError, match="it gives the modes of spec spec"):
        units(folder)


def test_the_published_filter_marks_its_units(tmp_path):
    folder = write(tmp_path)
    for cleaning, leakage in (("label_free", ""), ("paper", "label_filter")):
        found, _ = units(folder, cleaning=cleaning)
        assert {(unit.static["cleaning"], unit.static["leakage"]) for unit in found.values()} == {(cleaning, leakage)}
