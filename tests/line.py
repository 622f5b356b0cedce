"""All stages on one small set, in one folder, without Snakemake."""

from landbridge import registry
from landbridge.io import netcdf
from landbridge.judge import compare, evaluate, tables
from landbridge.plan import TABLES
from landbridge.prepare import split
from landbridge.stage import Job
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
    """All stages on one set, in one folder.

    Args:
        folder: for every file.
        task: regression, classification or segmentation.
        change: made to `source.nc` and `target_labels.nc` after the split.
        recipes: that are judged.
        model: name of the architecture.
        side: pixels along a synthetic chip.
        write: of a path, writes the harmonised file; that of `tests.synthetic` without it.
        training, headline: what differs from `TRAINING`, and what is asked in place of `HEADLINES`.
        split_changes: settings of the scenario that differ from those of `tests.synthetic`.
    """

    def __init__(
        self,
        folder,
        task,
        change=None,
        recipes=RECIPES,
        model="linear",
        side=6,
        write=None,
        training=None,
        headline=None,
        **split_changes,
    ):
        self.folder, self.task, self.model = folder, task, model
        folder.mkdir(parents=True, exist_ok=True)
        if write is None:
            synthetic.write(folder / "all.nc", task, side=side)
        else:
            write(folder / "all.nc")
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
            "training": {**TRAINING, **(training or {})},
            "network": {"chips": True} if task == "segmentation" and model == "linear" else {},
            "per_group": True,
            "budget_stratify": False,
            "selection_from": 8,
            "budgets": split_changes.get("budgets", BUDGETS),
            "model": model,
            "min_scored": 1,
            "headline": headline or HEADLINES[task],
        }
        self.recipes = recipes
        self.metrics = {"regression": ["rmse", "r2"]}.get(task, ["macro_f1", "iou", "accuracy"])
        self.own_inputs = {}  # of jobs that train, such as weights to begin at

    def pretrain(self, seed=0, objective="erm", objective_settings=None, **training):
        settings = {**self.settings, "training": {**self.settings["training"], **training}}
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

    def judge(self, seeds=1, metrics=None, statistics=("mean", "pooled")):
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
            "metrics": metrics or self.metrics,
            "statistics": list(statistics),
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
                and all(row[k] == v for k, v in self.settings["headline"].items())
            ):
                return row
        raise AssertionError((recipe, budget))
