"""Adapt by one recipe to every label budget, and predict the test rows: the stage `transfer`.

Opens the files of the recipe's rights, and `test_inputs.nc` for predicting only. A recipe is handed one budget at a
time, never the pool.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.io import netcdf
from landbridge.prepare.budgets import Budget
from landbridge.stage import Job
from landbridge.train.cost import Meter
from landbridge.train.fitting import Result, fit_budget, size_of
from landbridge.train.harness import Tools, open_source, set_threads
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.predictions import predictions
from landbridge.train.progress import progress_of
from landbridge.train.samples import Samples

log = logging.getLogger(__name__)


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
                result, free = fit_budget(tools, pool, test, label)
                reused = result if free else None
            else:  # the recipe did not look at the labels, so no budget changes what it does
                size = size_of(job, pool, label)
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
        netcdf.write(job.outputs["predictions"], predictions(job, layout, test_file, results))
        Meter.write(job.outputs["cost"], [_total(rows)])


def _source(job: Job, held: Held, layout: Layout, features: Any) -> Any:
    if not job.input_list("source_labels"):
        return None
    return open_source(held.read(job.input("source_labels")), layout, job.device, features)


def _unlabelled(job: Job, held: Held, layout: Layout, features: Any) -> Samples | None:
    if not job.input_list("target_inputs"):
        return None
    return Samples(held.read(job.input("target_inputs")), layout, job.device, features)


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One row for the job: seconds and fits of all budgets together, the rest of the largest budget that was fitted."""
    last = max(rows, key=lambda row: (row["labels_used"], row["total_parameters"]))
    totals = {name: round(sum(row[name] for row in rows), 3) for name in ("seconds", "fits")}
    return {**last, **totals, "peak_mb": max(row["peak_mb"] for row in rows)}
