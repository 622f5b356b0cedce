"""Recipes that look at features, through the stages `pretrain` and `transfer`."""

import json

import numpy as np
import pytest
import torch
from landbridge.io import netcdf
from landbridge.methods.given import RightError
from landbridge.models import linear, wht_unet
from landbridge.models.network import build
from landbridge.train.checkpoint import load_learner
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

from tests.line import Line

QUICK = {"epochs": 2, "epoch_steps": 5, "batch": 16, "learning_rate": 0.01, "fixed_steps": 5}
ALIGNING = ["coral", "mk_mmd", "dann", "cdan"]


@pytest.fixture(scope="module", params=["regression", "classification", "segmentation"])
def line(request, tmp_path_factory):
    model, side = ("wht_unet", 16) if request.param == "segmentation" else ("linear", 6)
    made = Line(tmp_path_factory.mktemp(request.param), request.param, model=model, side=side)
    if request.param == "segmentation":
        made.settings["network"] = {"widths": [2, 2, 4, 4]}
    made.pretrain(**QUICK)
    return made


def transferred(line, recipe, **changes):
    """Values by budget, status, and the row of costs."""
    found = line.transfer(recipe, training={**line.settings["training"], **QUICK}, budgets=["0", "4"], **changes)
    (row,) = json.loads((line.folder / recipe / "0.json").read_text())
    name = {"regression": "prediction", "classification": "log_probability", "segmentation": "probability"}[line.task]
    return found[name], found["status"].tolist(), row


@pytest.mark.parametrize("recipe", ALIGNING)
def test_aligning_needs_no_label_of_the_target_and_learns_those_that_are_there(line, recipe):
    (line.folder / "target_labels.nc").rename(line.folder / "hidden.nc")
    try:
        plain, status, row = transferred(line, recipe)
        again, _, _ = transferred(line, recipe)
    finally:
        (line.folder / "hidden.nc").rename(line.folder / "target_labels.nc")
    assert status == ["ok", "ok"]
    assert np.isfinite(plain.astype(float)).all()
    assert np.array_equal(plain[0], plain[1])
    assert np.array_equal(plain, again)
    assert (row["fits"], row["labels_used"]) == (1, 0)
    assert row["trained_parameters"] == row["total_parameters"]
    values, status, row = transferred(line, recipe, variant="few")
    assert status == ["ok", "ok"]
    assert np.array_equal(values[0], plain[0])  # without labels there is nothing more to learn
    assert not np.array_equal(values[1], plain[1])
    assert (row["fits"], row["labels_used"]) == (2, 4)
    if line.task == "regression":
        strong, _, _ = transferred(line, recipe, recipe_settings={"weight": 10.0})
        assert not np.array_equal(strong, plain)


def test_entropy_is_of_classes(line):
    values, status, _ = transferred(line, "cdan", variant="entropy")
    if line.task == "regression":
        assert status == ["not_applicable: predictions of a regression have no entropy"] * 2
    else:
        plain, _, _ = transferred(line, "cdan")
        assert status == ["ok", "ok"]
        assert not np.array_equal(values, plain)


def test_inputs_alone_are_all_windows_with_weights_of_what_was_seen(line):
    dataset = netcdf.read(line.folder / "target_inputs.nc")
    layout = Layout.of(line.settings, dataset)
    samples = Samples(dataset, layout)
    model = wht_unet if line.task == "segmentation" else linear
    learner, _ = load_learner(line.folder / "checkpoint0", lambda shape: build(model, shape, line.settings["network"]))
    inputs = samples.tensors.inputs_alone(learner.scaler)
    index = torch.arange(len(inputs))
    batch = inputs.batch(index)
    whole = [torch.cat(parts) for parts in zip(*(own for own, _ in samples.input_batches(learner.scaler)), strict=True)]
    assert all(torch.equal(one, other) for one, other in zip(batch.inputs, whole, strict=True))
    groups = samples.tensors.groups_of_windows("group", labelled=False)
    assert len(groups) == len(inputs)
    assert len(groups.unique()) == len(set(np.asarray(dataset["group"]).astype(str)))
    assert batch.labels.shape == batch.weights.shape
    if line.task == "segmentation":
        assert torch.equal(batch.weights, torch.as_tensor(samples.seen).float())
    else:
        assert batch.weights.shape == {"classification": (len(inputs),), "regression": (len(inputs), 1, 1)}[line.task]
        assert (batch.weights == 1).all()


ADAPTING = ["bss", "delta", "distillation", "joint_then_finetune"]


@pytest.mark.parametrize("recipe", ADAPTING)
def test_adapting_needs_labels_and_begins_anew_to_the_same_bytes(line, recipe):
    values, status, row = transferred(line, recipe)
    assert status == ["not_applicable: needs labelled target data, and this budget has none", "ok"]
    source, _, _ = transferred(line, "source_only")
    assert np.isfinite(values[1].astype(float)).all()
    assert not np.array_equal(values[1], source[1])
    assert (row["labels_used"], row["fits"]) == (4, {"delta": 2, "joint_then_finetune": 2}.get(recipe, 1))
    assert row["trained_parameters"] == row["total_parameters"]
    again, _, _ = transferred(line, recipe)
    assert np.array_equal(values, again, equal_nan=True)


def test_networks_without_an_encoder_say_so(tmp_path):
    line = Line(tmp_path, "regression", model="dlinear")
    line.settings["network"] = {"average": 1}
    line.pretrain(**QUICK)
    for recipe in (*ALIGNING, *ADAPTING):
        _, status, _ = transferred(line, recipe)
        needs_none = recipe == "distillation"
        assert status[1] == (
            "ok" if needs_none else "not_applicable: this model has no encoder whose features a head reads"
        )


def test_a_teacher_may_label_inputs_without_labels(line):
    plain, _, _ = transferred(line, "distillation")
    values, status, row = transferred(line, "distillation", variant="unlabelled")
    assert status[1] == "ok"
    assert row["labels_used"] == 4
    assert not np.array_equal(values[1], plain[1])
    with pytest.raises(RightError, match="asked for target_inputs, which its RIGHTS do not name"):
        transferred(line, "distillation", variant="unlabelled", rights=["source_weights", "target_labels"])
