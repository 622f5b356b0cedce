"""Transformer over patches of several days, aligned to the end of the window.

After PatchTST (Nie et al. 2023, arXiv 2211.14730) as a baseline of CarbonFluxBench (Rozanov et al. 2026, arXiv
2603.09868). There seven patches of four days begin at the first of thirty days, so that the last two, the scored one
among them, never enter; here the patches end at the last day, and the days that are left over are the first ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.models import attention
from landbridge.models.network import Network
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("embedding", "encoder", "head")
DEFAULTS = {"hidden": 128, "layers": 2, "heads": 4, "dropout": 0.2, "patch": 4, "horizon": 15}


class Embedding(nn.Module):
    """Patches with all channels of their days to (b, patch, hidden), learned positions added."""

    def __init__(self, shape: Shape, hidden: int, patch: int) -> None:
        super().__init__()
        if patch > shape.length:
            raise ValueError(f"patch is {patch} and the window {shape.length}; write at most the window's length")
        self.patch = patch
        self.count = shape.length // patch
        self.project = nn.Linear(patch * shape.inputs, hidden)
        self.positions = nn.Parameter(torch.empty(self.count, hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the positions anew."""
        nn.init.normal_(self.positions, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, inputs) to (b, patch, hidden)."""
        return self.project(x[:, -self.count * self.patch :].reshape(len(x), self.count, -1)) + self.positions


class Head(nn.Module):
    """Pooled patches beside the static branch, through a normalised network to the last `horizon` days."""

    def __init__(self, shape: Shape, hidden: int, dropout: float, horizon: int) -> None:
        super().__init__()
        self.outputs = shape.outputs
        self.last = nn.Sequential(
            nn.LayerNorm(2 * hidden),
            nn.Linear(2 * hidden, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, horizon * shape.outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(b, 2 hidden) to (b, horizon, outputs)."""
        return self.last(features).view(len(features), -1, self.outputs)


class PatchTransformer(Network):
    """Patches, encoder, mean over patches, static branch, head.

    Args:
        shape: sizes of inputs and outputs.
        hidden: width of the encoder.
        layers, heads: of the encoder.
        dropout: in encoder and head while training.
        patch: days of a patch.
        horizon: last days of the window that are predicted; at least the scored ones.
    """

    def __init__(
        self, shape: Shape, hidden: int, layers: int, heads: int, dropout: float, patch: int, horizon: int
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {
                "embedding": Embedding(shape, hidden, patch),
                "encoder": nn.ModuleDict(
                    {
                        "patches": attention.encoder(hidden, heads, layers, dropout),
                        "static": nn.Linear(shape.static, hidden),
                    }
                ),
                "head": Head(shape, hidden, dropout, min(horizon, shape.length)),
            }
        )

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, 2 hidden)."""
        encoder: Any = self.parts["encoder"]
        pooled = encoder["patches"](self.parts["embedding"](x)).mean(dim=1)
        return torch.cat([pooled, encoder["static"](static)], dim=1)


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return PatchTransformer(shape, **{**DEFAULTS, **settings})
