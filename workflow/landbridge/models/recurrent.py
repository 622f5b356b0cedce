"""What the recurrent architectures share: an encoder, stacked cells, dropout and a linear head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landbridge.models.network import Network, join_static
from landbridge.models.shape import Shape

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class TwoSided(nn.Module):
    """Drivers and static numbers each projected to half of the width, side by side at every step."""

    def __init__(self, shape: Shape, hidden: int) -> None:
        super().__init__()
        self.dynamic = nn.Linear(shape.inputs, hidden - hidden // 2)
        self.constant = nn.Linear(shape.static, hidden // 2)

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, hidden)."""
        return join_static(self.dynamic(x), self.constant(static))


class Joined(nn.Linear):
    """A linear map of the drivers, with the static numbers at every step or without them."""

    def __init__(self, shape: Shape, hidden: int, static: bool) -> None:
        super().__init__(shape.inputs + (shape.static if static else 0), hidden)
        self.static = static

    def forward(self, x: Tensor, static: Tensor) -> Tensor:  # type: ignore[override]
        """(b, t, inputs) and (b, static) to (b, t, hidden)."""
        return super().forward(join_static(x, static) if self.static else x)


class Recurrent(Network):
    """Encoder, stacked recurrent layers, dropout, linear head on every step.

    Args:
        shape: sizes of inputs and outputs.
        cell: of `CELLS`.
        encoder: (x, static) to (b, t, hidden).
        hidden: width of the recurrence.
        layers: stacked recurrent layers.
        dropout: share of recurrent outputs dropped before the head while training.
    """

    def __init__(self, shape: Shape, cell: str, encoder: nn.Module, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {
                "encoder": encoder,
                "recurrent": CELLS[cell](hidden, hidden, layers, batch_first=True),
                "head": nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, shape.outputs)),
            }
        )

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) and (b, static) to (b, t, hidden)."""
        hidden: Tensor = self.parts["recurrent"](self.parts["encoder"](x, static))[0]
        return hidden


def sinusoids(length: int, width: int) -> Tensor:
    """Positions (length, width) of Vaswani et al. (2017), section 3.5: sines beside cosines of falling frequency."""
    place = torch.arange(length, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-torch.log(torch.tensor(10000.0)) / width))
    angles = place * rate
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]
