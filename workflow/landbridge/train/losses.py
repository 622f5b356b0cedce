"""Losses by task: each takes outputs, labels and weights of a batch and gives a sum and its weight by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from landbridge.contract import IGNORE
from landbridge.prepare.scaling import Scaler

LEAST_WEIGHT = 1e-6


class Batch(NamedTuple):
    """Some windows or chips.

    Attributes:
        inputs: what the network takes: x and static, and for some models the support windows and which exist.
        labels, weights: (b, scored, target) of a regression; (b,) or (b, y, x) of classes, whose labels may also be
            probabilities (b, class) or (b, class, y, x).
        rows: (b,) place of each window in its population.
        on: (b, scored, target) bool, whether a target that may be off is on; None for others.
    """

    inputs: tuple[Tensor, ...]
    labels: Tensor
    weights: Tensor
    rows: Tensor
    on: Tensor | None = None


def squared_error(outputs: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted squared errors over standardised targets.

    Args:
        outputs: (b, length, target); the last steps are compared, as many as there are labels.
        labels, weights: (b, scored, target); a missing label has weight 0 and any finite value.

    Returns:
        sum(w (o - y)^2) and sum(w) of each window; both (b,).
    """
    outputs = outputs[:, -labels.shape[1] :]
    return (weights * (outputs - labels).square()).sum((1, 2)), weights.sum((1, 2))


def absolute_error(outputs: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted absolute errors over standardised targets, which the median makes least; shapes as `squared_error`."""
    outputs = outputs[:, -labels.shape[1] :]
    return (weights * (outputs - labels).abs()).sum((1, 2)), weights.sum((1, 2))


def cross_entropy(outputs: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted cross-entropy.

    Args:
        outputs: logits (b, class), (b, class, y, x), or (b, length, class), whose last step counts.
        labels: (b,) or (b, y, x) int64; 255 is ignored. Or probabilities (b, class) or (b, class, y, x).
        weights: (b,) or (b, y, x).

    Returns:
        sum(w l) and sum(w) of each window or chip; both (b,).
    """
    if outputs.ndim == 3:
        outputs = outputs[:, -1]
    if labels.is_floating_point():
        losses = -(labels * outputs.log_softmax(dim=1)).sum(dim=1)
    else:
        losses = functional.cross_entropy(outputs, labels, ignore_index=IGNORE, reduction="none")
        weights = weights * (labels != IGNORE)
    return (weights * losses).flatten(1).sum(1) if losses.ndim > 1 else weights * losses, _per_window(weights)


def _per_window(weights: Tensor) -> Tensor:
    return weights.flatten(1).sum(1) if weights.ndim > 1 else weights


ERRORS = {"squared": squared_error, "absolute": absolute_error}


def soft_dice(outputs: Tensor, labels: Tensor) -> Tensor:
    """1 - (2 sum p y + 1) / (sum p + sum y + 1), a mean over the classes but the first, which is the background.

    Milletari et al. (2016), arXiv 1606.04797, without squares. Sums go over all pixels of a batch that are not ignored,
    so a chip of ignored pixels alone adds nothing.

    Args:
        outputs: logits (b, class, y, x).
        labels: (b, y, x) int64; 255 is ignored. Or probabilities (b, class, y, x), all 0 where they are ignored.
    """
    if labels.is_floating_point():
        known, truth = labels.sum(dim=1) > 0, labels[:, 1:]
    else:
        known = labels != IGNORE
        sought = torch.arange(1, outputs.shape[1], device=labels.device)[:, None, None]
        truth = (labels[:, None] == sought).to(outputs.dtype)  # (b, class - 1, y, x)
    probability = outputs.softmax(dim=1)[:, 1:] * known[:, None]
    both, either = ((own).sum((0, 2, 3)) for own in (probability * truth, probability + truth))
    return (1 - (2 * both + 1) / (either + 1)).mean()


class Balance:
    """Predictions held to a sum that is zero by nature, such as NEE - RECO + GPP.

    It is taken in the targets' own units, since standardised targets do not add up, and divided by the spread of the
    first target that it names: (sum_t c_t yhat_t)^2 / s_1^2, mean over the scored steps.
    """

    def __init__(self, factors: Mapping[str, float], targets: Sequence[str], scaler: Scaler, device: Any) -> None:
        own = np.array([factors.get(name, 0.0) for name in targets])
        first = targets.index(next(iter(factors)))
        spread = scaler.target_spread[first]
        self.slopes = torch.as_tensor(own * scaler.target_spread / spread, dtype=torch.float32, device=device)
        self.offset = float((own * scaler.target_mean).sum() / spread)

    def __call__(self, outputs: Tensor, scored: int) -> Tensor:
        """Mean square over the last `scored` steps of (b, length, target)."""
        return ((outputs[:, -scored:] * self.slopes).sum(-1) + self.offset).square().mean()


class MeanLoss:
    """Weighted mean over a batch, with the balance of the targets if there is one, and the Dice loss of pixels.

    Args:
        task: regression, classification or segmentation.
        error: of a regression, a key of `ERRORS`.
        balance, balance_weight: what is added for targets that balance.
        dice_weight: of the Dice loss that is added for pixels.
    """

    def __init__(
        self,
        task: str,
        error: str = "squared",
        *,
        balance: Balance | None = None,
        balance_weight: float = 0.0,
        dice_weight: float = 0.0,
    ) -> None:
        self.of_windows = ERRORS[error] if task == "regression" else cross_entropy
        self.balance = balance
        self.balance_weight = balance_weight
        self.dice_weight = dice_weight

    def __call__(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Scalar loss; 0 where nothing has weight."""
        return self.balanced(self.mean(outputs, batch), outputs, batch)

    def mean(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The weighted mean alone."""
        sums, weights = self.of_windows(outputs, batch.labels, batch.weights)
        return sums.sum() / weights.sum().clamp_min(LEAST_WEIGHT)

    def balanced(self, loss: Tensor, outputs: Tensor, batch: Batch) -> Tensor:
        """A loss with the balance, or the Dice loss, added."""
        if self.dice_weight:
            loss = loss + self.dice_weight * soft_dice(outputs, batch.labels)
        if self.balance is None:
            return loss
        return loss + self.balance_weight * self.balance(outputs, batch.labels.shape[1])

    def state(self) -> dict[str, Tensor]:
        """What changes while training; nothing."""
        return {}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""


class WeighedLoss:
    """The sum of the windows' losses, each times its factor, over the sum of their own weights.

    Balance and Dice, which are of a whole batch, stay as they are.

    Args:
        plain: mean loss of the task.
        factors: (window,) of the population, of mean 1.
    """

    def __init__(self, plain: MeanLoss, factors: Tensor) -> None:
        self.plain = plain
        self.factors = factors

    def __call__(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Scalar loss; 0 where nothing has weight."""
        sums, weights = self.plain.of_windows(outputs, batch.labels, batch.weights)
        own = self.factors[batch.rows.to(self.factors.device)]
        return self.plain.balanced((own * sums).sum() / weights.sum().clamp_min(LEAST_WEIGHT), outputs, batch)

    def state(self) -> dict[str, Tensor]:
        """What changes while training; nothing."""
        return {}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
