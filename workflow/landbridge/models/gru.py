"""Gated recurrent unit over a window of drivers.

Cho et al. (2014), arXiv 1406.1078, with a linear encoder before the recurrence and a linear
head on every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.models.network import Network
from landbridge.models.recurrent import Joined, Recurrent
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("encoder", "recurrent", "head")
DEFAULTS = {"hidden": 128, "layers": 1, "dropout": 0.2, "static": True}


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`; `static: false` leaves the numbers that describe a unit out."""
    own = {**DEFAULTS, **settings}
    encoder = Joined(shape, own["hidden"], own["static"])
    return Recurrent(shape, "gru", encoder, own["hidden"], own["layers"], own["dropout"])
