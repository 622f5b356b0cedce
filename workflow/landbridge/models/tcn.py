"""Temporal convolutional network: residual blocks of causal convolutions of growing dilation, a dense layer at the end.

Bai et al. (2018), arXiv 1803.01271, section 3: two weight-normed causal convolutions, ReLU and dropout in each block.
All steps of the last block go into one linear layer, as the published disaggregation runs have it. The convolutions
begin anew at the first step around each one to predict, so neighbouring steps share nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landbridge.models.network import Network
from landbridge.models.shape import Shape
from landbridge.stage import StageError

KIND = "series"
PARTS = ("blocks", "head")
DEFAULTS = {"blocks": 8, "filters": 25, "kernel": 7, "dropout": 0.2}


class Causal(nn.Conv1d):
    """A weight-normed convolution that sees no later step: w = g v / |v|, |v| over inputs and kernel."""

    def __init__(self, before: int, after: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(before, after, kernel, dilation=dilation)
        self.gain = nn.Parameter(torch.empty(after, 1, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights as a convolution does; gains are their norms."""
        super().reset_parameters()
        if hasattr(self, "gain"):
            with torch.no_grad():
                self.gain.copy_(self.weight.norm(dim=(1, 2), keepdim=True))

    def forward(self, x: Tensor) -> Tensor:
        """(b, before, t) to (b, after, t)."""
        weight = self.gain * self.weight / self.weight.norm(dim=(1, 2), keepdim=True)
        reach = (self.kernel_size[0] - 1) * self.dilation[0]
        return functional.conv1d(functional.pad(x, (reach, 0)), weight, self.bias, dilation=self.dilation)


class Block(nn.Module):
    """Two causal convolutions beside a skip, which is a convolution of one step where widths differ."""

    def __init__(self, before: int, after: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.first = Causal(before, after, kernel, dilation)
        self.second = Causal(after, after, kernel, dilation)
        self.dropout = nn.Dropout(dropout)
        self.skip = Causal(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(b, before, t) to (b, after, t)."""
        hidden = self.dropout(torch.relu(self.first(x)))
        hidden = self.dropout(torch.relu(self.second(hidden)))
        return torch.relu(hidden + self.skip(x))


class TCN(Network):
    """Blocks over the steps around the one to predict, and a linear layer over all of them.

    Args:
        shape: sizes; static numbers are not used.
        blocks: their number; the dilation of block i is 2^i.
        filters: width of the blocks.
        kernel: steps of a convolution.
        dropout: share dropped after each convolution while training.

    Raises:
        StageError: every step of a window is scored, so that none has another one around it.
    """

    def __init__(self, shape: Shape, blocks: int, filters: int, kernel: int, dropout: float) -> None:
        super().__init__()
        if shape.field == 1:
            raise StageError(
                f"tcn: all {shape.length} steps of a window are scored, so each would see itself alone; write a "
                f"smaller window.scored, or take the model causal_tcn"
            )
        self.shape = shape
        widths = [shape.inputs, *[filters] * blocks]
        layers = [Block(widths[i], filters, kernel, 2**i, dropout) for i in range(blocks)]
        self.parts = nn.ModuleDict(
            {"blocks": nn.Sequential(*layers), "head": nn.Linear(filters * shape.field, shape.outputs)}
        )

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, length, inputs) to (b, scored, outputs)."""
        around = x.unfold(1, self.shape.field, 1)  # (b, scored, inputs, field)
        hidden = self.parts["blocks"](around.flatten(0, 1))  # (b scored, filters, field)
        outputs: Tensor = self.parts["head"](hidden.flatten(1))
        return outputs.view(*around.shape[:2], -1)


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return TCN(shape, **{**DEFAULTS, **settings})
