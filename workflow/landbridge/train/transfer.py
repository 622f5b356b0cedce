"""Adapt by one recipe to every label budget, and predict the test rows: the stage `transfer`.

Opens the files of the recipe's rights, and `test_inputs.nc` for predicting only. A recipe is handed one budget at a
time, never the pool.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from landbridge.contract import CONVENTIONS, PROBABILITY_SCALE, Dataset, Variable
from landbridge.io import netcdf
from landbridge.methods.given import Diverged, Fitted, NotApplicable
from landbridge.models.learner import Learner
from landbridge.prepare import budgets, ragged
from landbridge.prepare.budgets import Budget
from landbridge.prepare.streams import stream
from landbridge.stage import Job
from landbridge.train.cost import Meter
from landbridge.train.harness import Given, Tools, open_source, set_threads
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.progress import progress_of
from landbridge.train.samples import Samples

log = logging.getLogger(__name__)

MISSING_PROBABILITY = 255


@dataclass
class Result:
    """What one budget gave.

    Attributes:
        values: predictions in the contract's shape and type; None unless the status is "ok".
        selection: rule by which the number of steps or rounds was chosen.
        labels_used: labelled groups, units or days that the recipe looked at.
    """

    budget: Budget
    values: np.ndarray | None
    status: str
    selection: str
    fitted: Fitted | None
    labels_used: int = 0


def run(job: Job) -> None:
    """Inputs: `test_inputs`, those of the recipe's rights, and `weights` where training begins at a file.

    Outputs: `predictions`, `cost`.
    """
    set_threads(job.threads)
    held = Held.of(job)
    test_file = held.read(job.input("test_inputs"))
    layout = Layout.of(job.settings, test_file)
    own = {name: job.load(name) for name in ("features", "baselines") if name in job.modules}
    features = getattr(own.get("features"), "table", None)
    test = Samples(test_file, layout, job.device, features)
    pool = held.read(job.input("target_labels")) if job.input_list("target_labels") else None
    results: list[Result] = []
    rows: list[dict[str, Any]] = []
    with progress_of(job) as progress:
        tools = Tools(
            job=job,
            layout=layout,
            recipe=job.load("recipe"),
            architecture=job.load("model") if "model" in job.modules else None,
            progress=progress,
            source=_source(job, held, layout, features),
            unlabelled=_unlabelled(job, held, layout, features),
            features=features,
            own=own,
            source_rows=str(test_file.attributes["source_rows_hash"]),
        )
        reused: Result | None = None
        for label in job.settings["budgets"]:
            meter, before = Meter(job), tools.fits
            if reused is None:
                result, free = _budget(tools, pool, test, label)
                reused = result if free else None
            else:  # the recipe did not look at the labels, so no budget changes what it does
                size = _size(job, pool, label)
                result = replace(reused, budget=Budget(label, size, None))
            if result.values is not None and not np.isfinite(result.values).all():
                result = replace(result, values=None, status="failed: a prediction is not finite")
            log.info("budget %s: %s", label, result.status)
            results.append(result)
            rows.append(
                meter.row(
                    result.fitted,
                    fits=tools.fits - before,
                    labels_used=result.labels_used,
                    labels_for_selection=result.budget.selection_size,
                )
            )
        netcdf.write(job.outputs["predictions"], _predictions(job, layout, test_file, results))
        Meter.write(job.outputs["cost"], [_total(rows)])


def _source(job: Job, held: Held, layout: Layout, features: Any) -> Any:
    if not job.input_list("source_labels"):
        return None
    return open_source(held.read(job.input("source_labels")), layout, job.device, features)


def _unlabelled(job: Job, held: Held, layout: Layout, features: Any) -> Samples | None:
    if not job.input_list("target_inputs"):
        return None
    return Samples(held.read(job.input("target_inputs")), layout, job.device, features)


def _size(job: Job, pool: Dataset | None, label: str) -> int:
    """Size of a budget that a recipe does not look at; -1 for "all" of a pool that it may not open."""
    if label != "all":
        return int(label)
    budget = _cut(job, pool, label) if pool is not None else None
    return budget.size if budget is not None else -1


def _cut(job: Job, pool: Dataset | None, label: str) -> Budget | None:
    if pool is None:
        return Budget(label, _size(job, None, label), None)
    selection = job.settings["selection"]
    keep = {"target_val_k": True, None: None}.get(selection, False)
    return budgets.cut(
        pool,
        job.settings["budget_axis"],
        label,
        scenario=job.settings["scenario"],
        seed=job.seed,
        keep_for_selection=keep if label != "0" else False,
        stratify=job.settings["budget_stratify"],
        selection_from=job.settings["selection_from"],
    )


def _budget(tools: Tools, pool: Dataset | None, test: Samples, label: str) -> tuple[Result, bool]:
    """One budget, and whether the recipe made do without looking at it."""
    job = tools.job
    if job.settings["budget_axis"] == "time" and job.settings["per_group"] and pool is not None:
        return _budget_per_group(tools, pool, test, label)
    try:
        budget = _cut(job, pool, label)
    except budgets.TooSmallError as reason:
        return Result(Budget(label, 0, None), None, f"not_applicable: {reason}", "", None), False
    if budget is None:
        return Result(Budget(label, 0, None), None, "not_applicable: the pool holds fewer", "", None), False
    given, result = _fit(tools, budget, test, f"{job.wildcards.get('recipe', '')} budget {label}")
    return result, not given.used_budget


def _budget_per_group(tools: Tools, pool: Dataset, test: Samples, label: str) -> tuple[Result, bool]:
    """One fit for each target group, on its own leading days, predicting its own rows."""
    groups = np.asarray(pool["group"]).astype(str)
    values: np.ndarray | None = None
    last: Result | None = None
    try:
        start = _begin(tools, pool, label) if len(test.by_group) > 1 else None
    except NotApplicable as reason:
        return Result(Budget(label, 0, None), None, f"not_applicable: {reason}", "", None), False
    except Diverged as reason:
        return Result(Budget(label, 0, None), None, f"failed: {reason}", "fixed", None), False
    for group, (rows, own) in test.by_group.items():
        budget = _cut(tools.job, ragged.select_units(pool, groups == group), label)
        if budget is None:
            text = f"not_applicable: {group} has fewer labelled days"
            return Result(Budget(label, 0, None), None, text, "", None), False
        what = f"{tools.job.wildcards.get('recipe', '')} {group} budget {label}"
        given, result = _fit(tools, budget, own, what, start)
        if result.values is None:  # one group without a fit leaves the budget without a fair score
            text = f"{result.status} ({group})"
            return Result(budget, None, text, result.selection, None), not given.used_budget
        if not given.used_budget:  # the same for every group
            assert result.fitted is not None
            return replace(result, values=_predicted(tools, result.fitted, test)), True
        values = np.full((test.prediction_rows, *result.values.shape[1:]), np.nan) if values is None else values
        values[rows] = result.values
        last = result
    assert last is not None
    return replace(last, values=values), False


def _begin(tools: Tools, pool: Dataset, label: str) -> Learner | None:
    """What the recipe learns of all groups' labelled days before it is fitted to each; None where it does not."""
    if not hasattr(tools.recipe, "begin"):
        return None
    budget = _cut(tools.job, pool, label)
    if budget is None or budget.train is None:
        return None
    begun: Learner = tools.recipe.begin(
        _given(tools, budget, f"{tools.job.wildcards.get('recipe', '')} all groups budget {label}")
    )
    return begun


def _given(tools: Tools, budget: Budget, what: str, start: Learner | None = None) -> Given:
    job = tools.job
    return Given(
        tools=tools,
        cut=budget,
        seed=stream("fit", job.settings["scenario"], job.seed),
        settings={**getattr(tools.recipe, "DEFAULTS", {}), **job.settings["recipe_settings"]},
        variant=job.settings["variant"],
        what=what,
        start=start,
    )


def _fit(tools: Tools, budget: Budget, test: Samples, what: str, start: Learner | None = None) -> tuple[Given, Result]:
    job = tools.job
    given = _given(tools, budget, what, start)
    selection = job.settings["selection"] or ("target_val_k" if budget.selection_size else "fixed")
    try:
        fitted = tools.recipe.fit(given)
        values = _predicted(tools, fitted, test)
    except NotApplicable as reason:
        return given, Result(budget, None, f"not_applicable: {reason}", "", None)
    except Diverged as reason:
        log.warning("%s diverged: %s", what, reason)
        return given, Result(budget, None, f"failed: {reason}", selection, None)
    if not given.used_budget:
        selection = job.settings["selection"] or "source_val"
    return given, Result(budget, values, "ok", selection, fitted, budget.size if given.used_budget else 0)


def _predicted(tools: Tools, fitted: Fitted, test: Samples) -> np.ndarray:
    """What a fit predicts; nothing that is on or off lies below off."""
    values = fitted.predict(test)
    return np.maximum(values, 0) if tools.layout.on_from else values


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One row for the job: seconds and fits of all budgets together, the rest of the largest budget that was fitted."""
    last = max(rows, key=lambda row: (row["labels_used"], row["total_parameters"]))
    totals = {name: round(sum(row[name] for row in rows), 3) for name in ("seconds", "fits")}
    return {**last, **totals, "peak_mb": max(row["peak_mb"] for row in rows)}


def _predictions(job: Job, layout: Layout, test: Dataset, results: list[Result]) -> Dataset:
    """The predictions file: budgets that gave nothing are NaN, or 255."""
    rows = len(test["row_unit"])
    shape = next((result.values.shape for result in results if result.values is not None), None)
    name, dimensions, dtype, missing = {
        "regression": ("prediction", ("budget", "row", "target"), np.float32, np.nan),
        "classification": ("log_probability", ("budget", "row", "class"), np.float32, np.nan),
        "segmentation": ("probability", ("budget", "row", "class", "y", "x"), np.uint8, MISSING_PROBABILITY),
    }[layout.task]
    if shape is None:
        pixels = test["reflectance"].shape[2:] if layout.task == "segmentation" else ()
        shape = (rows, layout.outputs, *pixels)
    values = np.full((len(results), *shape), missing, dtype)
    for number, result in enumerate(results):
        if result.values is not None:
            scaled = np.rint(result.values * PROBABILITY_SCALE) if layout.task == "segmentation" else result.values
            values[number] = scaled.astype(dtype)
    members = layout.targets if layout.task == "regression" else layout.classes
    attributes: dict[str, Any] = {"long_name": name.replace("_", " ")}
    if layout.task == "segmentation":
        attributes |= {"scale_factor": 1 / PROBABILITY_SCALE, "missing_value": np.uint8(MISSING_PROBABILITY)}
    ints = np.int32

    def per_budget(values: list[Any], dtype: Any = None) -> Variable:
        return Variable(("budget",), np.asarray(values, dtype))

    return Dataset(
        {
            "budget": per_budget([result.budget.label for result in results]),
            "budget_size": per_budget([result.budget.size for result in results], ints),
            "selection": per_budget([result.selection for result in results]),
            "status": per_budget([result.status for result in results]),
            "labels_used": per_budget([result.labels_used for result in results], ints),
            "labels_for_selection": per_budget([result.budget.selection_size for result in results], ints),
            "target_name" if layout.task == "regression" else "class_name": Variable(
                (dimensions[2],), np.asarray(members)
            ),
            name: Variable(dimensions, values, attributes),
        },
        {
            "Conventions": CONVENTIONS,
            "kind": "predictions",
            "task": layout.task,
            "row_of": test.attributes["row_of"],
            "rows_table_hash": test.attributes["rows_table_hash"],
            "budget_unit": budgets.AXES[job.settings["budget_axis"]],
            "model": job.wildcards.get("model", ""),
            "recipe": job.settings["recipe"],
            "variant": job.settings["variant"],
            "place": job.settings["place"],
        },
    )
