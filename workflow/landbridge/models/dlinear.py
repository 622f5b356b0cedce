"""DLinear: a moving average and what is left of it, each mapped to the target by one linear layer.

Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting?, AAAI 37(9), equation 5, with the replicated
edges of section 4.1; for one step of one input it has 2 (L + 1) weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from landbridge.models.network import Network, Shape
from landbridge.models.points import neighbourhoods

KIND = "series"
PARTS = ("trend", "remainder")
DEFAULTS = {"average": 25}


class DLinear(Network):
    """Two linear maps of the steps around the one to predict.

    Args:
        shape: sizes; static numbers are not used.
        average: steps of the moving average, odd.
    """

    def __init__(self, shape: Shape, average: int) -> None:
        super().__init__()
        if average % 2 == 0:
            raise ValueError(f"average is {average}; write an odd number of steps")
        self.shape = shape
        self.average = average
        width = shape.field * shape.inputs
        self.parts = nn.ModuleDict(
            {"trend": nn.Linear(width, shape.outputs), "remainder": nn.Linear(width, shape.outputs)}
        )

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, length, inputs) to (b, scored, outputs)."""
        around = neighbourhoods(x, self.shape)
        flat = around.flatten(0, 1)  # (b scored, inputs, field)
        padded = functional.pad(flat, (self.average // 2, self.average // 2), mode="replicate")
        trend = functional.avg_pool1d(padded, self.average, 1)
        outputs: Tensor = self.parts["trend"](trend.flatten(1)) + self.parts["remainder"]((flat - trend).flatten(1))
        return outputs.view(*around.shape[:2], -1)


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return DLinear(shape, **{**DEFAULTS, **settings})
