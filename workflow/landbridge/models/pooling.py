"""Networks of whole windows that may be padded at their end, and the attention that pools the known steps of each.

Attention over time after Bahdanau et al. (2015), arXiv 1409.0473.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landbridge.models.network import Network


class MaskedNetwork(Network):
    """A network that gives one answer for a window and passes over its padding.

    A subclass defines `features(x, static, known)`. In all of them x is (b, t, inputs), static (b, static) and known
    (b, t) bool: true for the real steps of a window, which are its first ones, one at least.
    """

    def features(self, x: Tensor, static: Tensor, known: Tensor) -> Tensor:  # type: ignore[override]
        """Pooled features (b, d)."""
        raise NotImplementedError

    def forward(self, x: Tensor, static: Tensor, known: Tensor) -> Tensor:  # type: ignore[override]
        """Logits (b, outputs). Finite values of x where nothing is known change nothing."""
        x, known = trimmed(x, known)
        logits: Tensor = self.parts[self.part_names()[-1]](self.features(x, static, known))
        return logits


def trimmed(x: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """The first steps of x (b, t, inputs) and known (b, t), up to the last that any window of the batch has."""
    counted = torch.arange(1, known.shape[1] + 1, device=known.device)
    steps = int((known.any(dim=0) * counted).max())
    return x[:, :steps], known[:, :steps]


class Offset(nn.Linear):
    """A linear map that begins at zero."""

    def reset_parameters(self) -> None:
        """Set weight and bias to zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class AttentionPooling(nn.Module):
    """Weighted mean over the known steps, moved by the numbers that describe the unit, if there are any.

    Args:
        score: (b, t, width) to (b, t, 1); its softmax over the known steps weighs them.
        static: numbers that describe the unit.
        width: of the features.
    """

    def __init__(self, score: nn.Module, static: int, width: int) -> None:
        super().__init__()
        self.score = score
        self.offset = Offset(static, width) if static else None

    def forward(self, x: Tensor, static: Tensor, known: Tensor) -> Tensor:
        """(b, t, width), (b, static) and (b, t) to (b, width)."""
        scores = self.score(x).squeeze(-1).masked_fill(~known, -torch.inf)  # (b, t)
        pooled = torch.bmm(scores.softmax(dim=1)[:, None], x).squeeze(1)  # (b, width)
        return pooled if self.offset is None else pooled + self.offset(static)
