"""Features from which a discriminator can't tell the source from unlabelled inputs of the target.

Ganin et al. (2016), Domain-adversarial training of neural networks, JMLR 17(59), equations 9 to 18. The discriminator
learns to tell the two apart; the encoder receives its gradient reversed, times w lambda(p) with
lambda(p) = 2 / (1 + exp(-10 p)) - 1 and p the progress of the training. The variant `few` learns the labels of the
budget beside those of the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landbridge.methods.alignment import (
    SOURCE,
    UNLABELLED,
    Places,
    feature_width,
    fit_aligned,
    ramp,
)
from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.given import Fitted, Given, Penalty, Seen
from landbridge.prepare.streams import stream

RIGHTS = ("source_labels", "target_inputs")
RIGHTS_OF_VARIANTS = {"few": ("source_labels", "target_inputs", "target_labels")}
VARIANTS = ("plain", "few")
OBJECTIVE = None
MODELS = "any"
PLACE = "PA"
SELECTION = "source_val"
DEFAULTS = {"rate": 1e-3, "weight": 0.1, "discriminator_rate": 1e-3}
SEARCH = {"weight": (0.01, 1.0)}
UNITS = 64


class Reversal(torch.autograd.Function):
    """The identity, whose backward pass gives -factor times the gradient."""

    @staticmethod
    def forward(context: Any, x: Tensor, factor: float) -> Tensor:
        """Any x, as it is."""
        context.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The gradient reversed; none for the factor."""
        return -context.factor * gradients[0], None


def reversed_gradient(x: Tensor, factor: float) -> Tensor:
    """The same x, through which a gradient g comes back as -factor g."""
    found: Tensor = Reversal.apply(x, factor)
    return found


def discriminator(width: int, seed: int, device: Any = "cpu") -> nn.Sequential:
    """Two layers, `UNITS` between them, from rows (n, width) to logits (n, 1) of being of the source."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream("discriminator", seed) % 2**63)
        layers = nn.Sequential(nn.Linear(width, UNITS), nn.ReLU(), nn.Linear(UNITS, 1))
    return layers.to(device)


def domain_loss(
    source: Tensor, target: Tensor, of_source: Tensor | None = None, of_target: Tensor | None = None
) -> Tensor:
    """Cross-entropy of telling the sides apart: the mean of the two sides' weighted means; scalar.

    Args:
        source, target: logits (n, 1) and (m, 1) of being of the source.
        of_source, of_target: (n,) and (m,) weights of the rows; equal ones without.
    """
    sides = ((functional.softplus(-source[:, 0]), of_source), (functional.softplus(target[:, 0]), of_target))
    means = [own.mean() if weight is None else (weight * own).sum() / weight.sum() for own, weight in sides]
    return (means[0] + means[1]) / 2


class Adversary(Penalty):
    """The loss of a discriminator that reaches the encoder reversed; its weight is 1 for the discriminator itself.

    Args:
        layers: the discriminator.
        weight: w, which scales the reversed gradient alone.
        rate: learning rate of the discriminator.
        seed: of the draw of rows.
    """

    def __init__(self, layers: nn.Module, weight: float, rate: float, seed: int) -> None:
        self.layers = layers
        self.parameters: Sequence[nn.Parameter] = list(layers.parameters())
        self.weight = weight
        self.rate = rate
        self.places = Places(seed)

    def loss(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], factor: float) -> Tensor:
        """Loss of telling apart the (features, outputs) of two sides; its gradient comes back times -`factor`."""
        logits = [self.layers(reversed_gradient(features, factor)) for features, _ in (source, target)]
        return domain_loss(logits[0], logits[1])

    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """The discriminator's loss; 0 where a batch has no row."""
        sides = {side.name: side for side in seen}
        source, target = (self.places.rows(sides[name]) for name in (SOURCE, UNLABELLED))
        if min(len(source[0]), len(target[0])) == 0:
            return source[0].new_zeros(())
        return self.loss(source, target, self.weight * ramp(progress))

    def state(self) -> dict[str, Tensor]:
        """The discriminator and the stream of rows, for a training checkpoint."""
        return {**self.places.state(), **{f"layers.{name}": own for name, own in self.layers.state_dict().items()}}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.places.load(state)
        begin = "layers."
        own = {name.removeprefix(begin): tensor for name, tensor in state.items() if name.startswith(begin)}
        self.layers.load_state_dict(own)


def fit(given: Given) -> Fitted:
    """A network of the source whose features do not tell its domain."""
    settings = given.settings
    check(settings, "dann", rate=POSITIVE, weight=POSITIVE, discriminator_rate=POSITIVE)

    def make(learner: Any) -> Adversary:
        width = feature_width(learner, given.unlabelled)
        device = next(learner.network.parameters()).device
        layers = discriminator(width, given.seed, device)
        return Adversary(layers, settings["weight"], settings["discriminator_rate"], given.seed)

    return fit_aligned(given, make, few=given.variant == "few")
