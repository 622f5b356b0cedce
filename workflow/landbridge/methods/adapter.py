"""The encoder frozen, with a small layer after each of its levels, trained beside scales of norms and the head.

Residual adapters after Rebuffi et al. (2017), arXiv 1705.08045: x + A x with a 1x1 convolution A that begins at zero,
so that the first step is that of the source. Running statistics of batch norms stay those of the source.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landbridge.methods.given import Fitted, Given, NotApplicable, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-3}
SEARCH = {"rate": (1e-4, 1e-2)}


class Adapted(nn.ModuleDict):
    """A level of an encoder and a 1x1 convolution of what it gives, with the level's output added."""

    def __init__(self, level: nn.Module, channels: int, like: Tensor) -> None:
        adapter = nn.Conv2d(channels, channels, 1).to(like)
        nn.init.zeros_(adapter.weight)
        nn.init.zeros_(adapter.bias)  # type: ignore[arg-type]
        super().__init__({"level": level, "adapter": adapter})

    def forward(self, x: Tensor) -> Tensor:
        """What the level gives, moved by the adapter."""
        x = self["level"](x)
        moved: Tensor = x + self["adapter"](x)
        return moved


def add_adapters(network: Any) -> None:
    """Put an adapter after every level, and keep all weights but those of adapters, of batch norms and of the head.

    Raises:
        NotApplicable: the network names no levels of chips.
    """
    if not network.levels:
        raise NotApplicable("the network names no levels of an encoder of chips")
    with torch.random.fork_rng(devices=[]):  # which torch draws from before the weights are set to zero
        for name in network.levels:
            norms = [module for module in network.parts[name].modules() if isinstance(module, _BatchNorm)]
            like = norms[-1].weight  # the last one has the channels that the level gives
            network.parts[name] = Adapted(network.parts[name], norms[-1].num_features, like)
    of_norms = {
        f"{name}.{own}"
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm)
        for own in ("weight", "bias")
    }
    head = f"parts.{network.part_names()[-1]}."
    network.keep_all_but(lambda name: name.startswith(head) or ".adapter." in name or name in of_norms)


def fit(given: Given) -> Fitted:
    """The pretrained network with adapters, scales and offsets of its norms, and its head adapted."""
    target = given.target
    learner: Any = given.pretrained()
    add_adapters(learner.network)
    given.train(learner, [Side("target", target)], rate=given.settings["rate"])
    return learner
