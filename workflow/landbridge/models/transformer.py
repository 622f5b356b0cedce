"""Transformer over the steps of a window, the static numbers beside the drivers.

Vaswani et al. (2017), arXiv 1706.03762; as a baseline of CarbonFluxBench (Rozanov et al. 2026, arXiv 2603.09868):
linear embedding of drivers and static numbers, sinusoidal positions, feed-forward four times as wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landbridge.models import attention
from landbridge.models.network import Network
from landbridge.models.recurrent import Joined, sinusoids
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("embedding", "encoder", "head")
DEFAULTS = {"hidden": 128, "layers": 2, "heads": 4, "dropout": 0.2}


class Transformer(Network):
    """Embedding with positions, encoder, linear head on every step."""

    def __init__(self, shape: Shape, hidden: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("positions", sinusoids(shape.length, hidden), persistent=False)
        self.parts = nn.ModuleDict(
            {
                "embedding": Joined(shape, hidden, static=True),
                "encoder": attention.encoder(hidden, heads, layers, dropout),
                "head": nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, shape.outputs)),
            }
        )

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, hidden)."""
        encoded: Tensor = self.parts["encoder"](self.parts["embedding"](x, static) + self.positions)
        return encoded


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return Transformer(shape, **{**DEFAULTS, **settings})
