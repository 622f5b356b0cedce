"""One network trained on the source by an objective, for `pretrain` and for a search that holds groups of it out."""

from __future__ import annotations

import logging
from typing import Any

from landbridge.methods.given import NotApplicable
from landbridge.models.learner import Learner
from landbridge.models.network import build
from landbridge.prepare.scaling import check_scaler, fit_scaler
from landbridge.prepare.streams import stream
from landbridge.stage import Job
from landbridge.train.drawn import Drawn
from landbridge.train.harness import Source
from landbridge.train.layout import Layout
from landbridge.train.loop import Outcome, Schedule, lengths, train
from landbridge.train.losses import MeanLoss
from landbridge.train.networks import loss_of, plain_loss_of, schedule_of, turns_of
from landbridge.train.progress import Progress
from landbridge.train.scaled import Scaled
from landbridge.train.start import start

log = logging.getLogger(__name__)


def trained_on_source(
    job: Job, layout: Layout, source: Source, progress: Progress, what: str
) -> tuple[Learner, Outcome | None, str]:
    """A network trained on the source, its epoch chosen by the loss on the source's validation groups.

    Args:
        job: of a training stage, with the modules `model` and `objective` and the setting `objective_settings`.
        layout: of the scenario.
        source: both parts, of one window at least.
        progress: of the job.
        what: is trained, for the log.

    Returns:
        The network with its scaler, and what the training did; where the objective can't act on this source the
        network as it began, None, and why.
    """
    scaler = fit_scaler([source.train.dataset], *layout.scaler_arguments())
    check_scaler(scaler, [source.train.dataset], *layout.scaler_arguments())
    shape = layout.shape(len(scaler.input_mean), source.train.tell_groups_apart() if layout.grouped else 0)
    training = job.settings["training"]
    network = build(job.load("model"), shape, job.settings["network"]).to(job.device)
    start(network, job, source.train.dataset, stream("init", job.init_seed))
    learner = Learner(network, scaler, shape)
    drawn = source.train.tensors.scaled(scaler, balanced=True)
    schedule = schedule_of(training, training["learning_rate"], source.train.cells)
    loss: Any = loss_of(job.settings, layout, scaler, job.device)
    try:
        loss, side = _posed(job, source, loss, drawn, turns=turns_of(training, layout))
    except NotApplicable as reason:
        log.warning("not applicable: %s", reason)
        return learner, None, str(reason)
    outcome = train(
        network,
        [side],
        loss,
        schedule,
        warm_up=loss.spread_over(steps_of(side, schedule)) if hasattr(loss, "spread_over") else 0,
        validation=source.validation.tensors.scaled(scaler),
        validation_loss=_compared(job, source, plain_loss_of(job.settings, layout)),
        progress=progress,
        what=what,
    )
    learner.trained = network.part_names()
    return learner, outcome, ""


def _posed(job: Job, source: Source, plain: MeanLoss, population: Scaled, *, turns: bool) -> tuple[Any, Drawn]:
    """The loss that the objective makes of the task's own, and the source as it is drawn from.

    Raises:
        NotApplicable: the objective can't act on this source.
        StageError: the units lack the column that it groups by, or a setting is out of range.
    """
    objective = job.load("objective")
    settings = _objective_settings(job)
    groups = source.train.tensors.groups_of_windows(settings["by"]) if "by" in settings else None
    evenly = None
    if hasattr(objective, "objective"):
        plain, evenly = objective.objective(plain, groups, settings), groups
    side = Drawn.start("source", population, 1.0, job.init_seed, job.device, evenly, turns=turns)
    if hasattr(objective, "mixing"):
        side.mixing = objective.mixing(population, groups, settings, job.init_seed)
    return plain, side


def _objective_settings(job: Job) -> dict[str, Any]:
    return {**getattr(job.load("objective"), "DEFAULTS", {}), **job.settings.get("objective_settings", {})}


def _compared(job: Job, source: Source, plain: MeanLoss) -> Any:
    """What epochs are compared by: the task's own loss, or what the objective makes of it for the validation groups."""
    objective = job.load("objective")
    if not hasattr(objective, "compared"):
        return plain
    return objective.compared(plain, source.validation.tensors.groups_of_windows(_objective_settings(job)["by"]))


def steps_of(side: Drawn, schedule: Schedule) -> int:
    """Most steps that a training makes."""
    steps, epochs = lengths([side], schedule)
    return steps * epochs
