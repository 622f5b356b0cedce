"""Draw one figure of one scenario: the stage `draw`."""

from __future__ import annotations

import numpy as np

from landbridge.io import netcdf
from landbridge.judge import tables
from landbridge.judge.figures import FIGURES
from landbridge.judge.metrics.tasks import METRICS
from landbridge.judge.scores import as_sums, group_sums, read_scores
from landbridge.stage import Job, StageError


def run(job: Job) -> None:
    """Inputs: `leaderboard`, `effects`, `labels`, `scores`, `tests`. Output: `figure`.

    A domain's figures.py holds FIGURES of its own: functions of (path, places, settings), where places are the test
    units with their headline score.
    """
    metrics = METRICS[job.settings["task"]]
    settings = {
        **job.settings,
        "metric_titles": {name: metric.title for name, metric in metrics.items()},
        "metric_units": {name: metric.units for name, metric in metrics.items()},
    }
    name, path = settings["figure"], job.outputs["figure"]
    own = job.load("figures").FIGURES if "figures" in job.modules else {}
    if name in own:
        own[name](path, places(job), settings)
    elif name in FIGURES:
        table = tables.read(job.input("effects" if name == "effects" else "leaderboard"))
        FIGURES[name](path, table, settings)
    else:
        raise StageError(f"figures: there is no figure '{name}'; write {', '.join([*FIGURES, *own])}")


def places(job: Job) -> list[dict[str, object]]:
    """Test groups with their place and the headline metric of every recipe at its largest budget, over seeds."""
    scores = read_scores(job.input_list("scores"), job.settings["budgets"])
    headline = job.settings["headline"]
    metric = METRICS[scores.task][headline["metric"]]
    where: dict[str, dict[str, object]] = {}
    for path in job.input_list("tests"):
        test = netcdf.read(path)
        if "lat" not in test:
            raise StageError(f"{path}: its units have no lat and lon, so there is no map; take it out of `figures:`")
        for index, group in enumerate(test["group"].tolist()):
            known = {"group": group, "class_of": str(test["class_of"][index])}
            where.setdefault(group, {**known, "lat": float(test["lat"][index]), "lon": float(test["lon"][index])})
    for run_ in scores.runs:
        usable = [number for number, status in enumerate(run_.status) if status == "ok"]
        if not usable or run_.recipe == "truth":
            continue
        sums = group_sums(run_.sums[headline["target"]][usable[-1]], scores)
        values = np.nanmean(metric.function(as_sums(sums, scores.names)), axis=0)
        for group, value in zip(scores.groups, values, strict=True):
            where[group][".".join(filter(None, (run_.recipe, run_.variant)))] = float(value)
    return [where[group] for group in scores.groups]
