"""Draw one figure of one scenario: the stage `draw`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.io import netcdf
from landbridge.judge import tables
from landbridge.judge.figures import FIGURES
from landbridge.judge.figures_of_places import ADAPTED
from landbridge.judge.figures_of_units import FIRST
from landbridge.judge.metrics.metric import Metric
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import Scores, by_group, read_scores
from landbridge.prepare.budgets import AXES
from landbridge.stage import Job, StageError


class Material:
    """What a figure may be made of; each is read when it is first asked for."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def leaderboard(self) -> list[dict[str, str]]:
        """Rows of `leaderboard.csv`."""
        return tables.read(self.job.input("leaderboard"))

    @cached_property
    def large(self) -> list[dict[str, str]]:
        """Rows of `leaderboard_large.csv`; only the figure that draws lines of the rule `oracle` has them."""
        return [row for path in self.job.input_list("large") for row in tables.read(path)]

    @cached_property
    def effects(self) -> list[dict[str, str]]:
        """Rows of `effects.csv`."""
        return tables.read(self.job.input("effects"))

    @cached_property
    def cost(self) -> list[dict[str, str]]:
        """Rows of `cost.csv`; only the figure of that name has them."""
        return [row for path in self.job.input_list("cost") for row in tables.read(path)]

    @cached_property
    def scores(self) -> Scores:
        """Sums of all recipes."""
        return read_scores(self.job.input_list("scores"), self.job.settings["budgets"])

    @cached_property
    def metric(self) -> Metric:
        """The headline's metric."""
        return find_metric(self.scores.task, self.job.settings["headline"]["metric"], self.scores.classes)

    @cached_property
    def audits(self) -> list[dict[str, Any]]:
        """Audit of each fold."""
        return [json.loads(path.read_text()) for path in self.job.input_list("audits")]

    def example(self) -> tuple[str, Dataset | None]:
        """Name and examples of the recipe that is shown: a network before a learner without one."""
        found: dict[str, tuple[str, Dataset]] = {}
        for path in self.job.input_list("examples"):
            model, _, recipe = path.name.removesuffix(".examples.nc").partition("-")
            dataset = netcdf.read(path)
            if dataset.variables and recipe != "truth":
                found.setdefault(recipe.partition(".")[0], (f"{model}: {recipe}".removeprefix("none: "), dataset))
        order = [name for name in (*ADAPTED, *FIRST) if name in found]
        return found[order[0]] if order else next(iter(found.values()), ("", None))

    def examples_of(self, recipe: str, model: str) -> Dataset | None:
        """Examples of one recipe with a model, or without a network; None where it has none."""
        for path in self.job.input_list("examples"):
            if path.name.removesuffix(".examples.nc") in (f"{model}-{recipe}", f"none-{recipe}"):
                dataset = netcdf.read(path)
                return dataset if dataset.variables else None
        return None

    @cached_property
    def tests(self) -> list[Dataset]:
        """Inputs of the test of each fold."""
        return [netcdf.read(path) for path in self.job.input_list("tests")]

    def places(self) -> list[dict[str, object]]:
        """Test groups with their place and the headline metric of every recipe at its largest budget, over seeds.

        Raises:
            StageError: the units have no places.
        """
        where: dict[str, dict[str, object]] = {}
        for test in self.tests:
            if "lat" not in test:
                raise StageError(
                    "figures: map: units have no lat and lon, so there is no map; take it out of `figures:`"
                )
            for index, group in enumerate(test["group"].tolist()):
                known = {"group": group, "class_of": str(test["class_of"][index])}
                where.setdefault(group, {**known, "lat": float(test["lat"][index]), "lon": float(test["lon"][index])})
        for run_ in self.scores.runs:
            usable = [number for number, status in enumerate(run_.status) if status == "ok"]
            if not usable or run_.recipe == "truth":
                continue
            target = self.job.settings["headline"]["target"]
            values = np.nanmean(by_group(run_, self.scores, self.metric, usable[-1], target), axis=0)
            for group, value in zip(self.scores.groups, values, strict=True):
                where[group].setdefault(".".join(filter(None, (run_.recipe, run_.variant))), float(value))
        return [where[group] for group in self.scores.groups]


def run(job: Job) -> None:
    """Inputs: `leaderboard`, `effects`, `labels`, `cost`, `large`, `scores`, `examples`, `tests`, `audits`. Output:
    `figure`.

    A figure is a function of (path, material, settings); a domain's figures.py holds FIGURES of its own.
    """
    task = job.settings["task"]
    metrics = {name: find_metric(task, name, job.settings["classes"]) for name in job.settings["metrics"]}
    settings: Mapping[str, Any] = {
        **job.settings,
        "budget_unit": AXES[job.settings["budget_axis"]],
        "metric_titles": {name: metric.title for name, metric in metrics.items()},
        "metric_units": {name: metric.units for name, metric in metrics.items()},
        "metric_better": {name: metric.better for name, metric in metrics.items()},
    }
    name = settings["figure"]
    offered = {**FIGURES, **(job.load("figures").FIGURES if "figures" in job.modules else {})}
    if name not in offered:
        raise StageError(f"figures: there is no figure '{name}'; write {', '.join(offered)}")
    offered[name](job.outputs["figure"], Material(job), settings)
