"""Mean losses of the groups in a batch, and losses of pretraining that are made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from landbridge.methods.checked import NOT_NEGATIVE, SHARE, check
from landbridge.methods.given import NotApplicable

FEWEST_GROUPS = 3
LEAST_WEIGHT = 1e-6


def require_groups(groups: Tensor, recipe: str) -> int:
    """Number of groups, of their numbers (window,).

    Raises:
        NotApplicable: fewer than three.
    """
    count = int(groups.max()) + 1
    if count < FEWEST_GROUPS:
        raise NotApplicable(
            f"needs {FEWEST_GROUPS} groups or more, and the source has {count}; name a column of units that tells more "
            f"apart as recipe_settings.{recipe}.by, such as group"
        )
    return count


def one_hot(groups: Tensor, count: int, batch: Any) -> Tensor:
    """(b, group) float32, 1 where a window of the batch is of the group; sums by it have a fixed order."""
    member = groups[batch.rows.to(groups.device)]
    return torch.nn.functional.one_hot(member, count).float()


def risks(plain: Any, outputs: Tensor, batch: Any, member: Tensor) -> tuple[Tensor, Tensor]:
    """Mean loss of each group of a batch (group,), and which groups it holds (group,) bool.

    Args:
        plain: mean loss of the task, see `landbridge.train.losses.MeanLoss`.
        outputs: of the network.
        batch: what they are compared with.
        member: (b, group) of `one_hot`.
    """
    sums, weights = plain.of_windows(outputs, batch.labels, batch.weights)
    weight = weights @ member.to(weights.dtype)
    return (sums @ member.to(sums.dtype)) / weight.clamp_min(LEAST_WEIGHT), weight > 0


class PenalisedRisks(ABC):
    """A loss of the groups' mean losses, whose penalty sets in after a warm-up.

    Args:
        plain: mean loss of the task.
        groups: (window,) int64 group of each window of the population.
        count: number of groups.
        warm_up: share of the steps of training before the penalty has its weight.
        weight: of the penalty.
    """

    def __init__(self, plain: Any, groups: Tensor, count: int, warm_up: float, weight: float) -> None:
        self.weight = weight
        self.plain = plain
        self.groups = groups
        self.count = count
        self.share = warm_up
        self.warm_up = 0
        self.step = 0

    @classmethod
    def of(cls, plain: Any, groups: Tensor, settings: Mapping[str, Any], recipe: str) -> Self:
        """The loss of a pretraining by `recipe`, whose settings are `weight` and `warm_up`.

        Raises:
            NotApplicable: fewer than three groups.
            StageError: a setting is no such number.
        """
        check(settings, recipe, weight=NOT_NEGATIVE, warm_up=SHARE)
        return cls(plain, groups, require_groups(groups, recipe), settings["warm_up"], settings["weight"])

    def spread_over(self, steps: int) -> int:
        """Be told how many steps training has at most; the number of those that are warm-up."""
        self.warm_up = round(self.share * steps)
        return self.warm_up

    def __call__(self, outputs: Tensor, batch: Any) -> Tensor:
        """Scalar loss of a step."""
        loss = self.of_groups(outputs, batch, one_hot(self.groups, self.count, batch), self.step < self.warm_up)
        self.step += 1
        return self.plain.balanced(loss, outputs, batch)

    @abstractmethod
    def of_groups(self, outputs: Tensor, batch: Any, member: Tensor, warming_up: bool) -> Tensor:
        """Scalar loss of the groups in a batch, whose windows `member` (b, group) tells apart."""

    def state(self) -> dict[str, Tensor]:
        """Steps made, for a training checkpoint."""
        return {"step": torch.tensor(self.step)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.step = int(state["step"])
