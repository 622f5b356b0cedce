"""Every check of the audit catches the leak that is planted for it, and lets the honest split pass."""

import json
import logging

import numpy as np
import pytest
from landbridge.io import netcdf
from landbridge.prepare import audit, duplicates, places, ragged, split, split_rules
from landbridge.prepare.split_rules import Stretch
from landbridge.stage import Job, StageError

METRE = 1 / 111_195  # degrees of latitude


@pytest.fixture
def parted(made):
    """The parts of honest towers; with changes of settings and data."""

    def run(dataset=None, **changes):
        settings = made.settings(**changes)
        dataset = dataset or made.towers()
        return split.part(dataset, dataset, settings, 0).dataset, settings

    return run


@pytest.fixture
def run(tmp_path):
    """The whole stage on one file."""

    def stage(dataset, settings):
        netcdf.write(tmp_path / "in.nc", dataset)
        names = (*split.FILES, "answers", "truth", "split", "audit")
        inputs = dict.fromkeys(("source", "target"), tmp_path / "in.nc")
        split.run(Job("split", inputs, {name: tmp_path / name for name in names}, settings, {"fold": "0"}))
        return json.loads((tmp_path / "audit").read_text())

    return stage


def one(results, check):
    found = [result for result in results if result["check"] == check]
    assert len(found) == 1
    return found[0]


def pair_in(dataset, *parts):
    """The first unit of each of two parts."""
    return [int(np.flatnonzero(dataset["part"] == part)[0]) for part in parts]


def test_honest_towers_pass_every_check(made, run):
    report = run(made.towers(), made.settings())
    assert {check["level"] for check in report["checks"]} == {"ok"}
    assert report["counts"]["target_test"] == {"groups": 6, "units": 6, "rows": 720}
    assert {tuple(sorted(set(check) - {"km"})) for check in report["checks"]} == {("check", "groups", "level", "text")}


# -- shared groups ------------------------------------------------------------------------------------------------


def test_a_group_in_two_parts_is_a_failure(made, parted):
    dataset, settings = parted()
    first, second = pair_in(dataset, "target_pool", "target_test")
    groups = dataset["group"].astype(object)
    groups[second] = groups[first]
    found = one(audit.shared_groups(made.changed(dataset, group=groups), settings), "shared groups")
    assert (found["level"], found["groups"]) == ("failure", [groups[first]])
    assert "give both records one group in the reader" in found["text"]


def test_a_unit_in_two_parts_is_a_failure(made, parted):
    dataset, settings = parted()
    first, second = pair_in(dataset, "source_train", "source_val")
    names = dataset["unit_name"].astype(object)
    names[second] = names[first]
    results = audit.shared_groups(made.changed(dataset, unit_name=names), settings)
    assert one(results, "shared units")["level"] == "failure"
    assert one(results, "shared groups")["level"] == "ok"


def test_on_a_time_axis_the_pool_and_test_of_a_group_are_one_place_and_the_source_is_another(made):
    dataset, settings = made.towers(), made.time_settings()
    cut = split.part(dataset, dataset, settings, 0).dataset
    assert {check["level"] for check in audit.shared_groups(cut, settings)} == {"ok"}
    groups = cut["group"].astype(object)
    groups[pair_in(cut, "source_train")[0]] = groups[pair_in(cut, "target_test")[0]]
    assert one(audit.shared_groups(made.changed(cut, group=groups), settings), "shared groups")["level"] == "failure"


# -- same coordinates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("metres", "level"), [(0, "failure"), (300, "failure"), (990, "failure"), (1010, "ok")])
@pytest.mark.parametrize("parts", [("source_train", "target_test"), ("target_pool", "target_test")])
def test_a_tower_under_a_second_name_or_300_m_away_is_found(made, parted, metres, level, parts):
    dataset, settings = parted()
    first, second = pair_in(dataset, *parts)
    lat = dataset["lat"].astype(float)
    lat[second] = lat[first] + metres * METRE
    (found,) = places.same_places(made.changed(dataset, lat=lat), settings)
    assert found["level"] == level
    if level == "failure":
        assert found["groups"] == sorted(dataset["group"][[first, second]].tolist())
        assert all(str(dataset["unit_name"][index]) in found["text"] for index in (first, second))


def test_neighbours_in_one_part_are_no_leak(made, parted):
    dataset, settings = parted()
    lat = np.where(dataset["part"] == "source_train", 80.0, dataset["lat"]).astype(np.float32)
    assert places.same_places(made.changed(dataset, lat=lat), settings)[0]["level"] == "ok"


def test_places_near_each_other_equal_a_comparison_of_all_pairs():
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(59, 59.05, 200), rng.uniform(9.95, 10.05, 200)
    lat[:40], lon[:40] = lat[40:80], lon[40:80]
    lat[5] = np.nan
    side = rng.choice(["a", "b", "c"], 200)
    first, second = places.near_pairs(lat, lon, side, 1.0)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    expected = {
        (i, j)
        for i in range(200)
        for j in range(i + 1, 200)
        if side[i] != side[j] and places.distance_km(lat[i], lon[i], lat[j], lon[j]) < 1.0
    }
    assert found <= expected

    # Units at one place of one side stand for each other, so compare places.
    def compared(pairs):
        return {frozenset(((lat[i], lon[i], side[i]), (lat[j], lon[j], side[j]))) for i, j in pairs}

    assert compared(found) == compared(expected)
    assert len(expected) > 500


# -- near duplicates ----------------------------------------------------------------------------------------------


def copied(made, dataset, rows, columns, noise=1e-4, parts=("source_train", "target_test"), seed=1):
    """Rows of the second unit replaced by those of the first, with noise."""
    first, second = pair_in(dataset, *parts)
    bounds = ragged.offsets(dataset["row_size"])
    rng = np.random.default_rng(seed)
    new = {}
    for name in columns:
        new[name] = dataset[name].copy()
        rows_of_first = slice(bounds[first] + 30, bounds[first] + 30 + rows)
        new[name][bounds[second] + 30 : bounds[second] + 30 + rows] = dataset[name][rows_of_first]
        new[name][bounds[second] + 30 : bounds[second] + 30 + rows] += noise * rng.normal(size=rows)
    return made.changed(dataset, **new), sorted(dataset["group"][[first, second]].tolist())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("parts", [("source_train", "target_test"), ("target_pool", "target_test")])
def test_twenty_rows_copied_with_noise_are_a_failure(made, parted, seed, parts):
    dataset, settings = parted(made.towers(60, 100))
    planted, groups = copied(made, dataset, 20, [*made.inputs, *made.targets], parts=parts, seed=seed)
    results = audit.near_duplicates(planted, settings)
    found = one(results, "near duplicates")
    assert (found["level"], found["groups"]) == ("failure", groups)
    assert "(20 rows)" in found["text"]
    assert "merge the two in the reader" in found["text"]
    assert one(results, "equal inputs")["level"] == "ok"


def test_nineteen_rows_are_chance(made, parted):
    dataset, settings = parted()
    planted, _ = copied(made, dataset, 19, [*made.inputs, *made.targets])
    assert {result["level"] for result in audit.near_duplicates(planted, settings)} == {"ok"}


def test_equal_inputs_with_labels_of_their_own_are_a_warning_with_counts(made, parted):
    dataset, settings = parted()
    planted, groups = copied(made, dataset, 40, made.inputs, noise=0)
    results = audit.near_duplicates(planted, settings)
    assert one(results, "near duplicates")["level"] == "ok"
    found = one(results, "equal inputs")
    assert (found["level"], found["groups"]) == ("warning", groups)
    assert "(40 rows)" in found["text"]


def test_many_units_of_one_grid_cell_do_not_hide_a_copy(made, parted):
    dataset, settings = parted(made.towers(20, 20))
    for name in made.inputs:  # every unit has the inputs of the first
        values = np.tile(dataset[name][:120], 40)
        dataset = made.changed(dataset, **{name: values})
    planted, groups = copied(made, dataset, 20, made.targets)
    found = one(audit.near_duplicates(planted, settings), "near duplicates")
    assert (found["level"], found["groups"]) == ("failure", groups)


def test_rows_without_labels_or_without_inputs_are_no_copies(made, parted):
    dataset, settings = parted()
    bare = {name: np.full(len(dataset["time"]), np.nan, np.float32) for name in made.targets}
    planted, _ = copied(made, made.changed(dataset, **bare), 20, made.inputs)
    assert one(audit.near_duplicates(planted, settings), "near duplicates")["level"] == "ok"
    bare = {name: np.full(len(dataset["time"]), np.nan, np.float32) for name in made.inputs}
    assert {found["level"] for found in audit.near_duplicates(made.changed(dataset, **bare), settings)} == {"ok"}


def test_fluxes_in_tiny_units_are_not_all_alike(made, parted):
    dataset, settings = parted()
    tiny = {name: (dataset[name] * 1e-9).astype(np.float32) for name in (*made.inputs, *made.targets)}
    dataset = made.changed(dataset, **tiny)
    assert {found["level"] for found in audit.near_duplicates(dataset, settings)} == {"ok"}
    planted, _ = copied(made, dataset, 20, [*made.inputs, *made.targets], noise=1e-13)
    assert one(audit.near_duplicates(planted, settings), "near duplicates")["level"] == "failure"


def test_copies_with_classes_are_found(made, parted):
    dataset, settings = parted()
    classes = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "walk ride"}
    mode = (np.arange(30) % 2).astype(np.uint8)
    first, second = pair_in(dataset, "source_train", "target_test")
    for equal in (True, False):
        mode[second] = mode[first] if equal else 1 - mode[first]
        trips = ragged.with_variables(dataset, {"mode": made.on_unit(mode, "target", **classes)})
        planted, _ = copied(made, trips, 25, made.inputs)
        results = audit.near_duplicates(planted, {**settings, "targets": ["mode"], "task": "classification"})
        assert one(results, "near duplicates")["level"] == ("failure" if equal else "ok")
        assert one(results, "equal inputs")["level"] == ("ok" if equal else "warning")


def test_equal_images_in_different_parts_are_found(made):
    chips = made.chips(6)
    image, label = chips["reflectance"].copy(), chips["label"].copy()
    image[4], label[4] = image[1], label[1]
    image[5] = image[0]
    side = np.array(["a", "a", "a", "b", "b", "b"])
    found = duplicates.copied_chips(made.changed(chips, reflectance=image, label=label), side)
    assert found == {(0, 5): (1, 0), (1, 4): (1, 1)}
    image[2] = image[3] = 0.5  # nothing was seen
    assert (2, 3) not in duplicates.copied_chips(made.changed(chips, reflectance=image), side)


def test_copies_are_found_without_comparing_all_pairs(made, parted):
    """Agreement with a comparison of all pairs of rows of one time."""
    dataset, settings = parted(made.towers(6, 10, days=60))
    planted, _ = copied(made, dataset, 25, [*made.inputs, *made.targets])
    side = planted["part"].astype(str)
    found = duplicates.agreeing_rows(planted, side, settings)
    unit = np.repeat(np.arange(16), 60)
    expected = {}
    for first in range(16):
        for second in range(first + 1, 16):
            if side[first] != side[second]:
                alike = np.ones(60, bool)
                for name in made.inputs:
                    values = planted[name].astype(np.float64)
                    alike &= np.abs(values[unit == first] - values[unit == second]) <= duplicates._rounding(
                        planted[name]
                    )
                if alike.any():
                    expected[first, second] = int(alike.sum())
    assert {pair: inputs for pair, (inputs, _) in found.items()} == expected


# -- time overlap -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [5, -9, -10])
def test_windows_that_reach_over_the_cut_stop_the_workflow(made, run, monkeypatch, overlap):
    """A rule that lets pool and test share half a window, or leaves a gap one step too short, or (last) the gap."""

    def reaching(population, settings, fold):
        found = []
        for stretch in split_rules.leading_time(population, settings, fold):
            stop = 59 + overlap if stretch.part == "target_pool" else stretch.stop
            found.append(Stretch(stretch.unit, stretch.part, stretch.segment, stretch.start, stop))
        return found

    monkeypatch.setitem(split_rules.RULES, "tower_grouped", reaching)
    settings = made.time_settings()
    if overlap == -10:
        assert one(run(made.towers(), settings)["checks"], "time overlap")["level"] == "ok"
        return
    with pytest.raises(StageError, match=r"pool and test of t\d\d, .* lie less than 10 steps apart; widen"):
        run(made.towers(), settings)


# -- answers within reach -----------------------------------------------------------------------------------------


@pytest.fixture
def files(made, tmp_path):
    settings = made.settings()
    dataset = made.towers()
    netcdf.write(tmp_path / "in.nc", dataset)
    names = (*split.FILES, "answers", "truth", "split", "audit")
    inputs = dict.fromkeys(("source", "target"), tmp_path / "in.nc")
    split.run(Job("split", inputs, {name: tmp_path / name for name in names}, settings, {"fold": "0"}))
    return {name: netcdf.read(tmp_path / name) for name in (*split.FILES, "answers")}, settings


def test_labels_beside_inputs_are_a_failure(made, files):
    own, _ = files
    assert audit.reachable_answers(own)[0]["level"] == "ok"
    for name in ("test_inputs", "target_inputs"):
        for role in ("target", "quality", "truth"):
            label = made.on_obs(np.zeros(len(own[name]["time"]), np.float32), role)
            leaking = {**own, name: ragged.with_variables(own[name], {"extra": label})}
            (found,) = audit.reachable_answers(leaking)
            assert found["level"] == "failure"
            assert f"{name}.nc holds extra" in found["text"]


def test_a_test_unit_in_another_file_is_a_failure(files):
    own, _ = files
    test = own["test_inputs"]
    for name in ("target_labels", "source", "target_inputs", "validation_labels"):
        (found,) = audit.reachable_answers({**own, name: test})
        assert found["level"] == "failure"
        assert f"{name}.nc holds the test units {test['unit_name'][0]} (segment 0)" in found["text"]


def test_truth_in_a_training_file_is_a_failure(made, files):
    own, _ = files
    truth = made.on_obs(np.zeros(len(own["source"]["time"]), np.float32), "truth")
    (found,) = audit.reachable_answers({**own, "source": ragged.with_variables(own["source"], {"ideal": truth})})
    assert "source.nc holds ideal" in found["text"]


def test_a_class_that_is_the_label_beside_inputs_is_a_failure(made, files):
    own, settings = files
    assert audit.label_classes(own, settings)[0]["level"] == "ok"
    mode = made.on_unit(np.zeros(len(own["source"]["unit_name"]), np.uint8), "target")
    own = {**own, "source": ragged.with_variables(own["source"], {"mode": mode})}
    (found,) = audit.label_classes(own, {**settings, "class_of": "mode"})
    assert found["level"] == "failure"
    assert "target_inputs.nc, test_inputs.nc hold it" in found["text"]


def test_a_target_population_chosen_by_its_labels_is_a_failure_and_a_source_is_told(made, parted):
    dataset, settings = parted()
    dataset = ragged.with_variables(dataset, {"mode": made.on_unit(np.zeros(30, np.uint8), "target")})
    for side, level in (("source", "warning"), ("target", "failure")):
        chosen = {**settings, side: {"dataset": "towers", "where": {"mode": ["0"]}}}
        found = one(audit.label_filters(dataset, chosen), f"filtered by label, {side}")
        assert found["level"] == level
        assert "mode" in found["text"]
    assert {found["level"] for found in audit.label_filters(dataset, settings)} == {"ok"}


# -- a failure stops the workflow ---------------------------------------------------------------------------------


def test_a_leak_stops_the_stage_says_what_to_do_and_leaves_the_report_in_the_log(made, run, tmp_path, caplog):
    units = [{"name": f"s{n:02d}"} for n in range(10)] + [{"name": f"t{n:02d}", "climate": "B"} for n in range(12)]
    units.append({"name": "FLX-s04", "climate": "B", "lat": 4.0})  # s04 under the name of another network
    with caplog.at_level(logging.ERROR), pytest.raises(StageError) as error:
        run(made.series(units), made.settings())
    text = str(error.value)
    assert text.startswith("the audit found leaks, so nothing is trained:\n- within 1 km of each other")
    assert "s04 (source_" in text
    assert "FLX-s04 (target_" in text
    assert "split by a group column that holds neighbours together" in text
    assert not (tmp_path / "source").exists()
    record = next(record for record in caplog.records if record.getMessage().startswith("audit: "))
    report = json.loads(record.getMessage().removeprefix("audit: "))
    assert one(report["checks"], "same coordinates")["groups"] == ["FLX-s04", "s04"]


def test_the_same_site_with_one_group_is_no_leak(made, run):
    units = [{"name": f"s{n:02d}"} for n in range(10)] + [{"name": f"t{n:02d}", "climate": "B"} for n in range(12)]
    units.append({"name": "FLX-s04", "climate": "B", "lat": 4.0, "group": "s04"})
    report = run(made.series(units), made.settings())
    assert {check["level"] for check in report["checks"]} == {"ok"}
    assert report["left_out"] == [{"reason": "source unit in a group of the target", "units": ["s04"]}]
