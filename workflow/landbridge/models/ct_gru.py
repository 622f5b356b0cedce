"""GRU whose drivers and static numbers are projected apart and meet at every step.

The CT-GRU of CarbonFluxBench (Rozanov et al. 2026, arXiv 2603.09868): either side takes half of the width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.models.network import Network
from landbridge.models.recurrent import Recurrent, TwoSided
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("encoder", "recurrent", "head")
DEFAULTS = {"hidden": 128, "layers": 1, "dropout": 0.2}


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    own = {**DEFAULTS, **settings}
    encoder = TwoSided(shape, own["hidden"])
    return Recurrent(shape, "gru", encoder, own["hidden"], own["layers"], own["dropout"])
