"""One network for all appliances, conditioned on a small embedding of each; after RefQuery, not the published code.

Garcia-Marrero et al. (2026), arXiv 2603.04998, describe a network that stays frozen in a new home while one vector per
appliance is learned there; sizes and losses are not published, so those here are ours. Dilated convolutions in residual
blocks read the mains; feature-wise modulation (FiLM, arXiv 1709.07871) by the embedding e of an appliance in each block
asks for that appliance. With `modulate_trunk` the last layer before the heads is modulated too: machines of one kind
draw more or less from home to home, and so a vector moves power and logit without a change of what is recognised.
Power, in units of its spread, is sigmoid(l) softplus(p), with l the logit of being on, so that 0 W stays the fixed
point of what is off. Half the cross-entropy of l joins the loss.

The embedding of an appliance in a home of the source is e + d with a deviation d of that home, which half of the
windows leave out while training: e alone has to serve homes that are not known. `embedding_only` trains e, 16 numbers
for each appliance; an appliance that no source home has keeps its random e until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landbridge.models.network import Network, OwnLoss
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("embedding", "homes", "stem", "blocks", "trunk", "head")
ON_OFF = True
GROUPS = True
DEFAULTS = {"embedding": 16, "hidden": 32, "blocks": 6, "trunk": 64, "status": 0.5, "modulate_trunk": False}
STEM_KERNEL, KERNEL = 9, 5
KEPT = 0.5  # of the windows that see the deviation of their home


class Homes(nn.Module):
    """What the embeddings of each home of the source have beyond those of all homes, (home, appliance, embedding)."""

    def __init__(self, groups: int, outputs: int, width: int) -> None:
        super().__init__()
        self.deviation = nn.Parameter(torch.zeros(groups, outputs, width))

    def reset_parameters(self) -> None:
        """Homes begin alike."""
        nn.init.zeros_(self.deviation)

    def forward(self, group: Tensor) -> Tensor:
        """Homes (b,), -1 where not known, to (b, appliance, embedding)."""
        if not len(self.deviation):
            return self.deviation.new_zeros(len(group), *self.deviation.shape[1:])
        seen = group >= 0
        if self.training:
            seen = seen & (torch.rand(len(group), device=group.device) < KEPT)
        one_hot = functional.one_hot(group.clamp_min(0), len(self.deviation)).to(self.deviation.dtype)
        return torch.einsum("bg,gae->bae", one_hot * seen[:, None], self.deviation)


class Block(nn.Module):
    """Two convolutions beside a skip, the first modulated by the embedding."""

    def __init__(self, hidden: int, embedding: int, dilation: int) -> None:
        super().__init__()
        pad = dilation * (KERNEL // 2)
        self.first = nn.Conv1d(hidden, hidden, KERNEL, padding=pad, dilation=dilation)
        self.film = nn.Linear(embedding, 2 * hidden)
        self.second = nn.Conv1d(hidden, hidden, KERNEL, padding=pad, dilation=dilation)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(b, hidden, t) and (b, embedding) to (b, hidden, t)."""
        gamma, beta = self.film(embedding)[..., None].chunk(2, dim=1)
        modulated = functional.gelu((1 + gamma) * self.first(x) + beta)
        hidden: Tensor = x + self.second(modulated)
        return hidden


class Trunk(nn.Module):
    """A linear layer at each step, which the embedding may modulate, so that it moves power and logit directly."""

    def __init__(self, hidden: int, trunk: int, embedding: int) -> None:
        super().__init__()
        self.layer = nn.Conv1d(hidden, trunk, 1)
        self.film = nn.Linear(embedding, 2 * trunk) if embedding else None

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(b, hidden, t) and (b, embedding) to (b, trunk, t)."""
        found = self.layer(x)
        if self.film is not None:
            gamma, beta = self.film(embedding)[..., None].chunk(2, dim=1)
            found = (1 + gamma) * found + beta
        return functional.gelu(found)


class RefQuery(Network):
    """Embeddings, stem, modulated blocks, trunk, heads of power and status.

    Args:
        shape: sizes; the first input is read with all others, static numbers are not used.
        embedding: width of the embedding of an appliance.
        hidden: width of stem and blocks.
        blocks: their number; the dilation of block i is 2^i.
        trunk: width of the last layer before the heads.
        status: weight of the cross-entropy of being on.
        modulate_trunk: whether the embedding modulates the trunk as it does the blocks.
    """

    def __init__(
        self, shape: Shape, embedding: int, hidden: int, blocks: int, trunk: int, status: float, modulate_trunk: bool
    ) -> None:
        super().__init__()
        self.outputs = shape.outputs
        self.status = status
        self.parts = nn.ModuleDict(
            {
                "embedding": nn.Embedding(shape.outputs, embedding),
                "homes": Homes(shape.groups, shape.outputs, embedding),
                "stem": nn.Conv1d(shape.inputs, hidden, STEM_KERNEL, padding=STEM_KERNEL // 2),
                "blocks": nn.ModuleList(Block(hidden, embedding, 2**i) for i in range(blocks)),
                "trunk": Trunk(hidden, trunk, embedding if modulate_trunk else 0),
                "head": nn.ModuleDict({"power": nn.Conv1d(trunk, 1, 1), "status": nn.Conv1d(trunk, 1, 1)}),
            }
        )

    def forward(self, x: Tensor, static: Tensor, group: Tensor) -> Tensor:  # type: ignore[override]
        """Power (b, t, appliance) in units of its spread, of windows x (b, t, inputs) in homes (b,)."""
        return self._both(x, group)[0]

    def step(self, *inputs: Tensor) -> tuple[Tensor, OwnLoss]:
        """Power, and the cross-entropy of being on."""
        x, _, group = inputs
        power, logit = self._both(x, group)
        return power, partial(self._status_loss, logit)

    def _both(self, x: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Power and the logit of being on, both (b, t, appliance), without the steps of the lookahead."""
        parts: Any = self.parts
        embedding = parts["embedding"].weight + parts["homes"](group)  # (b, appliance, embedding)
        hidden = parts["stem"](x.transpose(1, 2)).repeat_interleave(self.outputs, dim=0)  # (b appliance, hidden, t)
        for block in parts["blocks"]:
            hidden = block(hidden, embedding.flatten(0, 1))
        hidden = parts["trunk"](hidden, embedding.flatten(0, 1))
        power, logit = (
            self.until_scored(parts["head"][name](hidden).view(len(x), self.outputs, -1).transpose(1, 2))
            for name in ("power", "status")
        )
        return torch.sigmoid(logit) * functional.softplus(power), logit

    def _status_loss(self, logit: Tensor, batch: Any) -> Tensor:
        own = logit[:, -batch.labels.shape[1] :]
        each = functional.binary_cross_entropy_with_logits(own, batch.on.to(own.dtype), reduction="none")
        return self.status * (batch.weights * each).sum() / batch.weights.sum().clamp_min(1e-6)


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return RefQuery(shape, **{**DEFAULTS, **settings})
