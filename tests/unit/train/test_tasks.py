"""Every task from split to table on a small set whose best score is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.stage import StageError

from tests import synthetic
from tests.line import BUDGETS, Line


@pytest.fixture(scope="module", params=["regression", "classification", "segmentation"])
def judged(request, tmp_path_factory):
    line = Line(tmp_path_factory.mktemp(request.param), request.param)
    return line, line.everything()


BEST = {
    "regression": ("source_only", 0.55),
    "classification": ("source_only", 0.97),
    "segmentation": ("source_only", 0.95),
}


def test_the_known_optimum_is_reached(judged):
    """Noise 0.1 and a shift of 0.5 that the source cannot know: RMSE sqrt(0.1^2 + 0.5^2) = 0.51 without labels."""
    line, found = judged
    recipe, expected = BEST[line.task]
    value = float(line.headline(found, recipe, "0")["value"])
    if line.task == "regression":
        assert 0.50 < value < expected
        tuned = float(line.headline(found, "full_finetune", "4")["value"])
        assert 0.09 < tuned < 0.13  # four labelled groups tell the shift, and the noise of 0.1 is left
    else:
        assert value > expected


def test_every_recipe_has_a_row_or_a_reason(judged):
    line, found = judged
    for recipe in line.recipes:
        for budget in BUDGETS:
            row = line.headline(found, recipe, budget)
            assert (row["status"] == "ok") == bool(row["value"]), row
            assert row["status"] == "ok" or row["status"].startswith("not_applicable: "), row
    adapting = [recipe for recipe in line.recipes if recipe not in ("naive", "source_only", "gradient_boosted_trees")]
    for recipe in adapting:
        assert "needs labelled target data" in line.headline(found, recipe, "0")["status"]


def test_source_only_is_equal_for_every_budget(judged):
    line, found = judged
    assert len({line.headline(found, "source_only", budget)["value"] for budget in BUDGETS}) == 1


def test_swapped_labels_lower_the_score(judged, tmp_path):
    line, found = judged

    def swap(dataset):
        name = {"regression": "y", "classification": "mode", "segmentation": "label"}[line.task]
        variable = dataset.variables[name]
        values = (
            -variable.values
            if line.task == "regression"
            else np.where(variable.values == 255, 255, 1 - (variable.values > 0)).astype(np.uint8)
        )
        return Dataset(
            {**dataset.variables, name: Variable(variable.dimensions, values, variable.attributes)}, dataset.attributes
        )

    wrong = Line(tmp_path, line.task, swap, recipes=["source_only"])
    wrong.pretrain()
    wrong.transfer("source_only")
    good, bad = (
        float(own.headline(table, "source_only", "0")["value"])
        for own, table in ((line, found), (wrong, wrong.judge()))
    )
    assert bad > 2 * good if line.task == "regression" else bad < good - 0.2


def test_nothing_beats_the_truth(judged):
    line, found = judged
    if line.task == "regression":
        rows = [row for row in found["effects"] if row["reference"] == "truth"]
        assert rows
        assert not [row for row in rows if row["verdict"] == "helps"]


def permuted(dataset):
    """Labels of all rows in a random order."""
    variable = dataset.variables["y"]
    values = np.random.default_rng(0).permutation(variable.values)
    return Dataset(
        {**dataset.variables, "y": Variable(variable.dimensions, values, variable.attributes)}, dataset.attributes
    )


def test_permuted_labels_bring_nothing_above_naive(tmp_path):
    line = Line(tmp_path, "regression", permuted)
    found = line.everything()
    rows = [row for row in found["effects"] if row["reference"] == "naive" and row["metric"] == "rmse" and row["delta"]]
    assert rows
    assert [row for row in rows if row["verdict"] == "helps"] == []


def test_a_time_axis_fits_each_group_on_its_own_days(tmp_path):
    changes = {
        "budget_axis": "time",
        "budgets": ["0", "4", "8"],
        "split": {**synthetic.COMMON["split"], "gap": 3, "test_share": 0.5},
    }
    line = Line(tmp_path, "regression", recipes=["naive", "source_only", "target_only", "full_finetune"], **changes)
    found = line.everything()
    assert float(line.headline(found, "full_finetune", "8")["value"]) < float(
        line.headline(found, "source_only", "8")["value"]
    )
    assert line.headline(found, "target_only", "8")["budget_unit"] == "days"


def test_predictions_that_are_missing_are_refused(tmp_path):
    line = Line(tmp_path, "regression", recipes=["naive"])
    line.transfer("naive")
    path = tmp_path / "naive" / "fold0-seed0.nc"
    predictions = netcdf.read(path)
    values = predictions["prediction"][:, :-1]
    shorter = Variable(("budget", "row", "target"), values, predictions.variables["prediction"].attributes)
    netcdf.write(path, Dataset({**predictions.variables, "prediction": shorter}, predictions.attributes))
    with pytest.raises(StageError, match="none may be missing and none extra"):
        line.judge()
    netcdf.write(path, Dataset(predictions.variables, {**predictions.attributes, "rows_table_hash": "0"}))
    with pytest.raises(StageError, match="predicts other rows than the answers"):
        line.judge()


def test_shuffled_answers_change_no_prediction(tmp_path):
    line = Line(tmp_path, "regression", recipes=["naive"])
    line.pretrain()
    line.transfer("full_finetune")
    before = (tmp_path / "full_finetune" / "fold0-seed0.nc").read_bytes()
    Path(tmp_path / "answers.nc").unlink()
    line.transfer("full_finetune")
    assert (tmp_path / "full_finetune" / "fold0-seed0.nc").read_bytes() == before


def test_costs_count_what_was_used(tmp_path):
    line = Line(tmp_path, "regression")
    line.pretrain()
    line.transfer("linear_probe")
    (row,) = json.loads((tmp_path / "linear_probe" / "0.json").read_text())
    assert (row["trained_parameters"], row["total_parameters"], row["fits"], row["labels_used"]) == (3, 9, 2, 4)
    assert row["bytes_to_ship"] == 12


def test_a_checkpoint_of_another_split_is_refused(tmp_path):
    one = Line(tmp_path / "one", "regression")
    one.pretrain()
    other = Line(tmp_path / "other", "regression", split={**synthetic.COMMON["split"], "seed": 2})
    (tmp_path / "other" / "checkpoint0").write_bytes((tmp_path / "one" / "checkpoint0").read_bytes())
    with pytest.raises(StageError, match="its scaler was fitted on other rows than the training part of this split"):
        other.transfer("source_only")


def test_a_row_of_quality_zero_moves_no_weight(tmp_path):
    def spoil(value):
        def change(dataset):
            y, quality = dataset["y"].copy(), dataset["quality"].copy()
            y[5::30], quality[5::30] = value, 0
            changed = {"y": y, "quality": quality}
            return Dataset(
                {
                    **dataset.variables,
                    **{n: Variable(("obs",), v, dataset.variables[n].attributes) for n, v in changed.items()},
                },
                dataset.attributes,
            )

        return change

    weights = []
    for number, value in enumerate((0.0, 1e6)):
        line = Line(tmp_path / str(number), "regression", spoil(value))
        line.pretrain(epochs=3)
        weights.append((tmp_path / str(number) / "checkpoint0").read_bytes())
    assert weights[0] == weights[1]


def test_a_named_selection_rule_is_followed_or_said_not_to_be(tmp_path):
    line = Line(tmp_path, "regression")
    line.pretrain()
    found = line.transfer("full_finetune", selection="target_val_k")
    assert found["selection"].tolist() == ["", "", "target_val_k"]
    assert found["status"].tolist()[1].startswith("not_applicable: selection target_val_k takes a quarter")
    assert found["labels_for_selection"].tolist() == [0, 0, 1]
