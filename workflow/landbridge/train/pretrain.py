"""Pretrain one model on the source: the stage `pretrain`.

Selects the epoch by the loss on validation groups of the source.
"""

from __future__ import annotations

import csv
import logging
from typing import Any

from landbridge.methods.given import NotApplicable
from landbridge.models.learner import Learner
from landbridge.models.network import build
from landbridge.prepare.scaling import check_scaler, fit_scaler, rows_hash
from landbridge.prepare.streams import stream
from landbridge.stage import Job, StageError
from landbridge.train.checkpoint import save_learner
from landbridge.train.cost import Meter
from landbridge.train.drawn import Drawn
from landbridge.train.harness import Source, loss_of, open_source, plain_loss_of, schedule_of, set_threads, turns_of
from landbridge.train.held import Held
from landbridge.train.layout import Layout
from landbridge.train.loop import Outcome, Schedule, lengths, train
from landbridge.train.losses import MeanLoss
from landbridge.train.progress import progress_of
from landbridge.train.scaled import Scaled
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
        drawn = source.train.scaled(scaler, balanced=True)
        schedule = schedule_of(training, training["learning_rate"], source.train.cells)
        loss: Any = loss_of(job.settings, layout, scaler, job.device)
        outcome: Outcome | None = None
        notes: dict[str, Any] = {"objective": job.wildcards.get("objective", "")}
        try:
            loss, side = _posed(job, source, loss, drawn, turns=turns_of(training, layout))
        except NotApplicable as reason:  # which recipes that start here are told
            notes["not_applicable"] = str(reason)
            log.warning("not applicable: %s", reason)
        else:
            outcome = train(
                network,
                [side],
                loss,
                schedule,
                warm_up=loss.spread_over(steps_of(side, schedule)) if hasattr(loss, "spread_over") else 0,
                validation=source.validation.scaled(scaler),
                validation_loss=plain_loss_of(job.settings, layout),
                progress=progress,
                what=f"{job.wildcards.get('scenario', '')} {job.wildcards.get('model', '')} seed {job.seed}",
            )
        learner = Learner(network, scaler, shape)
        if outcome is not None:
            learner.trained = network.part_names()
            notes["best_epoch"] = outcome.best_epoch
        if "weights" in job.settings:
            notes["weights"] = job.settings["weights"]
        save_learner(job.outputs["checkpoint"], learner, notes)
        with job.outputs["history"].open("w", newline="") as handle:
            writer = csv.DictWriter(handle, ["epoch", "steps", "training_loss", "validation_loss"])
            writer.writeheader()
            for row in outcome.history if outcome is not None else []:
                writer.writerow({name: f"{value:.9g}" for name, value in row.items()})
        meter.write(job.outputs["cost"], [meter.row(learner, fits=int(outcome is not None))])


def _posed(job: Job, source: Source, plain: MeanLoss, population: Scaled, *, turns: bool) -> tuple[Any, Drawn]:
    """The loss that the objective makes of the task's own, and the source as it is drawn from.

    Raises:
        NotApplicable: the objective can't act on this source.
        StageError: the units lack the column that it groups by, or a setting is out of range.
    """
    objective = job.load("objective")
    settings = {**getattr(objective, "DEFAULTS", {}), **job.settings.get("objective_settings", {})}
    groups = source.train.group_of_window(settings["by"]) if "by" in settings else None
    evenly = None
    if hasattr(objective, "objective"):
        plain, evenly = objective.objective(plain, groups, settings), groups
    side = Drawn.start("source", population, 1.0, job.seed, job.device, evenly, turns=turns)
    if hasattr(objective, "mixing"):
        side.mixing = objective.mixing(population, groups, settings, job.seed)
    return plain, side


def steps_of(side: Drawn, schedule: Schedule) -> int:
    """Most steps that a training makes."""
    steps, epochs = lengths([side], schedule)
    return steps * epochs
