"""Long short-term memory network over a window of drivers.

Hochreiter and Schmidhuber (1997), Neural Computation 9(8), with a linear encoder before the recurrence and a linear
head on every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landbridge.models.network import Network, Shape, join_static

KIND = "series"
PARTS = ("encoder", "recurrent", "head")
DEFAULTS = {"hidden": 128, "layers": 1, "dropout": 0.2, "static": True}


class LSTM(Network):
    """Linear encoder, LSTM, dropout, linear head.

    Args:
        shape: sizes of inputs and outputs.
        hidden: width of the encoder and of the recurrence.
        layers: stacked recurrent layers.
        dropout: share of recurrent outputs dropped before the head while training.
        static: whether the unit's static numbers join the drivers of each step.
    """

    def __init__(self, shape: Shape, hidden: int, layers: int, dropout: float, static: bool) -> None:
        super().__init__()
        self.static = static
        recurrent = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.parts = nn.ModuleDict(
            {
                "encoder": nn.Linear(shape.inputs + (shape.static if static else 0), hidden),
                "recurrent": recurrent,
                "head": nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, shape.outputs)),
            }
        )

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, hidden)."""
        encoded = self.parts["encoder"](join_static(x, static) if self.static else x)
        return self.parts["recurrent"](encoded)[0]


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`; unknown settings raise TypeError."""
    return LSTM(shape, **{**DEFAULTS, **settings})
