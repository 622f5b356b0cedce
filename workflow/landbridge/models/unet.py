"""U-Net of chips: an encoder that halves them three times, a decoder with skips, a class for every pixel.

Ronneberger et al. (2015), arXiv 1505.04597, with batch norms, padded convolutions and bilinear steps up. Sides of chips
are multiples of eight pixels, sixteen at least. With the widths of `DEFAULTS` and one output it has 488,433 weights on
six bands; chips of 32 pixels do with `widths: [4, 8, 16, 32]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.models.convolutions import convolution_block, doubled, halved
from landbridge.models.network import Network, join_static_to_chips
from landbridge.models.shape import Shape

KIND = "chips"
PARTS = ("enc1", "enc2", "enc3", "bottleneck", "dec3", "dec2", "dec1", "head")
DEFAULTS: dict[str, Any] = {
    "widths": [16, 32, 64, 128],
    "weights": None,
    "weights_bands": ["red", "green", "blue"],
    "weights_exposure": None,
}
LEVELS = 4  # of pixels; each has half the rows and columns of the one before


class UNet(Network):
    """Four levels; blocks of two convolutions each.

    Args:
        shape: sizes.
        widths: channels of the four levels.
        seconds: by part, what stands in the place of its second convolution.

    Raises:
        ValueError: not four widths.
    """

    levels = ("enc1", "enc2", "enc3", "bottleneck")

    def __init__(self, shape: Shape, widths: Sequence[int], seconds: Mapping[str, nn.Module] | None = None) -> None:
        super().__init__()
        seconds = seconds or {}
        first, second, third, fourth = four(widths)
        channels = {
            "enc1": (shape.inputs + shape.static, first),
            "enc2": (first, second),
            "enc3": (second, third),
            "bottleneck": (third, fourth),
            "dec3": (third + fourth, third),
            "dec2": (second + third, second),
            "dec1": (first + second, first),
        }
        blocks = {name: convolution_block(*sizes, seconds.get(name)) for name, sizes in channels.items()}
        self.parts = nn.ModuleDict({**blocks, "head": nn.Conv2d(first, shape.outputs, 1)})

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """(b, inputs, y, x) to (b, first width, y, x).

        Raises:
            ValueError: rows or columns are no multiple of eight, or eight alone.
        """
        step = 2 ** (LEVELS - 1)
        if any(side % step or side == step for side in x.shape[2:]):  # one pixel of one chip has no variance
            raise ValueError(
                f"chips of {x.shape[2]} by {x.shape[3]} pixels cannot be halved {LEVELS - 1} times; cut them with "
                f"sides that are multiples of {step}, {2 * step} at least"
            )
        x = join_static_to_chips(x, static)
        passed = []
        for name in self.levels[:-1]:
            x = self.parts[name](x)  # (b, width, y / 2^level, x / 2^level)
            passed.append(x)
            x = halved(x)
        x = self.parts[self.levels[-1]](x)
        for name, skip in zip(("dec3", "dec2", "dec1"), reversed(passed), strict=True):
            x = self.parts[name](torch.cat([skip, doubled(x)], dim=1))
        return x


def four(widths: Sequence[int]) -> Sequence[int]:
    """The widths, if they are four.

    Raises:
        ValueError: they are not.
    """
    if len(widths) != LEVELS:
        raise ValueError(f"{len(widths)} widths for {LEVELS} levels; write widths: {DEFAULTS['widths']}, say")
    return widths


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for chips of `shape`."""
    return UNet(shape, {**DEFAULTS, **settings}["widths"])
