"""Transformer over the fixes of a trip: rotary positions, grouped keys and values, gated networks, attention pooling.

The SpeedTransformer of Zhang et al. (2026), arXiv 2603.00340, whose only input is speed: norms before either branch of
a block, the attention of `rotary_attention`, and SwiGLU (Shazeer 2020, arXiv 2002.05202). Numbers that describe the
unit, which the paper does not have, move the pooled vector through a linear map that begins at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as functional
from torch import Tensor, nn

from landbridge.models.network import Network
from landbridge.models.pooling import AttentionPooling, MaskedNetwork
from landbridge.models.rotary_attention import Attention, Xavier, turns
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("embedding", "block1", "block2", "block3", "block4", "norm", "pooling", "head")
PADDED = True
DEFAULTS = {"hidden": 128, "layers": 4, "heads": 8, "key_value_heads": 4, "dropout": 0.1}


class FeedForward(nn.Module):
    """SwiGLU: down(dropout(silu(gate) * value)), with dropout behind it."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        inner = 8 * width // 3  # two thirds of four times the width, so that three matrices weigh as two did
        self.up = Xavier(width, 2 * inner)
        self.down = Xavier(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) to the same."""
        gate, value = self.up(x).chunk(2, dim=-1)
        moved: Tensor = self.dropout(self.down(self.dropout(functional.silu(gate) * value)))
        return moved


class Block(nn.ModuleDict):
    """Attention, then a gated network, each added to what it is given the norm of."""

    def __init__(self, width: int, heads: int, shared: int, dropout: float) -> None:
        super().__init__(
            {
                "attention": Attention(width, heads, shared, dropout),
                "feed_forward": FeedForward(width, dropout),
                "norms": nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)]),
            }
        )

    def forward(self, x: Tensor, mask: Tensor, turns: Tensor) -> Tensor:
        """(b, t, width) to the same; mask and turns as in `Attention`."""
        norms: Any = self["norms"]
        x = x + self["attention"](norms[0](x), mask, turns)
        x = x + self["feed_forward"](norms[1](x))
        return x


class SpeedTransformer(MaskedNetwork):
    """Embedding, blocks, norm, attention pooling, linear head.

    Args:
        shape: sizes of inputs and outputs; windows of other lengths are welcome, no weight depends on it.
        hidden: width.
        layers: blocks.
        heads: of the queries.
        key_value_heads: heads of keys and values.
        dropout: while training, on attention weights, on the output of attention, on either branch, inside the gated
            network and before the head.
    """

    def __init__(
        self, shape: Shape, hidden: int, layers: int, heads: int, key_value_heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.layers = layers
        self.head_width = hidden // heads
        self.parts = nn.ModuleDict({"embedding": Xavier(shape.inputs, hidden)})
        for number in range(1, layers + 1):
            self.parts[f"block{number}"] = Block(hidden, heads, key_value_heads, dropout)
        self.parts["norm"] = nn.LayerNorm(hidden)
        self.parts["pooling"] = AttentionPooling(Xavier(hidden, 1), shape.static, hidden)
        self.parts["head"] = nn.Sequential(nn.Dropout(dropout), Xavier(hidden, shape.outputs))

    def features(self, x: Tensor, static: Tensor, known: Tensor) -> Tensor:  # type: ignore[override]
        """(b, t, inputs), (b, static) and (b, t) to (b, hidden)."""
        mask = known[:, None, None]  # (b, 1, 1, t)
        angles = turns(x.shape[1], self.head_width, x.device)
        x = self.parts["embedding"](x)
        for number in range(1, self.layers + 1):
            x = self.parts[f"block{number}"](x, mask, angles)
        pooled: Tensor = self.parts["pooling"](self.parts["norm"](x), static, known)
        return pooled


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return SpeedTransformer(shape, **{**DEFAULTS, **settings})
