"""Known answers of `importance_weighting`: densities whose ratio is known, and what the weights do to a loss."""

import json
import logging

import numpy as np
import pytest
import torch
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.methods import importance_weighting as own
from landbridge.methods.given import Side
from landbridge.stage import StageError
from landbridge.train.losses import Batch, MeanLoss, WeighedLoss

from tests.line import Line
from tests.unit.methods.test_known_answers import fit
from tests.unit.methods.test_known_answers import line as line


def test_weights_multiply_each_loss_before_the_mean():
    outputs = torch.tensor([1.0, 3.0]).sqrt()[:, None, None]
    drawn = Batch((), torch.zeros(2, 1, 1), torch.ones(2, 1, 1), torch.arange(2))
    assert float(WeighedLoss(MeanLoss("regression"), torch.tensor([2.0, 0.0]))(outputs, drawn)) == pytest.approx(1)
    assert float(WeighedLoss(MeanLoss("regression"), torch.ones(2))(outputs, drawn)) == pytest.approx(2)
    turned = drawn._replace(rows=torch.tensor([1, 1]))  # factors are those of the rows, and a batch is not normalised
    assert float(WeighedLoss(MeanLoss("regression"), torch.tensor([9.0, 0.5]))(outputs, turned)) == pytest.approx(1)


def log_ratio(shift, spread=1.0, count=100_000, groups=10):
    random = np.random.default_rng(0)
    source, target = random.normal(size=(count, 1)), shift + spread * random.normal(size=(count // 2, 1))
    folds = [np.arange(len(side)) % groups for side in (source, target)]
    return source[:, 0], own.logits(source, target, *folds, 1.0, 1_000_000)


def test_two_gaussians_have_the_slope_and_intercept_of_their_ratio():
    """log p_T / p_S of N(0, 1) and N(1, 1) is x - 1/2, whatever the numbers of draws."""
    x, found = log_ratio(1.0)
    slope, intercept = np.polyfit(x, found, 1)
    assert slope == pytest.approx(1, abs=0.05)
    assert intercept == pytest.approx(-0.5, abs=0.05)


def test_equal_domains_weigh_about_one():
    found = own.weights_of(log_ratio(0.0)[1], 0.99, 10.0)
    assert found.std() < 0.05
    assert own.effective_sample_size(found) > 0.99 * len(found)


def test_what_a_classifier_learns_of_single_groups_is_calibrated_away():
    """Two sides of few groups, alike but for the groups' own means: an uncalibrated classifier is far too sure."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(2, 6, 20))
    source, target = ((side[:, None] + 0.1 * random.normal(size=(6, 200, 20))).reshape(-1, 20) for side in centres)
    fold = np.repeat(np.arange(6), 200) % 5
    calibrated = own.logits(source, target, fold, fold, 1.0, 10_000)
    slopes, offset = own.logistic(np.concatenate([source, target]), np.repeat([False, True], 1200), 1.0)
    assert np.abs(source @ slopes + offset).mean() > 3
    assert np.abs(calibrated).mean() < 1


def test_weights_are_cut_and_have_mean_one():
    found = own.weights_of(np.log([0.5, 1.0, 20.0]), 1.0, 10.0)
    assert found == pytest.approx(np.array([0.5, 1, 10]) / 11.5 * 3)
    assert own.weights_of(np.log(np.arange(1.0, 102.0)), 0.5, 1000.0).max() == pytest.approx(
        51 / np.minimum(np.arange(1, 102), 51).mean()
    )


def test_effective_sample_size():
    assert own.effective_sample_size(np.array([1.0, 1, 1, 1])) == 4
    assert own.effective_sample_size(np.array([4.0, 0, 0, 0])) == 1


def test_a_logistic_regression_is_at_its_minimum():
    random = np.random.default_rng(1)
    table, target = random.normal(3, 2, size=(300, 3)), random.uniform(size=300) < 0.3
    slopes, offset = own.logistic(table, target, 0.0)
    missed = 1 / (1 + np.exp(-(table @ slopes + offset))) - target
    assert np.abs(np.column_stack([np.ones(300), table]).T @ missed).max() < 1e-4
    constant = np.column_stack([table, np.full(300, 7.0)])
    more, _ = own.logistic(constant, target, 0.0)
    assert more == pytest.approx([*slopes, 0.0], abs=1e-5)
    nothing, odds = own.logistic(np.full((4, 2), 7.0), np.array([True, False, False, False]), 1.0)
    assert (nothing.tolist(), odds) == ([0.0, 0.0], pytest.approx(np.log(1 / 3)))


def test_what_is_told_of_a_window():
    x = torch.tensor([[[1.0], [2.0], [6.0]], [[4.0], [8.0], [0.0]]])
    static = torch.tensor([[5.0], [7.0]])
    assert own.described((x, static)).tolist() == [[3, 6, 5], [4, 0, 7]]
    known = torch.tensor([[True, True, True], [True, True, False]])
    assert own.described((x, static, known)).tolist() == [[3, 6, 5], [6, 8, 7]]
    chip = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]])  # (b, band, y, x)
    assert own.described((chip, static[:1])).tolist() == [[2, 2, 1, 0, 5]]


def test_numbers_out_of_range_are_said(line):
    given = fit(line, "target_only")[1]
    given.tools.job.settings["rights"] = list(own.RIGHTS)
    given.tools.unlabelled = given.tools.source.train
    given.settings = {**own.DEFAULTS, "quantile": 2}
    with pytest.raises(StageError, match=r"quantile is 2; write a number from 0.5 to 1"):
        own.fit(given)


def test_factors_go_with_one_side(line):
    learner, given = fit(line, "target_only")
    side = Side("target", given.target, factors=np.ones(len(given.target)))
    with pytest.raises(ValueError, match="a single side"):
        given.train(learner, [side, side], rate=1e-3)


# -- through the stages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_it_learns_the_task_and_says_what_the_weights_left(tmp_path, task):
    made = Line(tmp_path, task, recipes=["importance_weighting"])
    made.settings["training"]["epochs"] = 8
    found = made.transfer("importance_weighting", recipe_settings={"rate": 0.02})
    assert found["status"].tolist() == ["ok"] * 3
    assert found["labels_used"].tolist() == [0, 0, 0]
    value = float(made.headline(made.judge(), "importance_weighting", "4")["value"])
    assert 0.5 < value < 0.56 if task == "regression" else value > 0.9
    (row,) = json.loads((tmp_path / "importance_weighting" / "0.json").read_text())
    assert 0.1 * row["samples"] < row["effective_sample_size"] <= row["samples"]
    assert row["fits"] == 1
    assert "warning" not in row


def shifted(by):
    """The target's inputs, all of them far from the source's."""

    def change(path):
        dataset = netcdf.read(path)
        values = dataset.variables["a"]
        moved = Variable(values.dimensions, values.values + np.float32(by), values.attributes)
        netcdf.write(path, Dataset({**dataset.variables, "a": moved}, dataset.attributes))

    return change


def test_few_effective_windows_are_a_warning(tmp_path, caplog):
    made = Line(tmp_path, "regression", recipes=["importance_weighting"])
    made.settings["training"]["epochs"] = 1
    shifted(4.0)(tmp_path / "target_inputs.nc")
    with caplog.at_level(logging.WARNING):
        made.transfer("importance_weighting", recipe_settings={"largest": 1e9, "quantile": 1.0})
    (row,) = json.loads((tmp_path / "importance_weighting" / "0.json").read_text())
    assert row["effective_sample_size"] < 0.1 * row["samples"]
    assert row["effective_share"] == pytest.approx(row["effective_sample_size"] / row["samples"], abs=1e-3)
    assert row["warning"] in caplog.text
    assert f"{row['samples']} windows weigh as" in row["warning"]


def test_a_single_group_is_not_applicable(tmp_path):
    made = Line(tmp_path, "regression", recipes=["importance_weighting"])
    dataset = netcdf.read(tmp_path / "target_inputs.nc")
    group = dataset.variables["group"]
    one = Variable(group.dimensions, np.full(len(group.values), "one"), group.attributes)
    netcdf.write(tmp_path / "target_inputs.nc", Dataset({**dataset.variables, "group": one}, dataset.attributes))
    found = made.transfer("importance_weighting")
    assert found["status"][0].startswith("not_applicable: leaves out groups of source and target in turn")
