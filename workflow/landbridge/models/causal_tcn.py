"""Temporal convolutional network with an output at every step of a window, static numbers beside the drivers.

Bai et al. (2018), arXiv 1803.01271, section 3, in the form of the paper: the blocks run once over the window, and one
linear layer reads each step. A step sees the 1 + 2 (kernel - 1) (2^blocks - 1) steps up to itself: 509 by default, more
than a year of days. `tcn` has a field of its own around each step instead, and none where all steps are scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landbridge.models.network import Network, join_static
from landbridge.models.shape import Shape
from landbridge.models.tcn import Block

KIND = "series"
PARTS = ("blocks", "head")
DEFAULTS = {"blocks": 7, "filters": 32, "kernel": 3, "dropout": 0.2}


class CausalTCN(Network):
    """Blocks over the window, dropout, linear head on every step.

    Args:
        shape: sizes of inputs and outputs.
        blocks: their number; the dilation of block i is 2^i.
        filters: width of the blocks.
        kernel: steps of a convolution.
        dropout: share dropped after each convolution while training.
    """

    def __init__(self, shape: Shape, blocks: int, filters: int, kernel: int, dropout: float) -> None:
        super().__init__()
        widths = [shape.inputs + shape.static, *[filters] * blocks]
        layers = [Block(widths[i], filters, kernel, 2**i, dropout) for i in range(blocks)]
        self.parts = nn.ModuleDict({"blocks": nn.Sequential(*layers), "head": nn.Linear(filters, shape.outputs)})

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, filters)."""
        hidden: Tensor = self.parts["blocks"](join_static(x, static).transpose(1, 2))
        return hidden.transpose(1, 2)


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return CausalTCN(shape, **{**DEFAULTS, **settings})
