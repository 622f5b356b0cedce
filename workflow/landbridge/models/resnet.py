"""Residual network of chips: a stem, four stages of bottleneck blocks, the mean over pixels, one class for a chip.

He et al. (2016), arXiv 1512.03385, made small: two blocks a stage, whose inner width is a quarter of the outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from landbridge.models.convolutions import Chain
from landbridge.models.network import Network, join_static_to_chips
from landbridge.models.shape import Shape

KIND = "chips"
PARTS = ("stem", "stage1", "stage2", "stage3", "stage4", "head")
DEFAULTS: dict[str, Any] = {
    "widths": [32, 64, 128, 256],
    "weights": None,
    "weights_bands": ["red", "green", "blue"],
    "weights_exposure": None,
}
BLOCKS = 2  # in each stage; the first may halve rows and columns
INNER = 4  # times narrower inside a block

Middle = Callable[[int, int], nn.Module]


class Bottleneck(nn.ModuleDict):
    """1x1, a layer in the middle and 1x1 convolutions with batch norms, added to the input.

    Args:
        inputs, outputs: channels.
        stride: 2 halves rows and columns.
        middle: takes the place of the 3x3 convolution in the middle; its channels stay.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, middle: nn.Module | None = None) -> None:
        inner = max(1, outputs // INNER)
        if middle is None:
            middle = nn.Conv2d(inner, inner, 3, stride, padding=1, bias=False)
        layers = {
            "convolution1": nn.Conv2d(inputs, inner, 1, bias=False),
            "norm1": nn.BatchNorm2d(inner),
            "convolution2": middle,
            "norm2": nn.BatchNorm2d(inner),
            "convolution3": nn.Conv2d(inner, outputs, 1, bias=False),
            "norm3": nn.BatchNorm2d(outputs),
        }
        parts: dict[str, nn.Module] = {"body": Chain(layers, activated=("norm1", "norm2"))}
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            parts["shortcut"] = Chain({"convolution": shortcut, "norm": nn.BatchNorm2d(outputs)})
        super().__init__(parts)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, y, x) to (b, outputs, y / stride, x / stride)."""
        beside = self["shortcut"](x) if "shortcut" in self else x
        return functional.relu(self["body"](x) + beside)


class ResNet(Network):
    """Stem, stages, mean, head.

    Args:
        shape: sizes.
        widths: channels of the stages; the stem has those of the first.
        middle: of (inner width, stage), what stands in the middle of every block of a stage but the first; None for a
            3x3 convolution.
    """

    levels = ("stage1", "stage2", "stage3", "stage4")

    def __init__(self, shape: Shape, widths: Sequence[int], middle: Middle | None = None) -> None:
        super().__init__()
        if len(widths) != len(self.levels):
            raise ValueError(
                f"{len(widths)} widths for {len(self.levels)} stages; write widths: {DEFAULTS['widths']}, say"
            )
        stem = nn.Conv2d(shape.inputs + shape.static, widths[0], 3, padding=1, bias=False)
        norm = nn.BatchNorm2d(widths[0])
        parts: dict[str, nn.Module] = {"stem": Chain({"convolution": stem, "norm": norm}, activated=("norm",))}
        for number, (before, width) in enumerate(zip([widths[0], *widths[:-1]], widths, strict=True)):
            blocks = {"block1": Bottleneck(before, width, 1 if number == 0 else 2)}
            for block in range(1, BLOCKS):
                own = middle(max(1, width // INNER), number) if middle else None
                blocks[f"block{block + 1}"] = Bottleneck(width, width, middle=own)
            parts[self.levels[number]] = Chain(blocks)
        parts["head"] = nn.Linear(widths[-1], shape.outputs)
        self.parts = nn.ModuleDict(parts)

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, inputs, y, x) to (b, last width)."""
        x = self.parts["stem"](join_static_to_chips(x, static))
        for name in self.levels:
            x = self.parts[name](x)
        return x.mean((2, 3))


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for chips of `shape`."""
    return ResNet(shape, {**DEFAULTS, **settings}["widths"])
