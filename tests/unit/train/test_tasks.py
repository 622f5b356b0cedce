"""Every task from split to table on a small set whose best score is known."""

import json
from pathlib import Path

import numpy as np
import pytest
from landbridge import registry
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.judge import compare, evaluate, tables
from landbridge.plan import TABLES
from landbridge.prepare import split
from landbridge.stage import Job, StageError
from landbridge.train import pretrain, transfer

from tests import synthetic

TRAINING = {
    "epochs": 30,
    "epoch_steps": 20,
    "patience": 30,
    "batch": 64,
    "learning_rate": 0.02,
    "weight_decay": 0.0,
    "clip": 1.0,
    "fixed_steps": 200,
}
HEADLINES = {
    "regression": {"target": "y", "metric": "rmse", "statistic": "mean"},
    "classification": {"target": "label", "metric": "macro_f1", "statistic": "pooled"},
    "segmentation": {"target": "label", "metric": "iou", "statistic": "pooled"},
}
BUDGETS = ["0", "1", "4"]
RECIPES = [
    "naive",
    "source_only",
    "target_only",
    "pooled",
    "linear_probe",
    "full_finetune",
    "lp_ft",
    "l2_sp",
    "ridge_last_layer",
    "gradient_boosted_trees",
]


FASTER = {"gradient_boosted_trees": {"rounds": 20}, "full_finetune": {"rate": 0.02}}


class Line:
    """All stages on one synthetic set, in one folder, without Snakemake."""

    def __init__(self, folder, task, change=None, recipes=RECIPES, model="linear", side=6, **split_changes):
        self.folder, self.task, self.model = folder, task, model
        folder.mkdir(parents=True, exist_ok=True)
        synthetic.write(folder / "all.nc", task, side=side)
        settings = {**synthetic.settings(task), **split_changes}
        outputs = {name: folder / f"{name}.nc" for name in (*split.FILES, "answers", "truth")}
        outputs |= {"split": folder / "split.csv", "audit": folder / "audit.json"}
        both = {"source": str(folder / "all.nc"), "target": str(folder / "all.nc")}
        split.run(Job("split", both, outputs, settings, {"fold": "0"}))
        if change is not None:
            for name in ("source", "target_labels"):
                netcdf.write(outputs[name], change(netcdf.read(outputs[name])))
        self.settings = {
            **{
                key: settings[key]
                for key in ("scenario", "task", "kind", "step", "targets", "inputs", "one_hot", "static")
            },
            **{key: settings[key] for key in ("window", "quality", "classes", "budget_axis")},
            "training": dict(TRAINING),
            "network": {"chips": True} if task == "segmentation" and model == "linear" else {},
            "per_group": True,
            "budget_stratify": False,
            "selection_from": 8,
            "budgets": split_changes.get("budgets", BUDGETS),
            "model": model,
            "min_scored": 1,
            "headline": HEADLINES[task],
        }
        self.recipes = recipes
        self.metrics = {"regression": ["rmse", "r2"]}.get(task, ["macro_f1", "iou", "accuracy"])
        self.own_inputs = {}  # of jobs that train, such as weights to begin at

    def pretrain(self, seed=0, objective="erm", objective_settings=None, **training):
        settings = {**self.settings, "training": {**TRAINING, **training}}
        settings["objective_settings"] = objective_settings or {}
        own = "" if objective == "erm" else f"-{objective}"
        outputs = {name: self.folder / f"{name}{own}{seed}" for name in ("checkpoint", "history", "cost")}
        inputs = {"source": str(self.folder / "source.nc"), **self.own_inputs}
        wildcards = {"model": self.model, "objective": objective, "seed": str(seed), "fold": "0"}
        modules = {"model": f"landbridge.models.{self.model}", "objective": f"landbridge.methods.{objective}"}
        scratch = self.folder / "training"
        pretrain.run(
            Job("pretrain", inputs, outputs, settings, wildcards, modules, scratch=scratch, identity=objective)
        )

    def files(self, described, rights, seed=0):
        """Files of a job of a recipe: the test's inputs, and those of its rights."""
        own = "" if described.objective in ("erm", None) else f"-{described.objective}"
        given = {
            "test_inputs": "test_inputs.nc",
            "source_weights": f"checkpoint{own}{seed}",
            "source_labels": "source.nc",
            "target_inputs": "target_inputs.nc",
            "target_labels": "target_labels.nc",
            "validation_labels": "validation_labels.nc",
        }
        return {name: str(self.folder / file) for name, file in given.items() if name in ("test_inputs", *rights)}

    def transfer(self, recipe, seed=0, **changes):
        described = registry.recipes()[recipe]
        variant = changes.pop("variant", described.variants[0] if described.variants else "")
        own_modules = changes.pop("modules", {})
        settings = {
            **self.settings,
            "recipe": recipe,
            "variant": variant,
            "selection": described.selection,
            "place": described.place,
            "rights": list(described.rights_of(variant)),
            "recipe_settings": changes.pop("recipe_settings", {}),
            **changes,
        }
        rule = registry.rules().get(settings["selection"])
        rights = [*settings["rights"], *(rule.rights if rule else ())]
        inputs = {**self.files(described, rights, seed), **self.own_inputs}
        outputs = {
            "predictions": self.folder / recipe / f"fold0-seed{seed}.nc",
            "trials": self.folder / recipe / f"fold0-seed{seed}.trials.csv",
            "cost": self.folder / recipe / f"{seed}.json",
        }
        outputs["cost"].parent.mkdir(exist_ok=True)
        modules = {"recipe": f"landbridge.methods.{recipe}", **own_modules}
        if described.models != "none":
            modules["model"] = f"landbridge.models.{self.model}"
        if rule and rule.compares:
            settings["stops_by"] = described.selection
            modules["selection"] = f"landbridge.train.selection.{rule.module}"
            if described.objective and rule.name == "leave_one_source_domain_out":
                modules["objective"] = f"landbridge.methods.{described.objective}"
        wildcards = {"model": self.model, "recipe": recipe, "seed": str(seed), "fold": "0"}
        scratch = self.folder / "training"
        transfer.run(Job("transfer", inputs, outputs, settings, wildcards, modules, scratch=scratch, identity="x"))
        return netcdf.read(outputs["predictions"])

    def judge(self, seeds=1):
        for recipe in [*self.recipes, *(["truth"] if self.task == "regression" else [])]:
            predictions = (
                [] if recipe == "truth" else [str(self.folder / recipe / f"fold0-seed{s}.nc") for s in range(seeds)]
            )
            inputs = {
                "predictions": predictions,
                "answers": [str(self.folder / "answers.nc")],
                "truth": [str(self.folder / "truth.nc")],
            }
            variant = registry.recipes()[recipe].variants[:1] if recipe != "truth" else ()
            settings = {**self.settings, "recipe": recipe, "variant": variant[0] if variant else ""}
            outputs = {"scores": self.folder / f"{recipe}.parquet", "examples": self.folder / f"{recipe}.examples.nc"}
            evaluate.run(Job("evaluate", inputs, outputs, settings))
        settings = {
            **self.settings,
            "metrics": self.metrics,
            "statistics": ["mean", "pooled"],
            "bootstrap": {"replicates": 200, "level": 0.95},
        }
        inputs = {"scores": [str(path) for path in sorted(self.folder.glob("*.parquet"))], "cost": []}
        inputs["tests"] = [str(self.folder / "test_inputs.nc")]
        outputs = {name: self.folder / f"{name}.csv" for name in TABLES}
        compare.run(Job("compare", inputs, outputs, settings))
        return {name: tables.read(path) for name, path in outputs.items()}

    def everything(self):
        self.pretrain()
        for recipe in self.recipes:
            self.transfer(recipe, recipe_settings=FASTER.get(recipe, {}))
        return self.judge()

    def headline(self, found, recipe, budget):
        for row in found["leaderboard"]:
            if (
                row["recipe"] == recipe
                and row["budget"] == budget
                and all(row[k] == v for k, v in HEADLINES[self.task].items())
            ):
                return row
        raise AssertionError((recipe, budget))


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
