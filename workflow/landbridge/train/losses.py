"""Losses by task: each takes outputs, labels and weights of one batch and gives a scalar."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor

from landbridge.contract import IGNORE


def squared_error(outputs: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of squared errors over standardised targets.

    Args:
        outputs: (b, length, target); the last steps are compared, as many as there are labels.
        labels, weights: (b, scored, target); a missing label has weight 0 and any finite value.

    Returns:
        sum(w (o - y)^2) / sum(w); 0 where nothing has weight.
    """
    outputs = outputs[:, -labels.shape[1] :]
    return (weights * (outputs - labels).square()).sum() / weights.sum().clamp_min(1e-6)


def cross_entropy(outputs: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean cross-entropy.

    Args:
        outputs: logits (b, class), (b, class, y, x), or (b, length, class), whose last step counts.
        labels: (b,) or (b, y, x) int64; 255 is ignored.
        weights: of the labels' shape.
    """
    if outputs.ndim == 3:
        outputs = outputs[:, -1]
    losses = functional.cross_entropy(outputs, labels, ignore_index=IGNORE, reduction="none")
    weights = weights * (labels != IGNORE)
    return (weights * losses).sum() / weights.sum().clamp_min(1e-6)


LOSSES = {"regression": squared_error, "classification": cross_entropy, "segmentation": cross_entropy}
