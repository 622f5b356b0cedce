"""The encoder of the transformers: self-attention and a feed-forward network, written with torch's own kernels.

Vaswani et al. (2017), arXiv 1706.03762. torch's `TransformerEncoder` takes another path in evaluation mode, whose sums
round differently; this one has a single path, so that a prediction is what was trained.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn


class EncoderLayer(nn.Module):
    """Self-attention over the steps of a window, then a feed-forward network; norms before each (pre-norm)."""

    def __init__(self, width: int, heads: int, dropout: float, widening: int = 4) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"hidden is {width}, which {heads} heads do not divide; write a multiple of {heads}")
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.projections = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.norm_forward = nn.LayerNorm(width)
        self.forward_network = nn.Sequential(
            nn.Linear(width, widening * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(widening * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) to the same."""
        batch, steps, width = x.shape
        projected = self.projections(self.norm_attention(x)).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.dropout(self.mix(attended.transpose(1, 2).reshape(batch, steps, width)))
        return x + self.dropout(self.forward_network(self.norm_forward(x)))


def encoder(width: int, heads: int, layers: int, dropout: float) -> nn.Sequential:
    """Stacked layers and a last norm."""
    return nn.Sequential(*(EncoderLayer(width, heads, dropout) for _ in range(layers)), nn.LayerNorm(width))
