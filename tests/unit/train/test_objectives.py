"""Objectives over groups of the source through the stages `pretrain` and `transfer`, for every task."""

import json

import numpy as np
import pytest
from landbridge.models import linear
from landbridge.train.checkpoint import load_learner
from landbridge.train.progress import load_tensors

from tests.line import Line

OBJECTIVES = ["irm", "vrex", "mixup", "group_dro"]
BEST = {"regression": 0.56, "classification": 0.97, "segmentation": 0.9}
BY_GROUP = {"by": "group"}
# Groups of this set have one class each, which a larger head fits ever better: a strong penalty forbids that.
OWN = {("irm", "classification"): {"weight": 1.0}}


@pytest.fixture(scope="module", params=["regression", "classification", "segmentation"])
def line(request, tmp_path_factory):
    made = Line(tmp_path_factory.mktemp(request.param), request.param, recipes=["source_only", *OBJECTIVES])
    made.settings["training"]["epochs"] = 10
    made.pretrain(epochs=10)
    made.transfer("source_only")
    for objective in OBJECTIVES:
        settings = {**BY_GROUP, **OWN.get((objective, request.param), {})}
        made.pretrain(objective=objective, objective_settings=settings, epochs=10)
        made.transfer(objective)
    return made


def test_every_objective_learns_the_task(line):
    found = line.judge()
    for objective in OBJECTIVES:
        rows = [line.headline(found, objective, budget) for budget in ("0", "4")]
        assert [row["status"] for row in rows] == ["ok", "ok"]
        values = {float(row["value"]) for row in rows}
        assert len(values) == 1  # no label of the target plays a part
        if line.task == "regression":
            assert 0.5 < values.pop() < BEST[line.task], objective
        else:
            assert values.pop() > BEST[line.task], objective


def test_each_has_a_checkpoint_of_its_own(line):
    held = {
        (line.folder / name).read_bytes() for name in ["checkpoint0", *(f"checkpoint-{own}0" for own in OBJECTIVES)]
    }
    assert len(held) == len(OBJECTIVES) + 1


def test_an_objective_that_cannot_act_is_a_row_with_a_reason(line):
    for objective in OBJECTIVES:
        line.pretrain(objective=objective, seed=1)  # by class_of, which is the same for all of them
        found = line.transfer(objective, seed=1)
        assert len(set(found["status"].tolist())) == 1
        assert found["status"][0].startswith(
            "not_applicable: needs 3 groups or more, and the source has 1; name a column"
        )
        assert f"recipe_settings.{objective}.by" in found["status"][0]
        (row,) = json.loads((line.folder / f"cost-{objective}1").read_text())
        assert (row["fits"], row["trained_parameters"]) == (0, 0)
        assert (line.folder / f"history-{objective}1").read_text().count("\n") == 1


def test_equal_jobs_give_equal_checkpoints(line):
    path = line.folder / "checkpoint-mixup0"
    before = path.read_bytes()
    line.pretrain(objective="mixup", objective_settings=BY_GROUP, epochs=10)
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", ["regression"], indirect=True)
def test_the_epoch_that_is_kept_is_one_after_the_warm_up(line):
    line.pretrain(objective="irm", seed=2, objective_settings={**BY_GROUP, "warm_up": 0.5}, epochs=10)
    assert load_tensors(line.folder / "checkpoint-irm2")[1]["best_epoch"] > 5
    learner, _ = load_learner(line.folder / "checkpoint-irm2", lambda shape: linear.build(shape, {}))
    assert np.isfinite(learner.network.parts["head"].weight.detach().numpy()).all()
