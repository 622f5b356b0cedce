"""DLinear: a moving average and what is left of it, each mapped to the target by one linear layer.

Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting?, AAAI 37(9), equation 5, with the replicated
edges of section 4.1; for one step of one input it has 2 (L + 1) weights. Both maps and the average are linear, so they
are joined to one kernel before they meet the data, which then are convolved once: the same function in less time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from landbridge.models.network import Network
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("trend", "remainder")
DEFAULTS = {"average": 25}


def averaging(field: int, width: int) -> Tensor:
    """Matrix (field, field) of the moving average of `width` steps whose edges are repeated beyond the field."""
    offsets = torch.arange(width) - width // 2
    source = (torch.arange(field)[:, None] + offsets).clamp(0, field - 1)
    return functional.one_hot(source, field).to(torch.float32).mean(dim=1)


class DLinear(Network):
    """Two linear maps of the steps around the one to predict.

    Args:
        shape: sizes; static numbers are not used.
        average: steps of the moving average, odd.
    """

    average: Tensor

    def __init__(self, shape: Shape, average: int) -> None:
        super().__init__()
        if average % 2 == 0:
            raise ValueError(f"average is {average}; write an odd number of steps")
        self.shape = shape
        self.register_buffer("average", averaging(shape.field, average), persistent=False)
        width = shape.inputs * shape.field
        self.parts = nn.ModuleDict(
            {"trend": nn.Linear(width, shape.outputs), "remainder": nn.Linear(width, shape.outputs)}
        )

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, length, inputs) to (b, scored, outputs)."""
        layers: tuple[Any, Any] = (self.parts["trend"], self.parts["remainder"])
        trend, remainder = (layer.weight.view(-1, self.shape.inputs, self.shape.field) for layer in layers)
        kernel = (trend - remainder) @ self.average + remainder  # (outputs, inputs, field)
        bias = layers[0].bias + layers[1].bias
        return functional.conv1d(x.transpose(1, 2), kernel, bias).transpose(1, 2)


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return DLinear(shape, **{**DEFAULTS, **settings})
