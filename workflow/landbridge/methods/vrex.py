"""Pretraining that holds the losses of the source's groups equal; applied unchanged.

Krueger et al. (2021), arXiv 2003.00688 (V-REx): the mean of the groups' risks plus `weight` times their variance, that
of the population. During the warm-up the variance is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from landbridge.methods.given import Fitted, Given
from landbridge.methods.risks import PenalisedRisks, risks

PRETRAINS = True
RIGHTS = ("source_weights",)
OBJECTIVE = "vrex"
MODELS = "any"
PLACE = "P"
DEFAULTS = {"weight": 1.0, "warm_up": 0.2, "by": "class_of"}


class VREx(PenalisedRisks):
    """The mean and the variance of the groups' risks."""

    def of_groups(self, outputs: Tensor, batch: Any, member: Tensor, warming_up: bool) -> Tensor:
        """Mean risk over the groups that are present, and weight times the variance."""
        losses, present = risks(self.plain, outputs, batch, member)
        return combine(losses, present, 0.0 if warming_up else self.weight)


def combine(losses: Tensor, present: Tensor, weight: float) -> Tensor:
    """Mean of the losses (group,) of the groups that are present (group,) bool, plus weight times their variance."""
    share = present.to(losses.dtype)
    share = share / share.sum().clamp_min(1)
    mean = share @ losses
    return mean + weight * (share @ (losses - mean).square())


def objective(plain: Any, groups: Tensor, settings: Mapping[str, Any]) -> VREx:
    """The loss of pretraining.

    Raises:
        NotApplicable: fewer than three groups.
        StageError: a setting is no such number.
    """
    return VREx.of(plain, groups, settings, "vrex")


def fit(given: Given) -> Fitted:
    """The network as pretrained."""
    return given.pretrained()
