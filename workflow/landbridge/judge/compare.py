"""Set the recipes of a scenario beside each other, with intervals and verdicts: the stage `compare`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.io import netcdf
from landbridge.judge import alarms, bootstrap, labels, tables
from landbridge.judge.bootstrap import Draws
from landbridge.judge.effects import effect_rows
from landbridge.judge.metrics.metric import Metric
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.rows import NOT_EXPOSED, Values, bounds, head, interval_of
from landbridge.judge.scores import MACRO, Run, Scores, mean_of_targets, read_scores
from landbridge.judge.units import write_units
from landbridge.prepare.budgets import AXES
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

CENTRES = (
    "mean",
    "median",
    "iqm",
    "worst_class",
    "pooled",
)  # statistics whose difference is an effect; tails are compared by eye
ORACLE, ALL_OF_TEST = "oracle", "all of the test"  # the rule, and what it looks at


def run(job: Job) -> None:
    """Inputs: `scores`, `apart`, `cost`, `tests`. Outputs: each of `tables` by its name.

    Runs whose rule looks at labels that no budget counts (`apart`) stand in `leaderboard_large` and in no other table
    but that of costs: no reference, no effect, no verdict is taken from them.
    """
    settings = job.settings
    scores = read_scores(job.input_list("scores"), settings["budgets"])
    draws = bootstrap.draw(scores, settings["bootstrap"]["replicates"], settings["scenario"])
    alarms.refuse_learned_noise(scores, draws, settings)
    rows: dict[str, list[dict[str, Any]]] = {"leaderboard": [], "effects": [], "labels": []}
    level = settings["bootstrap"]["level"]
    for target, name, metric, statistic, values in each_statistic(scores, draws, settings):
        what = {"target": target, "metric": name, "statistic": statistic}
        rows["leaderboard"] += leaderboard_rows(scores, draws, values, level, what, settings)
        if statistic in (*CENTRES, settings["headline"]["statistic"]):
            rows["effects"] += effect_rows(scores, draws, values, metric, level, what, settings)
        if statistic == settings["headline"]["statistic"] and metric.better != "zero":
            rows["labels"] += label_rows(scores, values, metric, level, what)
    rows["leaderboard"] += unfit_rows(scores, settings)
    tables.write(job.outputs["leaderboard"], tables.LEADERBOARD, rows["leaderboard"])
    tables.write(job.outputs["effects"], tables.EFFECTS, rows["effects"])
    tables.write(job.outputs["labels"], tables.LABELS, rows["labels"])
    cost = [row for path in job.input_list("cost") for row in json.loads(path.read_text())]
    tables.write(job.outputs["leaderboard_large"], tables.LARGE, rows_apart(job, scores, cost))
    write_units(job.outputs["units"], scores, [netcdf.read(path) for path in job.input_list("tests")], settings)
    tables.write(job.outputs["cost"], tables.COST, cost)


def rows_apart(job: Job, compared: Scores, cost: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the runs that stand apart, each with the most labels that its rule looked at in a job.

    Of the rule `oracle`, whose jobs look at none and whose trial the test chooses, words say so in their place.

    Args:
        job: of `compare`.
        compared: the runs of the main tables; failed budgets are filled by their naive reference.
        cost: rows of all jobs.

    Raises:
        StageError: a run was scored on other units than the main tables.
    """
    settings, paths = job.settings, job.input_list("apart")
    if not paths:
        return []
    scores = read_scores([*job.input_list("scores"), *paths], settings["budgets"])
    if scores.groups != compared.groups or scores.unit_of_cell != compared.unit_of_cell:
        raise StageError(f"{paths[0]}: scored on other units than the other recipes; delete the scores and run again")
    kept = replace(scores, runs=scores.runs[-len(paths) :])
    draws = bootstrap.draw(kept, settings["bootstrap"]["replicates"], settings["scenario"])
    found: list[dict[str, Any]] = []
    for target, name, _, statistic, values in each_statistic(kept, draws, settings):
        what = {"target": target, "metric": name, "statistic": statistic}
        found += leaderboard_rows(kept, draws, values, settings["bootstrap"]["level"], what, settings)
    rules = {own.rule for own in kept.runs}
    for row in found:  # this table has the rule in a column alone
        row["variant"] = ".".join(word for word in row["variant"].split(".") if word not in rules)
    labels: dict[tuple[str, ...], int] = {}
    for job_cost in cost:
        key = _run_of(job_cost)
        labels[key] = max(labels.get(key, 0), int(job_cost["labels_for_selection"]))
    return [
        {**row, "labels_for_selection": ALL_OF_TEST if row["selection"] == ORACLE else labels.get(_run_of(row), 0)}
        for row in found
    ]


def _run_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("model", "recipe", "variant", "selection"))


def each_statistic(
    scores: Scores, draws: Draws, settings: Mapping[str, Any]
) -> Iterator[tuple[str, str, Metric, str, Values]]:
    """Every target, metric and statistic, with the replicates of each run and budget."""
    unknown = [name for name in settings["statistics"] if name not in bootstrap.STATISTICS]
    if unknown:
        raise StageError(f"statistic {', '.join(unknown)} is not known; write {', '.join(bootstrap.STATISTICS)}")
    metrics = {name: find_metric(scores.task, name, scores.classes) for name in settings["metrics"]}
    of_targets: dict[tuple[str, str], list[Values]] = {}
    for target in scores.targets:
        for name in settings["metrics"]:
            found: dict[str, Values] = {statistic: {} for statistic in settings["statistics"]}
            for index, own in enumerate(scores.runs):
                for number in range(len(scores.budgets)):
                    if own.status[number].startswith("not_applicable"):
                        continue
                    values = bootstrap.replicate_values(
                        own.sums[target][number], scores, draws, metrics[name], settings["statistics"]
                    )
                    for statistic, replicates in values.items():
                        found[statistic][index, number] = replicates
            for statistic, by_run in found.items():
                yield target, name, metrics[name], statistic, by_run
                of_targets.setdefault((name, statistic), []).append(by_run)
    if settings["headline"]["target"] == MACRO:
        for (name, statistic), each in of_targets.items():
            macro = {key: mean_of_targets([by_run[key] for by_run in each]) for key in each[0]}
            yield MACRO, name, metrics[name], statistic, macro


def leaderboard_rows(
    scores: Scores, draws: Draws, values: Values, level: float, what: Mapping[str, str], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One row for each run and budget; not applicable ones without a value."""
    rows, kind = [], interval_of(draws, what["metric"])
    for index, own in enumerate(scores.runs):
        for number in range(len(scores.budgets)):
            replicates = values.get((index, number))
            low, high = (float("nan"),) * 2 if replicates is None else bounds(replicates, kind, level)
            value = float("nan") if replicates is None else float(replicates[0])
            numbers = {"value": value, "low": low, "high": high, "interval": kind}
            spread = own.spread[number] if own.spread else ""
            numbers |= {"status": _status(own.status[number], value, what["metric"], spread), "spread": spread}
            rows.append({**head(own, scores, number, settings), **what, **numbers})
    return rows


def _status(status: str, value: float, metric: str, spread: str) -> str:
    """Status of a row: that of its run, or why a run that went well has no value."""
    if status != "ok" or not np.isnan(value) or spread.startswith("none"):  # `spread` tells why there are no intervals
        return status
    return f"no_value: {metric} is not defined here: labels or predictions do not vary, or its scale has too few rows"


def unfit_rows(scores: Scores, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Headline rows, without a value, of the recipes that can't run in the scenario; their status says why."""
    blank: dict[str, Any] = {
        "model": "none",
        "selection": "",
        "budget_unit": AXES[settings["budget_axis"]],
        "interval": "none",
    }
    blank |= {"groups": len(scores.groups), "seeds": len(scores.seeds)}
    blank |= {"leakage": "", "pretraining_exposure": NOT_EXPOSED, "spread": ""}
    blank |= {**settings["headline"], **dict.fromkeys(("value", "low", "high"), float("nan"))}
    return [{**blank, **own, "budget": budget} for own in settings.get("unfit", ()) for budget in scores.budgets]


def label_rows(
    scores: Scores, values: Values, metric: Metric, level: float, what: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Labels saved against `target_only`, and the area under each learning curve.

    `low` and `high` bound the labels saved; replicates beyond the observed budgets count as infinite.
    """
    numbers = [number for number, budget in enumerate(scores.budgets) if scores.sizes[budget] >= 1]
    sizes = np.array([scores.sizes[scores.budgets[number]] for number in numbers], float)
    rows = []
    for index, own in enumerate(scores.runs):
        if own.recipe == "truth":
            continue
        reference = scores.find("target_only", own.model)
        curve = _curve(scores, values, reference, numbers)
        mine = _curve(scores, values, own, numbers)
        areas = labels.area(mine, sizes) if mine is not None else None
        area_bounds = bootstrap.interval(areas, level) if areas is not None else (float("nan"),) * 2
        for place, number in enumerate(numbers):
            replicates = values.get((index, number))
            row = {
                "model": own.model,
                "recipe": own.recipe,
                "variant": own.variant,
                **what,
                "selection": own.selection[number],
                "budget": scores.budgets[number],
                **dict.fromkeys(("n_equivalent", "saved", "ratio", "low", "high"), float("nan")),
                "censored": "",
                "leakage": own.leakage,
                "status": own.status[number],
                "area": float(areas[0]) if areas is not None else float("nan"),
                "area_low": area_bounds[0],
                "area_high": area_bounds[1],
            }
            if replicates is not None and curve is None:
                row["status"] = "not_applicable: target_only has no score at some budget"
            elif replicates is not None and curve is not None:
                zero = np.zeros_like(curve)
                reached = labels.equivalent(
                    labels.isotonic(metric.gain(curve, zero)), metric.gain(replicates, zero[:, 0]), sizes
                )
                low, high = bootstrap.interval(reached - sizes[place], level)
                point = float(reached[0])
                row |= {"low": low, "high": high}
                if np.isfinite(point):
                    row |= {"n_equivalent": point, "saved": point - sizes[place], "ratio": point / sizes[place]}
                else:
                    row["censored"] = f"> {sizes[-1]:g}" if point > 0 else f"< {sizes[0]:g}"
            rows.append(row)
    return rows


def _curve(scores: Scores, values: Values, own: Run | None, numbers: Sequence[int]) -> np.ndarray | None:
    """(replicate, budget) of a run, or None where it has no score at one of the budgets."""
    if own is None or not numbers:
        return None
    index = scores.runs.index(own)
    found = [values.get((index, number)) for number in numbers]
    return (
        None if any(item is None for item in found) else np.stack([item for item in found if item is not None], axis=1)
    )
