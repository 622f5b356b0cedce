"""Linear model: the last step of a window, or each pixel of a chip, straight to the target.

The smallest architecture that every task can use. Its optimum is known in closed form, which makes it the yardstick
of the machinery around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landbridge.models.network import Network, join_static, join_static_to_chips
from landbridge.models.shape import Shape

KIND = "any"
PARTS = ("encoder", "head")
DEFAULTS: dict[str, Any] = {"width": None, "chips": False}


class _Pixelwise(nn.Linear):
    """A linear map over the channels of (b, channel, y, x)."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.movedim(1, -1)).movedim(-1, 1)


class Linear(Network):
    """Two linear maps in a row, named encoder and head, so that the head alone can be trained."""

    def __init__(self, shape: Shape, width: int | None = None, *, chips: bool = False) -> None:
        super().__init__()
        layer = _Pixelwise if chips else nn.Linear
        columns = shape.inputs + shape.static
        width = width or columns
        self.chips = chips
        self.parts = nn.ModuleDict({"encoder": layer(columns, width), "head": layer(width, shape.outputs)})

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, t, inputs) to (b, t, width), or (b, inputs, y, x) to (b, width, y, x)."""
        if self.chips:
            return self.parts["encoder"](join_static_to_chips(x, static))
        return self.parts["encoder"](join_static(x, static))


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`; `chips: true` in the settings takes images in place of windows."""
    return Linear(shape, **{**DEFAULTS, **settings})
