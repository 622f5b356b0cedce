"""Splits of every task, and every planted leak that the audit must catch."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.prepare import audit, ragged, split, split_rules
from landbridge.stage import Job, StageError

from tests import synthetic

OUTPUTS = [*split.FILES, "answers", "truth"]


def run_split(folder, task="regression", fold=0, **changes):
    """Write a synthetic set, split it, and read every file."""
    folder.mkdir(parents=True, exist_ok=True)
    harmonised = folder / "all.nc"
    if not harmonised.exists():
        synthetic.write(harmonised, task)
    settings = {**synthetic.settings(task), **changes}
    outputs = {name: folder / f"{name}.nc" for name in OUTPUTS}
    outputs |= {"split": folder / "split.csv", "audit": folder / "audit.json"}
    inputs = {"source": str(harmonised), "target": str(harmonised)}
    split.run(Job("split", inputs, outputs, settings, {"fold": str(fold)}))
    return {name: netcdf.read(outputs[name]) for name in OUTPUTS}, folder


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_parts_are_disjoint_and_complete(tmp_path, task):
    files, folder = run_split(tmp_path, task)
    groups = {name: set(files[name]["group"].tolist()) for name in split.FILES}
    for first in groups:
        for second in groups:
            assert first == second or not groups[first] & groups[second]
    assert len(set().union(*groups.values())) == 28
    assert [len(groups[name]) for name in ("source", "test_inputs", "target_labels")] == [14, 4, 5]
    report = json.loads((folder / "audit.json").read_text())
    assert {check["level"] for check in report["checks"]} == {"ok"}


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_labels_of_test_units_stand_in_the_answers_alone(tmp_path, task):
    files, _ = run_split(tmp_path, task)
    for name in ("test_inputs", "target_inputs"):
        assert files[name].with_role("target") == []
        assert files[name].with_role("truth") == []
    tested = set(files["test_inputs"]["unit_name"].tolist())
    for name in set(split.FILES) - {"test_inputs"}:
        assert not tested & set(files[name]["unit_name"].tolist())
    assert files["answers"].attributes["rows_table_hash"] == files["test_inputs"].attributes["rows_table_hash"]


def test_source_validation_is_a_fifth_and_whole_groups(tmp_path):
    files, _ = run_split(tmp_path)
    part = Counter(files["source"]["part"].tolist())
    assert part == {"source_train": 11, "source_val": 3}


def test_answers_are_the_labels_of_their_rows(tmp_path):
    files, folder = run_split(tmp_path)
    whole = netcdf.read(folder / "all.nc")
    bounds = ragged.offsets(whole["row_size"])
    answers = files["answers"]
    for row in range(0, len(answers["row_unit"]), 7):
        name = answers["unit_name"][answers["row_unit"][row]]
        unit = whole["unit_name"].tolist().index(name)
        own = slice(bounds[unit], bounds[unit + 1])
        place = np.flatnonzero(whole["time"][own] == answers["row_time"][row])[0]
        assert answers["y"][row] == whole["y"][own][place]
        assert files["truth"]["y"][row] == whole["y_truth"][own][place]


def test_an_edit_of_the_order_of_units_changes_no_part(tmp_path):
    _, folder = run_split(tmp_path / "a")
    other = tmp_path / "b"
    other.mkdir()
    whole = netcdf.read(folder / "all.nc")
    netcdf.write(other / "all.nc", ragged.select_units(whole, np.arange(28)[::-1]))
    run_split(other)
    assert (other / "split.csv").read_text() == (folder / "split.csv").read_text()


def test_folds_test_every_group_once(tmp_path):
    tested = []
    for fold in range(5):
        changed = {"split": {**synthetic.COMMON["split"], "folds": 5}}
        files, _ = run_split(tmp_path, fold=fold, **changed)
        tested += files["test_inputs"]["group"].tolist()
    assert sorted(tested) == [f"site{i:02d}" for i in range(14, 28)]


def test_groups_of_both_populations_are_target_and_their_source_units_left_out(tmp_path):
    tmp_path.mkdir(exist_ok=True)
    synthetic.write(tmp_path / "all.nc", "regression")
    whole = netcdf.read(tmp_path / "all.nc")
    site = whole["site"].copy()
    site[0] = "site27"
    netcdf.write(
        tmp_path / "all.nc",
        Dataset(
            {**whole.variables, "site": Variable(("unit",), site, whole.variables["site"].attributes)}, whole.attributes
        ),
    )
    files, folder = run_split(tmp_path)
    assert "unit00" not in files["source"]["unit_name"].tolist()
    left = json.loads((folder / "audit.json").read_text())["left_out"]
    assert left == [{"reason": "source unit in a group of the target", "units": ["unit00"]}]


def test_units_with_few_labels_are_left_out_and_named(tmp_path):
    tmp_path.mkdir(exist_ok=True)
    synthetic.write(tmp_path / "all.nc", "regression")
    whole = netcdf.read(tmp_path / "all.nc")
    y = whole["y"].copy()
    y[:28] = np.nan  # all but two days of the first unit
    netcdf.write(
        tmp_path / "all.nc",
        Dataset({**whole.variables, "y": Variable(("obs",), y, whole.variables["y"].attributes)}, whole.attributes),
    )
    _, folder = run_split(tmp_path, min_scored=10)
    left = json.loads((folder / "audit.json").read_text())["left_out"]
    assert left == [{"reason": "source: fewer than 10 rows with a full window and labels", "units": ["unit00"]}]


TIME = {"budget_axis": "time", "split": {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}}


def test_a_time_axis_cuts_each_group_with_a_gap(tmp_path):
    files, _ = run_split(tmp_path, **TIME)
    pool, test = files["target_labels"], files["test_inputs"]
    assert set(pool["group"].tolist()) == set(test["group"].tolist())
    assert pool["row_size"].tolist() == [12] * 10
    assert test["row_size"].tolist() == [15] * 10
    bounds = ragged.offsets(pool["row_size"])
    last_pool = dict(zip(pool["unit_name"].tolist(), pool["time"][bounds[1:] - 1].tolist(), strict=True))
    first_test = dict(
        zip(test["unit_name"].tolist(), test["time"][ragged.offsets(test["row_size"])[:-1]].tolist(), strict=True)
    )
    assert {first_test[name] - last_pool[name] for name in last_pool} == {4}
    assert not set(files["source"]["group"].tolist()) & set(test["group"].tolist())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"source": {"where": {"side": ["sorce"]}}},
            r"source: where side is sorce finds no unit; there are source \(14\), target \(14\)",
        ),
        ({"source": {"where": {"sid": ["source"]}}}, "source: where: no column 'sid'; the dataset has .*side, site"),
        (
            {"split": {**synthetic.COMMON["split"], "rule": "towers"}},
            "split: rule 'towers' is not known; write whole_groups",
        ),
        ({"split": {**synthetic.COMMON["split"], "group": ["place"]}}, "split: group: no column 'place'"),
        ({"inputs": ["a", "c"]}, "the harmonised data hold no c; mend `inputs:`"),
        ({"min_scored": 1000}, "source: no unit has 1000 rows"),
        ({"budget_axis": "time"}, "gap is 0 steps, shorter than a window of 3; write gap: 3 or more"),
    ],
)
def test_settings_that_fit_no_data_are_refused(tmp_path, changes, text):
    with pytest.raises(StageError, match=text):
        run_split(tmp_path, **changes)


# -- planted leaks ------------------------------------------------------------------------------------------------


def plant(tmp_path, **changes):
    """A synthetic set with changed variables, whose last unit of the target and first of the source are one."""
    synthetic.write(tmp_path / "all.nc", "regression")
    whole = netcdf.read(tmp_path / "all.nc")
    for name, change in changes.items():
        values = whole[name].copy()
        change(values)
        whole = Dataset(
            {
                **whole.variables,
                name: Variable(whole.variables[name].dimensions, values, whole.variables[name].attributes),
            },
            whole.attributes,
        )
    netcdf.write(tmp_path / "all.nc", whole)


def copy_first_to(unit, rows, noise):
    def change(values):
        values[unit * 30 : unit * 30 + rows] = values[:rows] + noise

    return change


def test_a_site_under_a_second_name_with_equal_coordinates(tmp_path):
    plant(tmp_path, lat=lambda lat: lat.__setitem__(27, lat[0]))
    with pytest.raises(StageError, match=r"within 1 km of each other, in different parts: unit00 .* and unit27"):
        run_split(tmp_path)


def test_a_tower_300_m_away(tmp_path):
    plant(tmp_path, lat=lambda lat: lat.__setitem__(27, lat[0] + 0.0027))
    with pytest.raises(StageError, match=r"nothing is trained:\n- within 1 km"):
        run_split(tmp_path)


def test_twenty_copied_rows_with_a_little_noise(tmp_path):
    plant(tmp_path, **{name: copy_first_to(27, 20, 1e-4) for name in ("a", "b", "y")})
    with pytest.raises(
        StageError, match=r"the same record under two names, in different parts: unit00 and unit27 \(20 rows\)"
    ):
        run_split(tmp_path)


def test_nineteen_copied_rows_are_not_yet_a_copy(tmp_path):
    plant(tmp_path, **{name: copy_first_to(27, 19, 1e-4) for name in ("a", "b", "y")})
    run_split(tmp_path)


def test_equal_inputs_alone_are_a_warning(tmp_path):
    plant(tmp_path, **{name: copy_first_to(27, 30, 0) for name in ("a", "b")})
    _, folder = run_split(tmp_path)
    checks = {check["check"]: check for check in json.loads((folder / "audit.json").read_text())["checks"]}
    assert checks["equal inputs"]["level"] == "warning"
    assert "unit00 and unit27 (30 rows)" in checks["equal inputs"]["text"]
    assert checks["near duplicates"]["level"] == "ok"


def test_a_group_in_two_parts(monkeypatch, tmp_path):
    def by_row(population, settings, fold):
        parts = split_rules.whole_groups(population, settings, fold)
        return [split_rules.Stretch(s.unit, "target_test" if s.unit == 0 else s.part) for s in parts]

    monkeypatch.setitem(split_rules.RULES, "tower_grouped", by_row)
    synthetic.write(tmp_path / "all.nc", "regression")
    whole = netcdf.read(tmp_path / "all.nc")
    site = whole["site"].copy()
    site[1] = "site00"
    netcdf.write(
        tmp_path / "all.nc",
        Dataset(
            {**whole.variables, "site": Variable(("unit",), site, whole.variables["site"].attributes)}, whole.attributes
        ),
    )
    with pytest.raises(StageError, match="group site00 stands in more than one part; give both records one group"):
        run_split(tmp_path)


def test_a_stride_half_a_window_across_the_cut(monkeypatch, tmp_path):
    def overlapping(population, settings, fold):
        found = []
        for s in split_rules.leading_time(population, settings, fold):
            moved = s.start - settings["gap"] - 1 if s.part == "target_test" else s.start
            found.append(split_rules.Stretch(s.unit, s.part, s.segment, moved, s.stop))
        return found

    monkeypatch.setitem(split_rules.RULES, "tower_grouped", overlapping)
    with pytest.raises(StageError, match=r"pool and test of site\d\d.* lie less than 3 steps apart"):
        run_split(tmp_path, **TIME)


def test_labels_beside_test_inputs(tmp_path):
    files, _ = run_split(tmp_path)
    leaky = {**{name: files[name] for name in split.FILES}, "test_inputs": files["target_labels"]}
    texts = [check["text"] for check in audit.reachable_answers({**leaky, "answers": files["answers"]})]
    assert "test_inputs.nc holds y, quality" in texts[0]
    assert "target_labels.nc holds the test units" in texts[0]


def test_a_leak_leaves_no_files(tmp_path):
    plant(tmp_path, lat=lambda lat: lat.__setitem__(27, lat[0]))
    with pytest.raises(StageError):
        run_split(tmp_path)
    assert not Path(tmp_path / "answers.nc").exists()
