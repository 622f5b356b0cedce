"""Pretrain one model on the source: the stage `pretrain`.

Selects the epoch by the loss on validation groups of the source.
"""

from __future__ import annotations

import csv
from typing import Any

from landbridge.prepare.scaling import rows_hash
from landbridge.stage import Job, StageError
from landbridge.train.checkpoint import save_learner
from landbridge.train.cost import Meter
from landbridge.train.harness import open_source
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.networks import set_threads
from landbridge.train.pretraining import trained_on_source
from landbridge.train.progress import progress_of
from landbridge.train.spread import NOTE, errors_of, groups_of, rows_of


def run(job: Job) -> None:
    """Inputs: `source`, and `weights` where training begins at a file. Outputs: `checkpoint`, `history`, `cost`."""
    set_threads(job.threads)
    meter = Meter(job)
    dataset = Held.of(job).read(job.input("source"))
    layout = Layout.of(job.settings, dataset)
    source = open_source(dataset, layout, job.device)
    written_hash = dataset.attributes["source_rows_hash"]
    del dataset  # the parts are copies
    if len(source.train) == 0 or len(source.validation) == 0:
        raise StageError(
            f"{job.input('source')}: {len(source.train)} training and {len(source.validation)} validation windows; "
            f"take a wider source population or a shorter window"
        )
    if rows_hash([source.train.dataset]) != written_hash:
        raise StageError(f"{job.input('source')}: its rows are not those that `split` wrote; delete it and run again")
    with progress_of(job) as progress:
        what = f"{job.wildcards.get('scenario', '')} {job.wildcards.get('model', '')} seed {job.seed}"
        learner, outcome, reason = trained_on_source(job, layout, source, progress, what)
        notes: dict[str, Any] = {"objective": job.wildcards.get("objective", "")}
        if outcome is not None:
            notes["best_epoch"] = outcome.best_epoch
            known = rows_of(source.validation, groups_of(source.train.dataset))
            for errors in errors_of(learner, known, job.settings):
                notes[NOTE] = errors.as_note()
        else:  # which recipes that start here are told
            notes["not_applicable"] = reason
        if "weights" in job.settings:
            notes["weights"] = job.settings["weights"]
        save_learner(job.outputs["checkpoint"], learner, notes)
        with job.outputs["history"].open("w", newline="") as handle:
            writer = csv.DictWriter(handle, ["epoch", "steps", "training_loss", "validation_loss"])
            writer.writeheader()
            for row in outcome.history if outcome is not None else []:
                writer.writerow({name: f"{value:.9g}" for name, value in row.items()})
        meter.write(job.outputs["cost"], [meter.row(learner, fits=int(outcome is not None))])
