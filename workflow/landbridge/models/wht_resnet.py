"""Residual network whose every second block has a Walsh-Hadamard layer in the place of its 3x3 convolution.

Tied to the size of its chips. See `landbridge.models.walsh_hadamard` and `landbridge.models.resnet`. Blocks that halve
rows and columns keep their convolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from landbridge.models.network import Network
from landbridge.models.resnet import ResNet
from landbridge.models.shape import Shape
from landbridge.models.walsh_hadamard import WalshHadamard

KIND = "chips"
PARTS = ("stem", "stage1", "stage2", "stage3", "stage4", "head")
DEFAULTS: dict[str, Any] = {
    "widths": [32, 64, 128, 256],
    "paths": 3,
    "weights": None,
    "weights_bands": ["red", "green", "blue"],
    "weights_exposure": None,
}


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for square chips whose side is `shape.length`."""
    own = {**DEFAULTS, **settings}

    def middle(width: int, stage: int) -> nn.Module:
        side = -(-shape.length // 2**stage)  # a convolution with stride rounds up
        return WalshHadamard(width, width, side, own["paths"])

    return ResNet(shape, own["widths"], middle)
