"""Recipes of chips through the stages `pretrain` and `transfer`, on chips whose best score is known."""

import json

import numpy as np
import pytest

from tests.line import Line

QUICK = {"epochs": 2, "epoch_steps": 5, "batch": 4, "learning_rate": 0.01, "fixed_steps": 3}
QUICK |= {"dice_weight": 1.0, "rare_class_weight": 10.0, "augment": "flips"}
SMALL = {"widths": [2, 2, 4, 4]}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("chips"), "segmentation", model="wht_unet", side=16)
    made.settings["network"] = SMALL
    made.settings["training"] = {**made.settings["training"], **QUICK}
    made.pretrain(**QUICK)
    return made


def transferred(line, recipe, **changes):
    """Predictions by budget and the row of costs."""
    found = line.transfer(recipe, training={**line.settings["training"], **QUICK}, budgets=["0", "1"], **changes)
    (row,) = json.loads((line.folder / recipe / "0.json").read_text())
    return found, row


def test_equal_jobs_give_equal_checkpoints(line):
    first = (line.folder / "checkpoint0").read_bytes()
    line.pretrain(**QUICK)
    assert (line.folder / "checkpoint0").read_bytes() == first


@pytest.mark.parametrize("recipe", ["lora", "adapter", "wht_scale_threshold", "full_finetune", "linear_probe"])
def test_recipes_of_labels_begin_at_the_source_and_leave_it(line, recipe):
    source, _ = transferred(line, "source_only")
    found, row = transferred(line, recipe, recipe_settings={"rate": 0.1})
    assert found["status"].tolist() == ["not_applicable: needs labelled target data, and this budget has none", "ok"]
    assert 0 < row["trained_parameters"] <= row["total_parameters"]
    assert not np.array_equal(found["probability"][1], source["probability"][1])
    still, _ = transferred(line, recipe, recipe_settings={"rate": 0.0})
    if recipe != "full_finetune":  # whose running statistics move all the same
        np.testing.assert_array_equal(still["probability"][1], source["probability"][1])


def test_statistics_of_the_target_need_no_label(line):
    source, _ = transferred(line, "source_only")
    found, row = transferred(line, "adabn")
    assert found["status"].tolist() == ["ok", "ok"]
    assert found["labels_used"].tolist() == [0, 0]
    assert row["trained_parameters"] == 0
    assert row["bytes_to_ship"] == 4 * 2 * 2 * (2 + 2 + 4 + 4 + 4 + 2 + 2)
    assert not np.array_equal(found["probability"], source["probability"])


def test_what_the_domain_lacks_is_said(line):
    found, _ = transferred(line, "index_threshold")
    assert set(found["status"]) == {"not_applicable: the domain has no index in baselines.py"}
    found, _ = transferred(line, "gradient_boosted_trees")
    assert set(found["status"]) == {"not_applicable: the domain has no pixels in features.py"}
