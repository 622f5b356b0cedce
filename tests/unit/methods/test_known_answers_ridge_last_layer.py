"""Known answers of `ridge_last_layer`: closed forms, and brute force for the groups left out."""

import json

import numpy as np
import pytest
from landbridge.methods import ridge_last_layer as own
from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.methods.ridge import Ridges
from landbridge.models import dlinear
from landbridge.stage import StageError

from tests import synthetic
from tests.line import Line
from tests.unit.methods.test_known_answers import SHAPE, fit, pretrained
from tests.unit.methods.test_known_answers import line as line

PENALTIES = own.DEFAULTS["penalties"]


def table(rows=60, columns=20, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def test_three_rows_without_centring():
    basis = own.Basis.of(np.array([[1.0, 0], [0, 1], [1, 1]]))
    label = np.array([[1.0], [2], [3]])
    assert basis.slopes(label, 0.0, 2).ravel() == pytest.approx([1, 2])
    assert basis.slopes(label, 1.0, 2).ravel() == pytest.approx([0.875, 1.375])


def test_directions_are_orthonormal_and_those_of_rounding_are_dropped():
    x = table()
    x[:, 5] = x[:, 4]
    basis = own.Basis.of(x - x.mean(0))
    assert len(basis.values) == 19
    assert np.abs(basis.rows.T @ basis.rows - np.eye(19)).max() < 1e-10
    assert basis.ranks() == [1, 2, 4, 8, 16, 19]
    assert len(own.Basis.of(np.zeros((3, 2))).values) == 0


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("rank", [2, 6])
def test_the_block_formula_is_that_of_refits(rank, weighed):
    """On the same projected features, with an intercept that is free: groups of fewer and of more rows than columns."""
    x, random = table(60, 8), np.random.default_rng(1)
    y = x[:, :2] @ np.array([[1.0, 0.3], [2.0, -1.0]]) + random.normal(size=(60, 2))
    weight = random.uniform(0.2, 2, 60) if weighed else np.ones(60)
    fold, penalty = np.repeat([0, 1, 2, 3], [3, 5, 20, 32]), 3.0
    share, centre, mean = np.sqrt(weight), np.average(x, axis=0, weights=weight), np.average(y, axis=0, weights=weight)
    basis = own.Basis.of(share[:, None] * (x - centre))
    found = own.left_out(basis, share, share[:, None] * (y - mean), fold, penalty, rank) / share[:, None]
    projected = np.column_stack([np.ones(60), (x - centre) @ basis.columns[:, :rank]])
    shrunk = penalty * np.diag([0.0] + [1.0] * rank)
    for number in range(4):
        rest, out = fold != number, fold == number
        design = projected[rest] * weight[rest, None]
        slopes = np.linalg.solve(design.T @ projected[rest] + shrunk, design.T @ y[rest])
        assert np.abs(found[out] - (y[out] - projected[out] @ slopes)).max() < 1e-10


def test_the_choice_is_the_smallest_of_those_residuals():
    x = table(40, 6)
    y = x[:, :1] + np.random.default_rng(2).normal(size=(40, 1))
    fold = np.repeat(np.arange(4), 10)
    chosen = own.fitted(x, y, np.ones(40), fold, PENALTIES)
    basis, ones = own.Basis.of(x - x.mean(0)), np.ones(40)
    errors = {}
    for rank in basis.ranks():
        for penalty in np.array(PENALTIES) * basis.values[0] ** 2 / 40:
            missed = own.left_out(basis, ones, y - y.mean(0), fold, penalty, rank)
            errors[rank, penalty] = np.mean([np.sqrt((missed[fold == number] ** 2).mean()) for number in range(4)])
    assert (chosen.rank, chosen.penalty) == min(errors, key=errors.get)


def test_a_label_of_three_features_is_found():
    x = table(60, 20)
    y = x[:, [1, 7, 12]] @ np.array([[1.0], [-2.0], [0.5]]) + 4
    found = own.fitted(x, y, np.ones(60), np.repeat(np.arange(6), 10), PENALTIES)
    assert found.penalty == pytest.approx(1e-6 * np.linalg.svd(x - x.mean(0))[1][0] ** 2 / 60)
    assert np.sqrt(((y - x @ found.slopes - found.intercept) ** 2).mean()) < 1e-5 * y.std()


def test_labels_of_noise_are_hardly_followed():
    y = np.random.default_rng(3).normal(size=(60, 1))
    found = own.fitted(table(60, 20), y, np.ones(60), np.repeat(np.arange(6), 10), PENALTIES)
    assert (table(60, 20) @ found.slopes).std() < 0.5 * y.std()


def test_one_row_gives_its_own_label():
    found = own.fitted(np.ones((1, 3)), np.array([[5.0]]), np.ones(1), np.zeros(1, int), PENALTIES)
    assert found.rank == 0
    assert found.intercept.tolist() == [5]
    assert not found.slopes.any()


def test_fewer_than_three_groups_leave_out_stretches_or_single_rows():
    assert own.folds_of(np.array(["a", "b", "c", "a"]), True).tolist() == [0, 1, 2, 0]
    two = own.folds_of(np.array(["a"] * 10 + ["b"] * 10), True)
    assert len(np.unique(two)) == 10
    assert all(len(set(two[begin : begin + 2])) == 1 for begin in range(0, 20, 2))
    assert own.folds_of(np.array(["a", "a", "b"]), False).tolist() == [0, 1, 2]


def error(line, found, given):
    rows = given.target.labelled()
    return float(np.sqrt(((found.predict(rows.samples) - rows.labels) ** 2).mean()))


@pytest.mark.parametrize("variant", ["absolute", "relative"])
def test_a_linear_network_reaches_the_noise(line, variant):
    """Labels of the target are those of the source, 0.5 higher, with noise of sd 0.1."""
    found, given = fit(line, "ridge_last_layer", variant=variant)
    assert error(line, found, given) < 0.11
    assert error(line, pretrained(line), given) > 0.4
    numbers = found.ridges.counts()[0]
    assert found.counts() == (numbers, numbers + pretrained(line).counts()[1])
    assert found.shipped_bytes() == 8 * numbers


def test_an_endless_penalty_leaves_the_source_but_for_an_offset(line):
    found, given = fit(line, "ridge_last_layer", variant="relative", settings={"penalties": [1e12]})
    rows = given.target.labelled()
    moved = found.predict(rows.samples) - pretrained(line).predict(rows.samples)
    assert np.ptp(moved) < 1e-4
    assert moved.mean() == pytest.approx(0.5, abs=0.05)


def test_what_it_needs(line, monkeypatch):
    with pytest.raises(NotApplicable, match="needs labelled target data"):
        fit(line, "ridge_last_layer", "0")
    with pytest.raises(StageError, match=r"recipe_settings.ridge_last_layer: penalties is \[\]"):
        fit(line, "ridge_last_layer", settings={"penalties": []})
    from landbridge.train import harness

    headless = pretrained(line)
    headless.network = dlinear.build(SHAPE, {"average": 1})
    monkeypatch.setattr(harness.Given, "pretrained", lambda given: headless)
    with pytest.raises(NotApplicable, match="head reads features"):
        fit(line, "ridge_last_layer")


class Encoder:
    """Features as they are, and a source that says nothing of classes."""

    has_features = True

    def __init__(self, table):
        self.table = table

    def hidden(self, samples):
        return self.table

    def predict(self, samples):
        return np.log(np.full((len(self.table), 3), 1 / 3))


@pytest.mark.parametrize("relative", [False, True])
def test_classes_are_fitted_one_against_the_rest(relative):
    classes = np.arange(60) % 3
    x = np.eye(3)[classes] + 0.05 * table(60, 3)
    rows = LabelledRows(None, classes[:, None].astype(np.float32), np.ones((60, 1), np.float32), np.array(["a"] * 60))
    label, weight = own.sought(rows, 3)
    assert label[:3].tolist() == [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    label = label - own.of_source(Encoder(x), None, True) if relative else label
    chosen = own.fitted(x, label, weight[:, 0], own.folds_of(rows.groups, True), PENALTIES)
    made = own.ClosedForm(Encoder(x), Ridges([own.line(chosen, k) for k in range(3)]), relative, True)
    found = made.predict(None)
    assert (found.argmax(1) == classes).all()
    assert np.exp(found).sum(1) == pytest.approx(np.ones(60))
    assert np.exp(found).max(1).mean() > 0.9


# A line through three classes that lie in a row never raises the middle one above both others.
@pytest.mark.parametrize(("variant", "expected"), [("absolute", 0.4), ("relative", 0.9)])
def test_classes_through_the_stages(tmp_path, variant, expected):
    made = Line(tmp_path, "classification", recipes=["ridge_last_layer"], budgets=["0", "all"])
    made.pretrain(epochs=8)
    found = made.transfer("ridge_last_layer", variant=variant)
    assert found["status"].tolist() == ["not_applicable: needs labelled target data, and this budget has none", "ok"]
    assert np.allclose(np.exp(found["log_probability"][1]).sum(1), 1, atol=1e-5)
    assert float(made.headline(made.judge(), "ridge_last_layer", "all")["value"]) > expected
    (row,) = json.loads((tmp_path / "ridge_last_layer" / "0.json").read_text())
    assert (row["trained_parameters"], row["bytes_to_ship"]) == (3 * 3, 8 * 3 * 3)


def test_pixels_are_not_applicable(tmp_path):
    made = Line(tmp_path, "segmentation", recipes=["ridge_last_layer"])
    made.pretrain(epochs=1)
    found = made.transfer("ridge_last_layer")
    assert found["status"][1].startswith("not_applicable: reads rows with one label each")


def test_each_group_of_a_time_axis_has_a_ridge_of_its_own(tmp_path):
    split = {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5}
    made = Line(tmp_path, "regression", budget_axis="time", budgets=["0", "8"], split=split)
    made.recipes = ["ridge_last_layer"]
    made.pretrain(epochs=8)
    made.transfer("ridge_last_layer", variant="relative")
    assert float(made.headline(made.judge(), "ridge_last_layer", "8")["value"]) < 0.3
