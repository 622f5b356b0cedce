"""Networks that predict the one step that `lookahead` steps follow, applied to every scored step of a window."""

from __future__ import annotations

from torch import Tensor

from landbridge.models.network import Shape


def neighbourhoods(x: Tensor, shape: Shape) -> Tensor:
    """(b, length, inputs) to what stands around each scored step, a view (b, scored, inputs, field)."""
    return x.unfold(1, shape.field, 1)
