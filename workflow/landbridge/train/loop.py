"""The one training loop: every network of every recipe goes through `train`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from landbridge import stopping
from landbridge.methods.given import Diverged, Penalty
from landbridge.models.network import Network
from landbridge.train.adamw import AdamW, clip_gradients
from landbridge.train.anchor import Anchor
from landbridge.train.drawn import Drawn, Population
from landbridge.train.losses import Batch
from landbridge.train.penalised import Penalised
from landbridge.train.progress import Progress

log = logging.getLogger(__name__)

CHECKPOINT_STEPS = 50  # of a run with a fixed number of steps: so much at most is lost to a kill


class Loss(Protocol):
    """A loss of batches; it may hold a state that training changes."""

    def __call__(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Scalar."""

    def state(self) -> dict[str, Tensor]:
        """What a training checkpoint must hold of it."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        epochs: most epochs; with `patience` and a validation set, fewer.
        steps: a fixed number of optimiser steps in place of epochs.
        epoch_steps: fewest steps of an epoch, so that a tiny population is not validated after every step.
        batch: windows in a batch, cut to the size of a population.
        rate: learning rate.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        patience: epochs without a better validation loss before training ends.
        halve_every: epochs after which the learning rate halves; 0 never.
        validate_every: epochs between validations; the last epoch is always validated.
        validation_batch: windows that are validated at a time.
    """

    rate: float
    epochs: int = 60
    steps: int | None = None
    epoch_steps: int = 20
    batch: int = 64
    weight_decay: float = 1e-4
    clip: float = 1.0
    patience: int = 8
    halve_every: int = 0
    validate_every: int = 1
    validation_batch: int = 1024


@dataclass(frozen=True)
class Outcome:
    """What a training run did.

    Attributes:
        steps: optimiser steps made.
        best_epoch: epoch whose weights were kept; the last where nothing was validated.
        history: one row an epoch: epoch, steps, training loss, validation loss (NaN without).
    """

    steps: int
    best_epoch: int
    history: list[dict[str, float]]


@dataclass
class Done:
    """What is done of an epoch: steps, and the sum of their losses ()."""

    steps: int
    loss: Tensor


@torch.no_grad()
def mean_loss(network: Network, population: Population, loss: Loss, batch: int = 1024) -> float:
    """Loss over a whole population in evaluation mode, batches weighed by their weights' sum.

    A loss that is no mean over windows says itself what it is of all of them, by `over(pairs of outputs and batch)`.
    """
    was_training = [module.training for module in network.modules()]
    network.eval()
    places = torch.arange(len(population)).split(batch) if len(population) else ()

    def each() -> Iterator[tuple[Tensor, Batch]]:
        for index in places:
            stopping.check()
            drawn = population.batch(index)
            yield network(*drawn.inputs), drawn

    if hasattr(loss, "over"):
        found = float(loss.over(each()))
    else:
        total, weight = 0.0, 0.0
        for outputs, drawn in each():
            share = float(drawn.weights.sum())
            total += share * float(loss(outputs, drawn))
            weight += share
        found = total / max(weight, 1e-12)
    for module, training in zip(network.modules(), was_training, strict=True):
        module.training = training
    return found


def train(
    network: Network,
    sides: Sequence[Drawn],
    loss: Loss,
    schedule: Schedule,
    *,
    parts: Any = "all",
    pull: float | Sequence[float] = 0.0,
    shrink: float | None = None,
    warm_up: int = 0,
    penalty: Penalty | None = None,
    validation: Population | None = None,
    validation_loss: Loss | None = None,
    progress: Progress | None = None,
    what: str = "training",
) -> Outcome:
    """Train the named parts of a network in place.

    With a validation population the weights of the best epoch (0, the start, included) are copied and loaded back;
    without one the last weights stand. Sides of share 0 are not run at all: their forward pass alone would move
    BatchNorm statistics. `pull` / 2 times the squared distance of the trained weights from where they start is added to
    the loss; a sequence holds a pull for each row of the weights. With `shrink` that holds of all but the head, whose
    matrices are pulled towards 0 by `shrink` instead, and there is no weight decay. A `penalty` is added to the losses;
    its own weights have an optimiser and a clipping of their own, at a rate that stays. Epochs are compared by
    `validation_loss`, or by `loss` without one; one that ends within the first `warm_up` steps, while a loss is not yet
    what it will be, gives way to any later one. A signal to end (`landbridge.stopping`) ends a training after the step
    that it is at, which `progress` keeps, so that a training which takes that up ends with the same weights.

    Raises:
        Diverged: the loss is not finite.
        Stopped: the process was told to end.
        NotApplicable: a penalty, and no encoder whose features a head reads.
        ValueError: an unknown part; a pull for each row beside `shrink`; or a side without a loss where no penalty
            looks at it.
    """
    progress = progress or Progress(None)
    compared = validation_loss or loss
    fit = progress.next_fit()
    parameters = network.set_trainable(parts)
    sides = [side for side in sides if side.share > 0]
    if penalty is None and not all(side.scored for side in sides):
        raise ValueError("a side without a loss is there for a penalty, and there is none")
    anchor, decay = Anchor.of(parameters, pull), schedule.weight_decay
    if shrink is not None:
        if not isinstance(pull, int | float):
            raise ValueError("a pull for each row goes without `shrink`")
        anchor, decay = Anchor.with_head_at_zero(network, parameters, pull, shrink), 0.0
    optimiser = AdamW(parameters, schedule.rate, decay)
    per_epoch, epochs = lengths(sides, schedule)
    beside = Penalised(penalty, network, schedule.weight_decay, schedule.clip) if penalty is not None else None
    finished = progress.load(fit, "finished")
    if finished is not None:
        network.load_state_dict(finished[0])
        _close(beside)
        return Outcome(**finished[1])

    history: list[dict[str, float]] = []
    best_epoch, best_loss, first_epoch = 0, float("inf"), 0
    best: dict[str, Tensor] = {}
    done = Done(0, torch.zeros((), device=next(network.parameters()).device))
    running = progress.load(fit, "running")
    if running is not None:
        tensors, notes = running
        network.load_state_dict(_under(tensors, "network"))
        best = _under(tensors, "best")
        optimiser.load(_under(tensors, "optimiser"))
        loss.load(_under(tensors, "loss"))
        if beside is not None:
            beside.load(_under(tensors, "penalty"))
        for number, side in enumerate(sides):
            side.load(tensors, f"side{number}")
        history, best_epoch, best_loss = notes["history"], notes["best_epoch"], notes["best_loss"]
        first_epoch = len(history)
        done = Done(notes["done"], tensors["done"].to(done.loss))
        log.info("%s: resumed at epoch %d, %d steps into it", what, first_epoch, done.steps)
    elif validation is not None:
        best_loss = mean_loss(network, validation, compared, schedule.validation_batch)
        best = _copy(network)

    def keep() -> None:
        state = _prefixed(network.state_dict(), "network") | _prefixed(best, "best") | {"done": done.loss}
        state |= _prefixed(optimiser.state(), "optimiser") | _prefixed(loss.state(), "loss")
        state |= _prefixed(beside.state(), "penalty") if beside is not None else {}
        for number, side in enumerate(sides):
            state |= side.state(f"side{number}")
        notes = {"history": history, "best_epoch": best_epoch, "best_loss": best_loss, "done": done.steps}
        progress.save(fit, "running", state, notes)

    begun = time.monotonic()
    whole = epochs * per_epoch if schedule.steps is None else schedule.steps
    with stopping.held():
        for epoch in range(first_epoch, epochs):
            if validation is not None and epoch - best_epoch >= schedule.patience:
                break
            steps = per_epoch if schedule.steps is None else min(per_epoch, schedule.steps - epoch * per_epoch)
            optimiser.rate = schedule.rate * 0.5 ** (epoch // schedule.halve_every if schedule.halve_every else 0)
            validated = validation is not None and ((epoch + 1) % schedule.validate_every == 0 or epoch + 1 == epochs)
            reached = float("nan")
            try:
                training_loss = _epoch(network, sides, loss, optimiser, schedule, steps, anchor, beside, whole, done)
                if validation is not None and validated:
                    reached = mean_loss(network, validation, compared, schedule.validation_batch)
            except stopping.Stopped:
                keep()
                log.info("%s: kept at epoch %d, %d steps into it", what, epoch, done.steps)
                raise
            row = {"epoch": epoch + 1, "steps": optimiser.steps, "training_loss": training_loss}
            row["validation_loss"] = reached
            immature = warm_up > 0 and best_epoch * per_epoch <= warm_up
            if validated and (reached < best_loss or immature):
                best_epoch, best_loss, best = epoch + 1, reached, _copy(network)
            history.append(row)
            done = Done(0, torch.zeros_like(done.loss))
            left = (time.monotonic() - begun) / (epoch + 1 - first_epoch) * (epochs - epoch - 1)
            log.info(
                "%s: epoch %d of at most %d, loss %.4f, validation %.4f, at most %.0f s left",
                *(what, epoch + 1, epochs, row["training_loss"], row["validation_loss"], left),
            )
            if epoch + 1 < epochs:
                keep()
    _close(beside)
    if validation is not None:
        network.load_state_dict(best)
    outcome = Outcome(optimiser.steps, best_epoch if validation is not None else len(history), history)
    progress.save(fit, "finished", network.state_dict(), vars(outcome))
    return outcome


def lengths(sides: Sequence[Drawn], schedule: Schedule) -> tuple[int, int]:
    """Steps of an epoch, and most epochs; the first side sets the pace."""
    if not sides or len(sides[0].population) == 0:
        raise ValueError("nothing to train on: every side is empty or has share 0")
    if schedule.steps is not None:
        per_epoch = min(schedule.steps, CHECKPOINT_STEPS)
        return per_epoch, -(-schedule.steps // max(per_epoch, 1)) if schedule.steps else 0
    pace = len(sides[0].population)
    return max(-(-pace // min(schedule.batch, pace)), schedule.epoch_steps), schedule.epochs


def _epoch(
    network: Network,
    sides: Sequence[Drawn],
    loss: Loss,
    optimiser: AdamW,
    schedule: Schedule,
    steps: int,
    anchor: Anchor | None,
    beside: Penalised | None,
    whole: int,
    done: Done,
) -> float:
    """Some optimiser steps of `whole`, less those that are done; returns the mean training loss of the sides.

    With what pulls at the weights. A share scales each side's loss before the sum.
    """
    device = optimiser.parameters[0].device
    while done.steps < steps:
        stopping.check()
        optimiser.zero_grad()
        losses: list[Tensor] = []
        for side in sides:
            _set_dropout_state(device, side.dropout_state)
            batch = side.next_batch(schedule.batch)
            outputs, own_loss = network.step(*batch.inputs)
            if side.scored:
                own = own_loss(batch) if callable(own_loss) else own_loss
                losses.append(side.share * (loss(outputs, batch) + own))
                done.loss += losses[-1].detach()
            if beside is None:
                losses[-1].backward()
            else:
                beside.see(side.name, batch, outputs, partial(loss, batch=batch))
            side.dropout_state = _dropout_state(device)
        if beside is not None:
            done.loss += beside.backward(losses, optimiser.steps / whole)
            beside.step()
        if anchor is not None:
            done.loss += anchor.penalty(optimiser.parameters)
            anchor.add_gradients(optimiser.parameters)
        clip_gradients(optimiser.parameters, schedule.clip)
        optimiser.step()
        done.steps += 1
    mean = done.loss / steps
    if not torch.isfinite(mean):
        raise Diverged(
            f"the training loss became {float(mean)} within {optimiser.steps} steps; lower the learning rate"
        )
    return float(mean)


def _close(beside: Penalised | None) -> None:
    if beside is not None:
        beside.close()


def _copy(network: Network) -> dict[str, Tensor]:
    """A copy of all weights; a reference would silently become the last state."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _prefixed(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }


def _dropout_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.random.get_rng_state()


def _set_dropout_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.random.set_rng_state(state)
