"""What a fit does with networks: builds, loads and trains them. Apart from `harness`, which does without torch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from landbridge.methods.given import NotApplicable, Penalty, Side
from landbridge.models.learner import Learner, at_once
from landbridge.models.network import Network, build, initialise
from landbridge.models.shape import Shape
from landbridge.prepare.scaling import Scaler, check_scaler, fit_scaler
from landbridge.prepare.streams import stream
from landbridge.stage import StageError
from landbridge.train import loop
from landbridge.train.checkpoint import load_learner
from landbridge.train.drawn import Drawn
from landbridge.train.layout import Layout
from landbridge.train.loop import Schedule, mean_loss
from landbridge.train.losses import Balance, Batch, MeanLoss, WeighedLoss
from landbridge.train.samples import Samples
from landbridge.train.start import start

if TYPE_CHECKING:
    from landbridge.train.harness import Given, Tools

log = logging.getLogger(__name__)


def set_threads(threads: int) -> None:
    """Bytes depend on the number of threads, so a job says how many; operations without a fixed order are refused."""
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")


def schedule_of(training: Mapping[str, Any], rate: float, cells: int, *, steps: int | None = None) -> Schedule:
    """The schedule that the settings of a domain describe, for windows of so many steps or chips of so many pixels."""
    names = ["epochs", "epoch_steps", "batch", "weight_decay", "clip", "patience"]
    if steps is None:
        names += [name for name in ("halve_every", "validate_every") if name in training]
    own = {name: training[name] for name in names}
    return Schedule(rate=rate, steps=steps, validation_batch=at_once(cells, Schedule.validation_batch), **own)


def turns_of(training: Mapping[str, Any], layout: Layout) -> bool:
    """Whether the settings of a domain ask for flips and turns, and its windows are chips."""
    return layout.kind == "chips" and training.get("augment", "none") == "flips"


def loss_of(settings: Mapping[str, Any], layout: Layout, scaler: Scaler, device: Any) -> MeanLoss:
    """The training loss of a scenario: that of its task, with what is weighed of balance and Dice."""
    weight, factors = settings["training"].get("balance_weight", 0.0), settings.get("balance") or {}
    if layout.task == "segmentation":
        return MeanLoss(layout.task, dice_weight=settings["training"].get("dice_weight", 0.0))
    if layout.task != "regression" or not factors or weight == 0:
        return plain_loss_of(settings, layout)
    balance = Balance(factors, layout.targets, scaler, device)
    return MeanLoss(layout.task, settings["training"].get("loss", "squared"), balance=balance, balance_weight=weight)


def plain_loss_of(settings: Mapping[str, Any], layout: Layout) -> MeanLoss:
    """What epochs are compared by: the training loss without what is added to it."""
    return MeanLoss(layout.task, settings["training"].get("loss", "squared"))


def drawn_of(side: Side, scaler: Scaler, seed: int, device: str, *, turns: bool) -> Drawn:
    """A side as the training loop draws from it.

    Raises:
        NotApplicable: it holds no complete window.
    """
    samples: Any = side.samples
    tensors = samples.tensors
    population = tensors.scaled(scaler, balanced=True) if side.labelled else tensors.inputs_alone(scaler)
    if len(population) == 0:
        raise NotApplicable(f"the side {side.name} holds no complete window or chip")
    groups = tensors.groups_of_windows("group", labelled=side.labelled) if side.by_group else None
    scored = side.scored and side.labelled
    return Drawn.start(side.name, population, side.share, seed, device, groups, turns=turns, scored=scored)


@dataclass(frozen=True)
class Some:
    """Some windows of a population, by their place in it."""

    population: Any
    places: torch.Tensor

    @classmethod
    def of(cls, population: Any, most: int) -> Some:
        """All of them, or `most` that are evenly spread."""
        count = min(most, len(population))
        return cls(population, torch.arange(count) * len(population) // max(count, 1))

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, index: torch.Tensor) -> Batch:
        """The windows at `index` among them."""
        found: Batch = self.population.batch(self.places[index])
        return found


def untrained_of(tools: Tools, shape: Shape, changes: Mapping[str, Any] | None = None) -> Network:
    """A network of the job's architecture without weights that mean anything, some of its settings changed."""
    settings = {**tools.job.settings["network"], **(changes or {})}
    return build(tools.architecture, shape, settings).to(tools.job.device)


def pretrained(given: Given) -> Learner:
    """The network that `pretrain` left, with its scaler.

    Raises:
        StageError: its scaler was fitted on other rows than the source of this split.
        NotApplicable: the objective could not act on this source.
    """
    tools = given.tools
    file = tools.job.input("source_weights")
    learner, notes = load_learner(file, partial(untrained_of, tools))
    if learner.scaler.rows != tools.source_rows:
        raise StageError(
            f"{file}: its scaler was fitted on other rows than the training part of this split; delete the file and "
            f"run again"
        )
    if notes.get("not_applicable"):
        raise NotApplicable(notes["not_applicable"])
    log.debug("pretrained: %s", notes)
    return learner


def untrained(given: Given, scaled_by: Sequence[Any]) -> Learner:
    """A network as it begins, with a scaler of these populations, which must be ones that the rights permit."""
    layout = given.tools.layout
    datasets = [samples.dataset for samples in scaled_by]
    scaler: Scaler = fit_scaler(datasets, *layout.scaler_arguments())
    permitted = [samples.dataset for samples in given.permitted(scaled_by)]
    check_scaler(scaler, permitted, *layout.scaler_arguments())
    shape = layout.shape(len(scaler.input_mean))
    network = untrained_of(given.tools, shape)
    start(network, given.tools.job, datasets[0], stream("init", given.seed))
    return Learner(network, scaler, shape)


def untrained_like(given: Given, learner: Learner, changes: Mapping[str, Any]) -> Learner:
    """A network with the scaler and the sizes of another, some settings of its architecture changed."""
    known = getattr(given.tools.architecture, "DEFAULTS", {})
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise StageError(
            f"recipe_settings.{given.tools.job.settings['recipe']}: the model has no setting {', '.join(unknown)}; "
            f"write one of {', '.join(known)}"
        )
    network = untrained_of(given.tools, learner.shape, changes)
    initialise(network, stream("init", given.seed))
    return Learner(network, learner.scaler, learner.shape)


def loss_on(given: Given, learner: Learner, samples: Any, most: int) -> float:
    """Mean loss of the task over so many windows of a population at most."""
    some = Some.of(samples.tensors.scaled(learner.scaler), most)
    batch = at_once(samples.cells, Schedule.validation_batch)
    return mean_loss(learner.network, some, plain_loss_of(given.tools.job.settings, given.tools.layout), batch)


def fit(
    given: Given,
    learner: Any,
    sides: Sequence[Side],
    *,
    parts: str | Iterable[str] = "all",
    rate: float,
    share_of_steps: float = 1.0,
    select_on_source: bool = False,
    pull: float | Sequence[float] = 0.0,
    shrink: float | None = None,
    penalty: Penalty | None = None,
    validation_factors: np.ndarray | None = None,
) -> None:
    """Train named parts of a network in place; see `landbridge.methods.given.Given.train`."""
    names = learner.network.part_names()
    if parts == "head" and "head" not in names:
        raise NotApplicable(f"this model has no head; its parts are {', '.join(names)}")
    tools = given.tools
    settings, layout, device = tools.job.settings, tools.layout, tools.job.device
    training = settings["training"]
    validation: Samples | None = None
    validation_loss: Any = plain_loss_of(settings, layout)
    steps: int | None = None
    rule = tools.stops_by
    if rule == "target_val_large":
        validation = tools.large
    elif select_on_source and rule in (None, "source_val"):
        validation = given.source_validation
        if validation_factors is not None:
            factors = torch.as_tensor(validation_factors, dtype=torch.float32, device=device)
            validation_loss = WeighedLoss(validation_loss, factors)
    elif given.selection is not None:
        validation = given.selection
    else:
        steps = max(1, round(training["fixed_steps"] * share_of_steps))
    scaler = learner.scaler
    turns = turns_of(training, layout)
    drawn = [drawn_of(side, scaler, given.seed, device, turns=turns) for side in sides]
    cells = sides[0].samples.cells  # type: ignore[attr-defined]
    loss: Any = loss_of(settings, layout, scaler, device)
    if any(side.factors is not None for side in sides):
        if len(sides) > 1:  # the loss does not know which side a window is of
            raise ValueError("factors of windows go with a single side")
        loss = WeighedLoss(loss, torch.as_tensor(sides[0].factors, dtype=torch.float32, device=device))
    loop.train(
        learner.network,
        drawn,
        loss,
        schedule_of(training, rate, cells, steps=steps),
        parts=parts,
        pull=pull,
        shrink=shrink,
        penalty=penalty,
        validation=validation.tensors.scaled(scaler) if validation is not None else None,
        validation_loss=validation_loss,
        progress=tools.progress,
        what=given.what,
    )
    learner.trained = sorted({*learner.trained, *learner.network.check_parts(parts)})
    tools.fits += 1
