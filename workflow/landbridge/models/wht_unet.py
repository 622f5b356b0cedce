"""U-Net whose second convolutions of the two deepest levels are Walsh-Hadamard layers.

Tied to the size of its chips. See `landbridge.models.walsh_hadamard` and `landbridge.models.unet`; with the widths of
`DEFAULTS` and one output it has 367,473 weights on six bands of 64 pixels, 1,920 of them scales and thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.models.network import Network
from landbridge.models.shape import Shape
from landbridge.models.unet import UNet, four
from landbridge.models.walsh_hadamard import WalshHadamard

KIND = "chips"
PARTS = ("enc1", "enc2", "enc3", "bottleneck", "dec3", "dec2", "dec1", "head")
DEFAULTS: dict[str, Any] = {
    "widths": [16, 32, 64, 128],
    "paths": 3,
    "weights": None,
    "weights_bands": ["red", "green", "blue"],
    "weights_exposure": None,
}


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for square chips whose side is `shape.length`."""
    own = {**DEFAULTS, **settings}
    _, _, third, fourth = four(own["widths"])
    seconds = {
        "enc3": WalshHadamard(third, third, shape.length // 4, own["paths"]),
        "bottleneck": WalshHadamard(fourth, fourth, shape.length // 8, own["paths"]),
    }
    return UNet(shape, own["widths"], seconds)
