"""Bidirectional LSTM over the fixes of a trip, pooled by attention.

The recurrent baseline of Zhang et al. (2026), arXiv 2603.00340; windows run through the LSTM by their true length.
Numbers that describe the unit, which the paper does not have, move the pooled vector through a linear map that begins
at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from landbridge.models.network import Network
from landbridge.models.pooling import AttentionPooling, MaskedNetwork
from landbridge.models.shape import Shape

KIND = "series"
PARTS = ("recurrent", "pooling", "head")
PADDED = True
DEFAULTS = {"hidden": 256, "layers": 3, "dropout": 0.1}


class LSTMAttention(MaskedNetwork):
    """Bidirectional LSTM, attention pooling, linear head.

    Args:
        shape: sizes of inputs and outputs.
        hidden: width of either direction.
        layers: stacked recurrent layers.
        dropout: share dropped between the layers and before the head while training.
    """

    def __init__(self, shape: Shape, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        score = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.parts = nn.ModuleDict(
            {
                "recurrent": nn.LSTM(
                    shape.inputs,
                    hidden,
                    layers,
                    batch_first=True,
                    bidirectional=True,
                    dropout=dropout if layers > 1 else 0.0,
                ),
                "pooling": AttentionPooling(score, shape.static, 2 * hidden),
                "head": nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, shape.outputs)),
            }
        )

    def features(self, x: Tensor, static: Tensor, known: Tensor) -> Tensor:  # type: ignore[override]
        """(b, t, inputs), (b, static) and (b, t) to (b, 2 hidden)."""
        lengths = known.sum(dim=1).cpu()  # torch packs by lengths that lie on the CPU
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        hidden = pad_packed_sequence(self.parts["recurrent"](packed)[0], batch_first=True, total_length=x.shape[1])[0]
        pooled: Tensor = self.parts["pooling"](hidden, static, known)
        return pooled


def build(shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network for `shape`."""
    return LSTMAttention(shape, **{**DEFAULTS, **settings})
