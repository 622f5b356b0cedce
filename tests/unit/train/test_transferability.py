"""The measures of a whole job on small sets of all three tasks."""

import pytest
from landbridge.contract import Dataset
from landbridge.io import netcdf
from landbridge.judge import tables
from landbridge.stage import Job, StageError
from landbridge.train import transferability
from landbridge.train.jackknife import FEWEST_GROUPS

from tests.line import Line

FILES = ("source", "target_inputs", "target_labels", "test_inputs")


def measured(line, name="measures.csv", **files):
    inputs = {key: str(line.folder / files.get(key, f"{key}.nc")) for key in FILES}
    inputs["checkpoint"] = str(line.folder / "checkpoint0")
    outputs, modules = {"measures": line.folder / name}, {"model": f"landbridge.models.{line.model}"}
    wildcards = {"model": line.model, "fold": "0", "seed": "0"}
    transferability.run(Job("transferability", inputs, outputs, {**line.settings, "level": 0.95}, wildcards, modules))
    return tables.read(line.folder / name)


def trained(folder, task):
    own = Line(folder, task)
    own.pretrain(epochs=1, epoch_steps=5)
    return own


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("chips"), "segmentation")


def check(rows, reasons, of_group=None):
    """Every measure has a number, with an interval where there are groups for it, or one of the reasons."""
    whole = {row["measure"]: row for row in rows if not row["group"]}
    assert list(whole) == [*transferability.DISTANCES, "label_shift", "conditional_shift", "leep", "logme"]
    assert {name for name, row in whole.items() if not row["value"]} == reasons.keys()
    for name, words in reasons.items():
        assert whole[name]["status"].startswith("not_applicable: ") and words in whole[name]["status"]
    for name in whole.keys() - reasons.keys():
        row = whole[name]
        assert row["status"] == "ok" and int(row["n"]) > 0
        assert bool(row["low"]) == (int(row["groups"]) >= FEWEST_GROUPS)
        assert not row["low"] or float(row["low"]) <= float(row["value"]) <= float(row["high"])
    groups = [row for row in rows if row["group"]]
    assert len({row["group"] for row in groups}) * len(transferability.DISTANCES) == len(groups) > 0
    lacking = {row["measure"]: row["status"] for row in groups if not row["value"]}
    assert lacking == (of_group or {}) and not any(row["low"] for row in groups)
    return whole


def test_numbers_and_their_intervals(tmp_path):
    line = trained(tmp_path, "regression")
    (line.folder / "answers.nc").unlink()  # of which no measure knows
    whole = check(measured(line), {"leep": "LEEP compares classes"})
    assert float(whole["conditional_shift"]["value"]) > 0  # the target lies 0.5 higher at equal inputs
    measured(line, "again.csv")
    assert (tmp_path / "measures.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()


def test_classes(tmp_path):
    whole = check(measured(trained(tmp_path, "classification")), {})
    assert float(whole["leep"]["value"]) < 0


def test_chips_without_windows_of_their_own_are_measured_by_the_pool(chips):
    reasons = dict.fromkeys(("conditional_shift", "leep", "logme"), "every pixel of a chip has one")
    single = "not_applicable: compares windows of the group with each other, and it has a single one"
    check(measured(chips), reasons, {"mmd": single})
    pool, none = netcdf.read(chips.folder / "target_labels.nc"), netcdf.read(chips.folder / "target_inputs.nc")
    units = {name: own for name, own in none.variables.items() if own.dimensions[:1] == ("unit",)}
    empty = {name: type(own)(own.dimensions, own.values[:0], own.attributes) for name, own in units.items()}
    netcdf.write(chips.folder / "empty.nc", Dataset({**none.variables, **empty}, none.attributes))
    found = measured(chips, target_inputs="empty.nc")
    groups = len(set(pool["group"].tolist()))
    assert {int(row["groups"]) for row in found if row["measure"] == "mmd" and not row["group"]} == {groups}


def test_a_network_of_another_split_is_refused(chips):
    test = netcdf.read(chips.folder / "test_inputs.nc")
    netcdf.write(chips.folder / "other.nc", Dataset(test.variables, {**test.attributes, "source_rows_hash": "0"}))
    with pytest.raises(StageError, match="its scaler was fitted on other rows"):
        measured(chips, test_inputs="other.nc")
