"""The pretrained network frozen but for its head and a change of low rank of each layer's weights.

Hu et al. (2022), arXiv 2106.09685. W = W0 + B A, of rank r at most; a convolution's W0 is taken as a matrix
(out, in k k), so that A is a convolution to r channels and B a 1x1 convolution after it. Layers are all linear maps and
1x1 convolutions but the head; of a network without them, all convolutions.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from landbridge.methods.given import Fitted, Given, NotApplicable, Side
from landbridge.prepare.streams import stream

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-3, "rank": 4}
SEARCH = {"rank": (1, 16)}


class LowRank(nn.Module):
    """Adds B A to a weight (out, in, ...): r (in k k + out) numbers. B begins at zero.

    Args:
        weight: that it will be added to.
        rank: r.
        generator: draws A from N(0, 1 / (in k k)).
    """

    def __init__(self, weight: Tensor, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        columns = math.prod(weight.shape[1:])
        drawn = torch.randn(rank, columns, generator=generator, dtype=torch.float64) * columns**-0.5
        self.down = nn.Parameter(drawn.to(weight))
        self.up = nn.Parameter(weight.new_zeros(len(weight), rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed weight, so that a layer costs no more than before."""
        return weight + (self.up @ self.down).view_as(weight)


def layers(network: Any) -> list[Any]:
    """Linear maps and 1x1 convolutions but the head; without any, all convolutions.

    Raises:
        NotApplicable: there are none of these either.
    """
    parts = network.part_names()
    found = [module for part in parts[:-1] for module in network.parts[part].modules()]
    weighted = [module for module in found if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d)]
    if not weighted:
        raise NotApplicable("the network has neither linear maps nor convolutions before its head")
    pointwise = [module for module in weighted if math.prod(module.weight.shape[2:]) == 1]
    return pointwise or weighted


def add_low_rank(network: Any, rank: int, seed: int) -> None:
    """Add a change of low rank to every layer, and keep all weights but these changes and the head."""
    generator = torch.Generator().manual_seed(stream("low_rank", seed))
    for layer in layers(network):
        register_parametrization(layer, "weight", LowRank(layer.weight, rank, generator))
    head = f"parts.{network.part_names()[-1]}."
    ends = (".down", ".up")
    network.keep_all_but(lambda name: name.startswith(head) or (".parametrizations." in name and name.endswith(ends)))


def fit(given: Given) -> Fitted:
    """The pretrained network with changes of low rank and its head adapted."""
    target = given.target
    learner: Any = given.pretrained()
    add_low_rank(learner.network, given.settings["rank"], given.seed)
    given.train(learner, [Side("target", target)], rate=given.settings["rate"])
    return learner
