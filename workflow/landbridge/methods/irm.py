"""Pretraining of features on which one head is best for every group of the source; applied unchanged.

Arjovsky et al. (2019), arXiv 1907.02893 (IRMv1): the sum of the groups' risks plus `weight` times the sum of the
squared derivatives of each risk by a factor of the outputs, at 1. The weight is 1 during the warm-up; where it is above
1 the whole loss is divided by it, so that steps stay as long as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from landbridge.methods.given import Fitted, Given
from landbridge.methods.risks import PenalisedRisks, risks

PRETRAINS = True
RIGHTS = ("source_weights",)
OBJECTIVE = "irm"
MODELS = "any"
PLACE = "P"
DEFAULTS = {"weight": 100.0, "warm_up": 0.2, "by": "class_of"}
WEIGHT_OF_WARM_UP = 1.0


class IRM(PenalisedRisks):
    """The groups' risks and their derivatives by a factor of the outputs."""

    def of_groups(self, outputs: Tensor, batch: Any, member: Tensor, warming_up: bool) -> Tensor:
        """Sum of the risks of the groups that are present, and of the penalty."""
        losses, derivatives = self.risks_and_derivatives(outputs, batch, member)
        weight = WEIGHT_OF_WARM_UP if warming_up else self.weight
        return (losses.sum() + weight * derivatives.square().sum()) / max(weight, 1.0)

    def risks_and_derivatives(self, outputs: Tensor, batch: Any, member: Tensor) -> tuple[Tensor, Tensor]:
        """R_e of each group and d R_e(s outputs) / d s at s = 1, both (group,); 0 for one that the batch lacks."""
        factor = torch.ones(member.shape[1], dtype=outputs.dtype, device=outputs.device, requires_grad=True)
        own = (member.to(outputs.dtype) @ factor).view(-1, *[1] * (outputs.ndim - 1))
        losses, _ = risks(self.plain, outputs * own, batch, member)
        (derivatives,) = torch.autograd.grad(losses.sum(), factor, create_graph=True)  # R_e knows its own factor alone
        return losses, derivatives


def objective(plain: Any, groups: Tensor, settings: Mapping[str, Any]) -> IRM:
    """The loss of pretraining.

    Raises:
        NotApplicable: fewer than three groups.
        StageError: a setting is no such number.
    """
    return IRM.of(plain, groups, settings, "irm")


def fit(given: Given) -> Fitted:
    """The network as pretrained."""
    return given.pretrained()
