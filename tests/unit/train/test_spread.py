"""Where the spread of predictions comes from, by the rights of a job, through the stages."""

import json

import numpy as np
import pytest
from landbridge.contract import QUANTILES, ContractError, Dataset, Variable
from landbridge.io import netcdf
from landbridge.judge import tables
from landbridge.prepare import ragged
from landbridge.train import spread
from landbridge.train.layout import Layout
from landbridge.train.progress import load_notes
from landbridge.train.samples import Samples
from landbridge.train.spread import Errors, Spread, joined, thinned, variables

from tests import synthetic
from tests.line import Line

SHORT = {"epochs": 2, "fixed_steps": 20}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("spread"), "regression", budgets=["0", "1", "all"])
    made.pretrain(**SHORT)
    return made


def spread_of(line, recipe, **changes):
    found = line.transfer(recipe, training={**line.settings["training"], **SHORT}, **changes)
    return found, found["spread"].tolist()


def test_a_checkpoint_holds_the_errors_of_its_validation_groups(line):
    """14 groups of the source, a fifth of them kept: 3, too few for a 90 % interval."""
    note = load_notes(line.folder / "checkpoint0")["calibration"]
    assert note["groups"] == 3
    assert note["scores"]["shape"] == [3, 1, 2]
    found, told = spread_of(line, "source_only")
    text = "conformal: 3 validation groups of the source (errors of the source model); 90 % infinite: 3 groups"
    assert told == [text] * 3
    offset = found["quantile_offset"]
    assert found.variables["quantile_offset"].dimensions == ("budget", "target", "quantile")
    assert found["quantile_level"].tolist() == list(QUANTILES)
    assert np.isnan(offset[..., [0, 3]]).all()
    second = sorted(np.array(note["scores"]["values"]).reshape(3, 1, 2)[:, 0, 1])[1]  # ceil(4 * 0.5)
    assert offset[0, 0, 1:3] == pytest.approx([-second, second], rel=1e-6)


def test_a_recipe_that_reads_labels_of_the_source_is_calibrated_on_its_own_errors(line):
    found, told = spread_of(line, "pooled")
    assert told[1].startswith("conformal: 3 validation groups of the source; 90 % infinite")
    assert np.isfinite(found["quantile_offset"][1, 0, 1:3]).all()


def test_labels_that_the_fit_has_learned_from_calibrate_nothing(line):
    _, told = spread_of(line, "target_only")
    assert told == ["", "none: the job may read no labels of groups that its fit has not learned from", told[2]]
    assert told[2] == told[1]  # the pool has fewer than eight groups


def test_groups_that_were_put_aside_calibrate_first(line):
    found, told = spread_of(line, "target_only", selection_from=4)
    assert told[2] == "conformal: 1 labelled groups of the target put aside; 90 % infinite: 1 groups"
    assert np.isfinite(found["quantile_offset"][2, 0, 1:3]).all()
    _, told = spread_of(line, "full_finetune", selection_from=4)
    assert told[1].startswith("conformal: 3 validation groups of the source (errors of the source model)")
    assert told[2].startswith("conformal: 1 labelled groups of the target put aside")


def test_variances_of_its_own(line):
    found, told = spread_of(line, "partial_pooling")
    assert told[0].startswith("own: 11 groups")
    offset = found["quantile_offset"]
    assert offset.shape == (3, len(found["prediction"][0]), 1, 4)
    (row,) = json.loads((line.folder / "partial_pooling" / "0.json").read_text())
    (between,), (within,) = row["variance_between_groups"], row["variance_within_groups"]
    assert offset[2, :, 0, 3] == pytest.approx(np.full(len(offset[2]), 1.6449 * np.sqrt(between + within)), rel=1e-3)
    broken = Variable(found.variables["quantile_offset"].dimensions, offset[..., ::-1])
    with pytest.raises(ContractError, match="a higher quantile lies below a lower one"):
        netcdf.write(line.folder / "x.nc", Dataset({**found.variables, "quantile_offset": broken}, found.attributes))


def test_coverage_stands_in_the_leaderboard(line):
    """Nothing shifts but the mean, by 0.5, five times the noise: what is calibrated on the source covers nothing."""
    line.recipes = ["naive", "source_only", "partial_pooling"]
    for recipe in line.recipes:
        spread_of(line, recipe)
    line.settings["intervals"] = True
    metrics, line.metrics = line.metrics, ["coverage50", "crps", "mae"]
    line.judge()
    line.metrics = metrics
    rows = {
        (row["recipe"], row["metric"]): row
        for row in tables.read(line.folder / "leaderboard.csv")
        if row["budget"] == "0" and row["statistic"] == "mean"
    }
    assert float(rows["source_only", "coverage50"]["value"]) < 0.3
    assert rows["source_only", "coverage50"]["low"]
    assert not rows["truth", "coverage50"]["value"]
    assert rows["truth", "crps"]["value"] == rows["truth", "mae"]["value"]
    assert rows["source_only", "crps"]["value"] == rows["source_only", "mae"]["value"]  # its wide interval is infinite
    assert rows["partial_pooling", "crps"]["value"] != rows["partial_pooling", "mae"]["value"]


def test_on_a_time_axis_each_group_has_its_own(tmp_path):
    split = {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}
    made = Line(tmp_path, "regression", budget_axis="time", budgets=["0", "4"], split=split)
    found = made.transfer("naive")
    assert found["spread"][1].startswith("conformal: ")
    found = made.transfer("partial_pooling")
    assert np.isfinite(found["quantile_offset"]).all()


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_classes_have_a_temperature(tmp_path, task):
    made = Line(tmp_path, task, budgets=["0", "1"])
    made.pretrain(**SHORT)
    assert load_notes(tmp_path / "checkpoint0")["calibration"]["temperature"] > 0
    for recipe, words in (("source_only", " (errors of the source model)"), ("naive", "")):
        found = made.transfer(recipe)
        assert found["spread"].tolist()[0] == f"temperature: 3 validation groups of the source{words}"
        assert (found["temperature"] > 0).all()
    assert np.isnan(made.transfer("target_only")["temperature"]).all()


def test_of_long_series_few_windows_are_looked_at(line, monkeypatch):
    """30 days of 3 groups, windows of 3 days: 28 rows of each, of which every third is taken."""
    dataset = netcdf.read(line.folder / "source.nc")
    own = ragged.select_units(dataset, np.asarray(dataset["part"]).astype(str) == "source_val")
    samples = Samples(own, Layout.of(line.settings, own))
    assert len(spread.rows_of(samples, ()).groups) == 3 * 28
    monkeypatch.setattr(spread, "CANDIDATES", 2)
    monkeypatch.setattr(spread, "MOST_ROWS", 5)
    found = spread.rows_of(samples, ())
    assert np.unique(found.groups, return_counts=True)[1].tolist() == [5, 5, 5]
    assert not (np.diff(found.samples.prediction_observations[:5]) % 3).any()


def test_rows_of_a_group_are_taken_evenly():
    groups = np.array(["a"] * 5 + ["b"] + ["a"] * 4)
    assert thinned(groups, 3).tolist() == [0, 4, 5, 9]
    assert thinned(groups, 3, ["a", "c"]).tolist() == [5]  # groups that a fit has learned from tell nothing


def test_notes_come_back_and_missing_numbers_with_them():
    scores = np.array([[[1.5, 1.0], [np.nan, np.nan]]])
    back = Errors.of_note(json.loads(json.dumps(Errors(1, scores).as_note())))
    assert np.array_equal(back.scores, scores, equal_nan=True)
    assert Errors.of_note(Errors(4, None, 1.25).as_note()).temperature == 1.25


def test_fits_of_single_groups_are_put_together():
    own = Spread("conformal: a", np.array([[-2.0, -1, 1, 2]]))
    other = Spread("conformal: b", np.array([[np.nan, -3, 3, np.nan]]))
    found = joined([(np.array([0, 2]), own), (np.array([1]), other)], (3, 1))
    assert found.source == "conformal: a; conformal: b"
    assert found.offsets[:, 0, 1].tolist() == [-1, -3, -1]
    assert np.isnan(found.offsets[..., [0, 3]]).all()  # infinite for one group is infinite for the budget
    assert joined([(np.array([0]), own), (np.array([1]), Spread("none: x"))], (2, 1)).offsets is None
    written = variables([own, found, Spread()], "regression")
    assert written["quantile_offset"].dimensions == ("budget", "row", "target", "quantile")
    assert written["quantile_offset"].values[0, 2].tolist() == own.offsets.tolist()
