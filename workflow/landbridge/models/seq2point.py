"""Sequence to point: five convolutions over the steps around the one to predict, and two dense layers.

Zhang et al. (2018), Sequence-to-point learning with neural networks for non-intrusive load monitoring, AAAI 32(1),
figure 2; without padding, so that a field of L steps leaves L - 29. The dense layer is applied as a convolution as long
as those: neighbouring steps share their convolutions and a window of several scored steps costs little more than one,
while weights and outputs are those of the point by point form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landbridge.models.network import Network
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("convolutions", "dense", "head")
DEFAULTS = {"filters": [30, 30, 40, 50, 50], "kernels": [10, 8, 6, 5, 5], "dense": 1024, "dropout": 0.2}


class Seq2Point(Network):
    """Convolutions, a dense layer over what they leave of the field, a linear head.

    Args:
        shape: sizes; static numbers are not used.
        filters, kernels: of the convolutions.
        dense: width of the dense layer.
        dropout: share of its outputs dropped while training.
    """

    def __init__(self, shape: Shape, filters: list[int], kernels: list[int], dense: int, dropout: float) -> None:
        super().__init__()
        left = shape.field - sum(kernel - 1 for kernel in kernels)
        if left < 1:
            raise ValueError(
                f"{shape.field} steps stand around each scored one, and the convolutions take {shape.field - left}; "
                f"write a longer window"
            )
        layers: list[nn.Module] = []
        for before, after, kernel in zip([shape.inputs, *filters], filters, kernels, strict=False):
            layers += [nn.Conv1d(before, after, kernel), nn.ReLU()]
        self.parts = nn.ModuleDict(
            {
                "convolutions": nn.Sequential(*layers),
                "dense": nn.Sequential(nn.Conv1d(filters[-1], dense, left), nn.ReLU(), nn.Dropout(dropout)),
                "head": nn.Linear(dense, shape.outputs),
            }
        )

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, length, inputs) to (b, scored, dense)."""
        convolved = self.parts["convolutions"](x.transpose(1, 2))  # (b, filters, scored + left - 1)
        dense: Tensor = self.parts["dense"](convolved)
        return dense.transpose(1, 2)

    def until_scored(self, outputs: Tensor) -> Tensor:
        """As they are: there is one for each scored step."""
        return outputs


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return Seq2Point(shape, **{**DEFAULTS, **settings})
