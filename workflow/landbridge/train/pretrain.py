"""Pretrain one model on the source: the stage `pretrain`.

Selects the epoch by the loss on validation groups of the source.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from typing import Any

from landbridge.methods.given import NotApplicable
from landbridge.models.learner import Learner
from landbridge.models.network import build
from landbridge.prepare.scaling import check_scaler, fit_scaler, rows_hash
from landbridge.prepare.streams import stream
from landbridge.stage import Job, StageError
from landbridge.train.checkpoint import save_learner
from landbridge.train.cost import Meter
from landbridge.train.harness import loss_of, open_source, plain_loss_of, schedule_of, set_threads, turns_of
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.loop import Drawn, train
from landbridge.train.losses import MeanLoss
from landbridge.train.progress import progress_of
from landbridge.train.start import start

log = logging.getLogger(__name__)


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
    scaler = fit_scaler([source.train.dataset], *layout.scaler_arguments())
    check_scaler(scaler, [source.train.dataset], *layout.scaler_arguments())
    if rows_hash([source.train.dataset]) != written_hash:
        raise StageError(f"{job.input('source')}: its rows are not those that `split` wrote; delete it and run again")
    shape = layout.shape(len(scaler.input_mean), source.train.tell_groups_apart() if layout.grouped else 0)
    training = job.settings["training"]
    with progress_of(job) as progress:
        network = build(job.load("model"), shape, job.settings["network"]).to(job.device)
        start(network, job, source.train.dataset, stream("init", job.seed))
        loss: Any = loss_of(job.settings, layout, scaler, job.device)
        objective, groups = job.load("objective"), None
        if hasattr(objective, "objective"):
            settings = {**objective.DEFAULTS, **job.settings["objective_settings"]}
            groups = source.train.group_of_window(settings["by"])
            loss = _robust(objective, loss, groups, settings)
        drawn = source.train.scaled(scaler, balanced=True)
        outcome = train(
            network,
            [Drawn.start("source", drawn, 1.0, job.seed, job.device, groups, turns=turns_of(training, layout))],
            loss,
            schedule_of(training, training["learning_rate"], source.train.cells),
            validation=source.validation.scaled(scaler),
            validation_loss=plain_loss_of(job.settings, layout),
            progress=progress,
            what=f"{job.wildcards.get('scenario', '')} {job.wildcards.get('model', '')} seed {job.seed}",
        )
        learner = Learner(network, scaler, shape)
        learner.trained = network.part_names()
        notes = {"objective": job.wildcards.get("objective", ""), "best_epoch": outcome.best_epoch}
        if "weights" in job.settings:
            notes["weights"] = job.settings["weights"]
        save_learner(job.outputs["checkpoint"], learner, notes)
        with job.outputs["history"].open("w", newline="") as handle:
            writer = csv.DictWriter(handle, ["epoch", "steps", "training_loss", "validation_loss"])
            writer.writeheader()
            for row in outcome.history:
                writer.writerow({name: f"{value:.9g}" for name, value in row.items()})
        meter.write(job.outputs["cost"], [meter.row(learner, fits=1)])


def _robust(objective: Any, plain: MeanLoss, groups: Any, settings: Mapping[str, Any]) -> Any:
    """The loss of an objective that weighs groups.

    Raises:
        StageError: it can't act on this source.
    """
    try:
        return objective.objective(plain, groups, settings)
    except NotApplicable as reason:
        raise StageError(
            f"{reason}; choose another column as recipe_settings.group_dro.by, or leave it out"
        ) from reason
