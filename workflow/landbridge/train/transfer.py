"""Adapt by one recipe to every label budget, and predict the test rows: the stage `transfer`.

Opens the files of the recipe's rights, and `test_inputs.nc` for predicting only. A recipe is handed one budget at a
time, never the pool.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from landbridge.io import netcdf
from landbridge.methods.given import NotApplicable
from landbridge.prepare.budgets import Budget
from landbridge.stage import Job, StageError
from landbridge.train import guards
from landbridge.train.cost import Meter
from landbridge.train.fitting import Result, predicted, size_of
from landbridge.train.harness import Tools, open_source
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.predictions import predictions
from landbridge.train.progress import progress_of
from landbridge.train.samples import Samples
from landbridge.train.selection import search
from landbridge.train.selection.search import Searched, Trial, search_budget

log = logging.getLogger(__name__)


def run(job: Job) -> None:
    """Inputs: `test_inputs`, those of the rights of recipe and selection rule, and `weights` to begin at.

    Outputs: `predictions`, `trials`, `cost`.
    """
    if job.modules.keys() & {"model", "selection"}:  # other jobs make do without torch
        from landbridge.train.networks import set_threads

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
            large=_validation(job, held, layout, features),
        )
        labelled = tools.source.train.dataset if tools.source else pool
        if labelled is not None and "features" in own:
            functions = [getattr(own["features"], name) for name in guards.FUNCTIONS if hasattr(own["features"], name)]
            try:
                guards.check_features(
                    labelled, lambda few: Samples(few, layout, job.device), functions, guards.recipe_of(job.settings)
                )
            except NotApplicable as reason:  # which every budget will say
                log.info("features are not checked: %s", reason)
        trials: list[tuple[str, Trial]] = []
        reused: Searched | None = None
        for label in job.settings["budgets"]:
            meter, before = Meter(job), tools.fits
            if reused is None:
                found = search_budget(tools, pool, test, label)
                own_results, seconds = found.results, found.seconds
                reused = found if found.free else None
            else:  # the recipe did not look at the labels, so no budget changes what it does
                found, seconds = reused, 0.0
                kept = found.results[0].budget.selection_size if tools.large is not None else 0
                budget = Budget(label, size_of(job, pool, label), None, selection_size=kept)
                own_results = [replace(result, budget=budget) for result in found.results]
            result = own_results[0]
            trials += [(label, trial) for trial in found.trials]
            log.info("budget %s: %s", label, result.status)
            results += own_results
            rows.append(
                meter.row(
                    result.fitted,
                    fits=tools.fits - before,
                    search_seconds=seconds,
                    labels_used=result.labels_used,
                    labels_for_selection=result.budget.selection_size,
                )
            )
        if tools.last is not None and not job.settings.get("transductive"):
            fitted, rows_to_predict, values = tools.last
            guards.check_rows_stand_alone(
                lambda some: predicted(layout, fitted, some), rows_to_predict, values, guards.recipe_of(job.settings)
            )
        netcdf.write(job.outputs["predictions"], predictions(job, layout, test_file, results))
        search.write(job.outputs["trials"], trials)
        Meter.write(job.outputs["cost"], [_total(rows)])


def _source(job: Job, held: Held, layout: Layout, features: Any) -> Any:
    if not job.input_list("source_labels"):
        return None
    return open_source(held.read(job.input("source_labels")), layout, job.device, features)


def _unlabelled(job: Job, held: Held, layout: Layout, features: Any) -> Samples | None:
    if not job.input_list("target_inputs"):
        return None
    return Samples(held.read(job.input("target_inputs")), layout, job.device, features)


def _validation(job: Job, held: Held, layout: Layout, features: Any) -> Samples | None:
    """Validation groups of the target, for the rule `target_val_large` alone.

    Raises:
        StageError: the split has none.
    """
    if not job.input_list("validation_labels"):
        return None
    dataset = held.read(job.input("validation_labels"))
    found = Samples(dataset, layout, job.device, features) if len(dataset["unit_name"]) else None
    if found is None or len(found) == 0:
        raise StageError(
            f"{job.input('validation_labels')}: holds no labelled window to choose by; give target_val a share in "
            f"split.shares of {job.settings['scenario']}, or leave out recipes that select by target_val_large"
        )
    return found


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One row for the job: seconds and fits of all budgets together, the rest of the largest budget that was fitted."""
    last = max(rows, key=lambda row: (row["labels_used"], row["total_parameters"]))
    totals = {name: round(sum(row[name] for row in rows), 3) for name in ("seconds", "search_seconds", "fits")}
    shared = next((word for word in ("yes", "unknown") if word in {row["shared"] for row in rows}), "no")
    return {**last, **totals, "peak_mb": max(row["peak_mb"] for row in rows), "shared": shared}
