"""Pretraining on mixtures of two windows or chips of the source, half of them of different groups; applied unchanged.

Zhang et al. (2018), arXiv 1710.09412, mixup: x = m x_i + (1 - m) x_j and the same of the labels, m of a Beta(alpha,
alpha), one for each batch. The partner j is of another group with probability one half, else of the same group.
Classes are mixed as probabilities, those of pixels too. What is missing in one of the two is missing in the mixture:
windows that may be padded end with the shorter one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.contract import IGNORE
from landbridge.kinds import number
from landbridge.methods.checked import check
from landbridge.methods.given import Fitted, Given, NotApplicable
from landbridge.methods.risks import require_groups
from landbridge.prepare.streams import stream

PRETRAINS = True
RIGHTS = ("source_weights",)
OBJECTIVE = "mixup"
MODELS = "any"
PLACE = "P"
DEFAULTS = {"alpha": 0.2, "by": "class_of"}
FROM_ANOTHER_GROUP = 0.5
LEAST_ALPHA = 1e-3  # below it m is 0 or 1 to the last bit


class Mixing:
    """What makes batches of mixtures.

    Args:
        groups: (window,) int64 group of each window of the population.
        classes: number of classes; 0 of a regression.
        alpha: both parameters of the Beta distribution.
        seed: of the job.
    """

    def __init__(self, groups: Tensor, classes: int, alpha: float, seed: int) -> None:
        self.groups = groups.cpu()
        self.order = torch.argsort(self.groups, stable=True)  # windows, group by group
        self.counts = torch.bincount(self.groups)
        self.begins = torch.cumsum(self.counts, 0) - self.counts
        self.classes = classes
        self.alpha = alpha
        self.generator = torch.Generator().manual_seed(stream("mixup", seed))

    def partners(self, index: Tensor) -> Tensor:
        """A window (b,) to mix each of the windows at `index` (b,) with."""
        group = self.groups[index.cpu()]
        own, begin = self.counts[group], self.begins[group]
        chance, place = torch.rand(2, len(group), generator=self.generator, dtype=torch.float64)
        among = (place * (len(self.order) - own)).long()
        other = torch.where(among < begin, among, among + own)
        found = torch.where(chance < FROM_ANOTHER_GROUP, other, begin + (place * own).long())
        return self.order[found].to(index.device)

    def __call__(self, batch: Any, partner: Any) -> Any:
        """The mixture of a batch with one of partners."""
        seed = int(torch.randint(2**62, (1,), generator=self.generator))  # torch's own Beta takes no generator
        share = float(np.random.default_rng(seed).beta(self.alpha, self.alpha))
        return mixture(batch, partner, share, self.classes)


def mixture(batch: Any, partner: Any, share: float, classes: int = 0) -> Any:
    """`share` of a batch and the rest of its partner.

    Labels of classes become probabilities (b, class) or (b, class, y, x), all 0 where one of the two is to be ignored.

    Args:
        batch, partner: of equal size, see `landbridge.train.losses.Batch`.
        share: m, from 0 to 1.
        classes: number of classes; 0 of a regression.
    """
    weights = _mixed(batch.weights, partner.weights, share) * (batch.weights > 0) * (partner.weights > 0)
    own, other = (probabilities(one.labels, classes) if classes else one.labels for one in (batch, partner))
    labels = _mixed(own, other, share)
    if classes:
        labels = labels * (weights > 0)[:, None]
    return batch._replace(inputs=mixed_inputs(batch.inputs, partner.inputs, share), labels=labels, weights=weights)


def mixed_inputs(own: Sequence[Tensor], other: Sequence[Tensor], share: float) -> tuple[Tensor, ...]:
    """Inputs of a network mixed; of masks what both know, and 0 where a mask says that nothing is.

    Args:
        own, other: x and static; with a mask (b, t) of padded windows x (b, t, input), or support windows (b, k, t,
            input) and which exist (b, k). Padded windows of two lengths are cut to the shorter.
        share: of `own`.
    """
    mixed = []
    for one, two in zip(own, other, strict=True):
        steps = min(one.shape[1], two.shape[1])
        one, two = one[:, :steps], two[:, :steps]
        mixed.append(one & two if one.dtype == torch.bool else _mixed(one, two, share))
    if mixed[-1].dtype == torch.bool:
        masked = 0 if len(mixed) == 3 else 2
        known = mixed[-1]
        mixed[masked] = mixed[masked] * known.view(*known.shape, *[1] * (mixed[masked].ndim - known.ndim))
    return tuple(mixed)


def probabilities(labels: Tensor, classes: int) -> Tensor:
    """(b, class) or (b, class, y, x) float32 of labels (b,) or (b, y, x); all 0 where one is to be ignored."""
    sought = torch.arange(classes, device=labels.device).view(-1, *[1] * (labels.ndim - 1))
    return ((labels[:, None] == sought) & (labels != IGNORE)[:, None]).float()


def _mixed(own: Tensor, other: Tensor, share: float) -> Tensor:
    return share * own + (1 - share) * other


def mixing(population: Any, groups: Tensor, settings: Mapping[str, Any], seed: int) -> Mixing:
    """What the batches of pretraining pass through.

    Args:
        population: labelled windows or chips as the training loop draws from them.
        groups: (window,) group of each.
        settings: of this recipe.
        seed: of the job.

    Raises:
        NotApplicable: fewer than three groups, targets that are on or off, or a network that tells groups apart.
        StageError: `alpha` is no such number.
    """
    check(settings, "mixup", alpha=number(f"a number from {LEAST_ALPHA:g} on", least=LEAST_ALPHA))
    require_groups(groups, "mixup")
    batch = population.batch(torch.arange(1))
    if batch.on is not None:
        raise NotApplicable("a mixture of homes is neither on nor off, and these targets are")
    if not all(one.is_floating_point() or one.dtype == torch.bool for one in batch.inputs):
        raise NotApplicable("the network tells groups of its source apart, and a mixture is of none")
    samples = population.samples
    return Mixing(groups, 0 if samples.task == "regression" else samples.outputs, settings["alpha"], seed)


def fit(given: Given) -> Fitted:
    """The network as pretrained."""
    return given.pretrained()
