"""Group distributionally robust pretraining: the worst source groups weigh most; applied unchanged.

Sagawa et al. (2020), arXiv 1911.08731, algorithm 1: q_g <- q_g exp(eta L_g), renormalised; the loss is sum q_g L_g.
Epochs are compared by the loss of the worst group of the validation part: the mean over windows would keep an early
epoch, in which groups still weigh as many windows as they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from landbridge.methods.given import Fitted, Given
from landbridge.methods.risks import LEAST_WEIGHT, one_hot, require_groups, risks

PRETRAINS = True
RIGHTS = ("source_weights",)
OBJECTIVE = "group_dro"
MODELS = "any"
PLACE = "P"
DEFAULTS = {"eta": 0.01, "by": "class_of"}


class GroupDRO:
    """The robust loss over the groups of windows.

    Args:
        plain: mean loss of the task, see `landbridge.train.losses.MeanLoss`.
        group: (window,) int64 group of each window of the population.
        eta: step of the weights of groups.
    """

    def __init__(self, plain: Any, group: Tensor, eta: float) -> None:
        self.plain = plain
        self.group = group
        self.eta = eta
        self.log_q = torch.zeros(int(group.max()) + 1, dtype=torch.float64, device=group.device)

    def __call__(self, outputs: Tensor, batch: Any) -> Tensor:
        """Scalar loss; the weights move first, by the losses of the groups in the batch."""
        losses, present = risks(self.plain, outputs, batch, one_hot(self.group, len(self.log_q), batch))
        return self.plain.balanced(self.combine(losses, present), outputs, batch)

    def combine(self, losses: Tensor, present: Tensor) -> Tensor:
        """Sum q_g L_g over the groups that are present, after the update of their weights.

        Args:
            losses: (group,) mean loss of each group.
            present: (group,) bool.
        """
        step = torch.where(present, losses.detach().double(), 0.0)
        self.log_q = torch.log_softmax(self.log_q + self.eta * step, 0)
        q = torch.where(present, self.log_q.exp(), 0.0)
        return ((q / q.sum()).to(losses.dtype) * losses).sum()

    def state(self) -> dict[str, Tensor]:
        """Weights of the groups, for a training checkpoint."""
        return {"log_q": self.log_q}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.log_q = state["log_q"].to(self.group.device)


class WorstRisk:
    """The mean loss of the group that has the highest one, over a whole population.

    Args:
        plain: mean loss of the task.
        group: (window,) int64 group of each window of the population.
    """

    def __init__(self, plain: Any, group: Tensor) -> None:
        self.plain = plain
        self.group = group

    def over(self, pairs: Iterable[tuple[Tensor, Any]]) -> float:
        """Of outputs and batches; 0 where nothing has weight."""
        count = int(self.group.max()) + 1
        sums, weights = torch.zeros(2, count, dtype=torch.float64, device=self.group.device)
        for outputs, batch in pairs:
            member = one_hot(self.group, count, batch).double()
            of_windows, weight = self.plain.of_windows(outputs, batch.labels, batch.weights)
            sums += of_windows.double() @ member
            weights += weight.double() @ member
        return float(torch.where(weights > 0, sums / weights.clamp_min(LEAST_WEIGHT), 0.0).max())


def compared(plain: Any, groups: Tensor) -> WorstRisk:
    """What epochs are compared by, of the groups (window,) of the validation part."""
    return WorstRisk(plain, groups)


def objective(plain: Any, groups: Tensor, settings: Mapping[str, Any]) -> GroupDRO:
    """The loss of pretraining.

    Raises:
        NotApplicable: fewer than three groups.
    """
    require_groups(groups, "group_dro")
    return GroupDRO(plain, groups, settings["eta"])


def fit(given: Given) -> Fitted:
    """The robust network as pretrained."""
    return given.pretrained()
