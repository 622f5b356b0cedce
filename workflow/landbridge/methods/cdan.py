"""As `dann`, with a discriminator that is shown features and predictions together.

Long et al. (2018), Conditional adversarial domain adaptation, arXiv 1705.10667, section 3: the discriminator sees the
outer product of features and class probabilities (multilinear conditioning), or a random projection of it where that
has more than `MOST` numbers. The variants `entropy` weigh each row by 1 + exp(-H), H the entropy of its prediction
(entropy conditioning). In a regression the bin between quantiles of the batch's predictions stands for the class; it
has no entropy. The variants `few` learn the labels of the budget beside those of the source.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landbridge.kinds import whole
from landbridge.methods.alignment import feature_width, fit_aligned
from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.dann import Adversary, discriminator, domain_loss, reversed_gradient
from landbridge.methods.given import Fitted, Given, NotApplicable
from landbridge.prepare.streams import stream

RIGHTS = ("source_labels", "target_inputs")
RIGHTS_OF_VARIANTS = {
    "few": ("source_labels", "target_inputs", "target_labels"),
    "entropy_few": ("source_labels", "target_inputs", "target_labels"),
}
VARIANTS = ("plain", "entropy", "few", "entropy_few")
OBJECTIVE = None
MODELS = "any"
PLACE = "PA"
SELECTION = "source_val"
DEFAULTS = {"rate": 1e-3, "weight": 0.1, "discriminator_rate": 1e-3, "bins": 4}
SEARCH = {"weight": (0.01, 1.0)}
MOST = 1024
BINS = whole(2, "a whole number from 2 on")


def outer(features: Tensor, conditions: Tensor) -> Tensor:
    """(n, d k) of features (n, d) and conditions (n, k): f_1 c_1, f_1 c_2, ..., f_d c_k."""
    return (features[:, :, None] * conditions[:, None]).flatten(1)


def entropy_weights(probabilities: Tensor) -> Tensor:
    """(n,) 1 + exp(-H) of class probabilities (n, k), without a gradient: 2 where a class is certain."""
    own = probabilities.detach()
    entropy = torch.special.entr(own).sum(1)
    return 1 + torch.exp(-entropy)


def quantile_bins(source: Tensor, target: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """One-hot bins of predictions (n, t) and (m, t), each target between its own quantiles over both: (n, t bins).

    They are divided by t, so that a row adds up to 1 as class probabilities do. Bins carry no gradient.
    """
    both = torch.cat([source, target]).detach()
    share = torch.arange(1, bins, device=both.device, dtype=both.dtype) / bins
    edges = torch.quantile(both, share, dim=0)  # (bins - 1, t)
    number = (both[:, None] > edges).sum(1)  # (n + m, t)
    hot = functional.one_hot(number, bins).to(both.dtype).flatten(1) / both.shape[1]
    return hot[: len(source)], hot[len(source) :]


class Projection(nn.Module):
    """(R_f f) (R_c c) / sqrt(MOST), element by element, with R_f and R_c drawn once: (n, MOST)."""

    def __init__(self, features: int, conditions: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(stream("projection", seed))
        self.register_buffer("of_features", torch.randn(features, MOST, generator=generator))
        self.register_buffer("of_conditions", torch.randn(conditions, MOST, generator=generator))

    def forward(self, features: Tensor, conditions: Tensor) -> Tensor:
        """Of features (n, d) and conditions (n, k)."""
        own: Any = self
        found: Tensor = (features @ own.of_features) * (conditions @ own.of_conditions) / math.sqrt(MOST)
        return found


class Conditional(Adversary):
    """The adversary that sees predictions too.

    Args:
        layers, weight, rate, seed: as of `Adversary`.
        bins: of a regression; None for classes.
        by_entropy: whether rows weigh 1 + exp(-H).
        join: features and conditions to what the discriminator sees.
    """

    def __init__(
        self,
        layers: nn.Module,
        weight: float,
        rate: float,
        seed: int,
        *,
        bins: int | None = None,
        by_entropy: bool = False,
        join: Any = outer,
    ) -> None:
        super().__init__(layers, weight, rate, seed)
        self.bins = bins
        self.by_entropy = by_entropy
        self.join = join

    def loss(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], factor: float) -> Tensor:
        """As of `Adversary`; the gradient comes back through features and class probabilities."""
        if self.bins is None:
            conditions = (source[1].softmax(1), target[1].softmax(1))
        else:
            conditions = quantile_bins(source[1], target[1], self.bins)
        logits = [
            self.layers(reversed_gradient(self.join(features, own), factor))
            for (features, _), own in zip((source, target), conditions, strict=True)
        ]
        if not self.by_entropy:
            return domain_loss(logits[0], logits[1])
        return domain_loss(logits[0], logits[1], *(entropy_weights(own) for own in conditions))


def fit(given: Given) -> Fitted:
    """A network of the source whose features and predictions together do not tell their domain.

    Raises:
        NotApplicable: entropy of a regression.
        StageError: fewer than two bins.
    """
    settings = given.settings
    check(settings, "cdan", rate=POSITIVE, weight=POSITIVE, discriminator_rate=POSITIVE, bins=BINS)
    regression = given.source.task == "regression"
    by_entropy = given.variant.startswith("entropy")
    if regression and by_entropy:
        raise NotApplicable("predictions of a regression have no entropy")
    bins = settings["bins"] if regression else None

    def make(learner: Any) -> Conditional:
        width, count = feature_width(learner, given.unlabelled), given.source.outputs * (bins or 1)
        device = next(learner.network.parameters()).device
        many = width * count > MOST
        join = Projection(width, count, given.seed).to(device) if many else outer
        layers = discriminator(MOST if many else width * count, given.seed, device)
        rate = settings["discriminator_rate"]
        return Conditional(layers, settings["weight"], rate, given.seed, bins=bins, by_entropy=by_entropy, join=join)

    return fit_aligned(given, make, few=given.variant.endswith("few"))
