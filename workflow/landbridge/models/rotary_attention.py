"""Self-attention with rotary positions, in which several heads of queries share a head of keys and values.

Rotary positions after Su et al. (2021), arXiv 2104.09864; shared heads after Ainslie et al. (2023), arXiv 2305.13245.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

ROTARY_BASE = 10_000.0
DRAWS = 2**16  # a share to drop is a whole number of these
IN_CACHE = 2**18  # float32 numbers, a megabyte


class Xavier(nn.Linear):
    """A linear map, or several side by side, with weights by Glorot and Bengio (2010) and no bias at the start.

    Args:
        inputs: width of the input.
        outputs: widths of the maps side by side; each is drawn as a matrix of its own.
    """

    def __init__(self, inputs: int, *outputs: int) -> None:
        self.outputs = outputs  # before the parent, which draws the weights
        super().__init__(inputs, sum(outputs))

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        for block in self.weight.split(self.outputs):
            nn.init.xavier_uniform_(block)
        nn.init.zeros_(self.bias)


def turns(steps: int, width: int, device: torch.device) -> Tensor:
    """Cosines and sines (2, steps, 1, width / 2) of the angles by which rotary positions 0, 1, ... turn each pair."""
    rate = ROTARY_BASE ** (-torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    angles = torch.arange(steps, dtype=torch.float32, device=device)[:, None] * rate
    return torch.stack([angles.cos(), angles.sin()])[:, :, None]


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn the neighbours (x0, x1), (x2, x3), ... of each head of x (b, t, heads, width) by the angles of its step."""
    cosine, sine = turns
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], dim=-1).flatten(-2)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float) -> Tensor:
    """Softmax of query key' / sqrt(width) over the steps of the mask, thinned by dropout, times value.

    Args:
        query: (b, heads, q, width).
        key, value: (b, heads, t, width).
        mask: (b, 1, 1, t) bool, the steps to look at.
        dropout: share of the weights set to zero; the others grow by 1 / (1 - dropout).
    """
    if dropout == 0 or query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    return attend_thinned(query, key, value, mask, dropout)


def attend_thinned(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, dropout: float) -> Tensor:
    """`attend` on a CPU, where torch's own dropout draws one double a weight, which takes longer than all the rest."""
    barred = torch.zeros(mask.shape, dtype=query.dtype).masked_fill(~mask, -torch.inf)
    barred = barred.expand(-1, query.shape[1], -1, -1).flatten(0, 1)  # (b heads, 1, t)
    scaled = query.flatten(0, 1) * query.shape[-1] ** -0.5
    found: Tensor = _Thinned.apply(scaled, key.flatten(0, 1), value.flatten(0, 1), barred, dropout)
    return found.view(query.shape)


class _Thinned(torch.autograd.Function):
    """Thinned attention of n heads, some at a time, so that the weights stay in the cache; drawn anew going back.

    Of all (n, q, t) numbers only which weights were kept is remembered, a byte each.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, barred: Tensor, dropout: float) -> Tensor:
        """(n, q, width), twice (n, t, width), (n, 1, t) of 0 or -inf, to (n, q, width)."""
        kept = torch.empty(*query.shape[:2], key.shape[1], dtype=torch.bool)
        found = torch.empty_like(query)
        for some in _slices(kept):
            kept[some] = drawn(kept[some].shape, dropout)
            weights = torch.baddbmm(barred[some], query[some], key[some].mT).softmax(dim=-1)
            torch.bmm(weights.mul_(kept[some]), value[some], out=found[some])
        ctx.save_for_backward(query, key, value, barred, kept)
        ctx.dropout = dropout
        return found.div_(1 - dropout)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of query, key and value."""
        query, key, value, barred, kept = ctx.saved_tensors
        gradient = gradient / (1 - ctx.dropout)
        of_query, of_key, of_value = torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
        for some in _slices(kept):
            weights = torch.baddbmm(barred[some], query[some], key[some].mT).softmax(dim=-1)
            of_weights = torch.bmm(gradient[some], value[some].mT).mul_(kept[some])
            inner = of_weights.sub_((of_weights * weights).sum(dim=-1, keepdim=True)).mul_(weights)  # of the scores
            torch.bmm(inner, key[some], out=of_query[some])
            torch.bmm(inner.mT, query[some], out=of_key[some])
            torch.bmm(weights.mul_(kept[some]).mT, gradient[some], out=of_value[some])
        return of_query, of_key, of_value, None, None


def _slices(weights: Tensor) -> Iterator[slice]:
    """Cuts of (n, q, t) along n of `IN_CACHE` numbers or a little less."""
    size = max(1, IN_CACHE // weights[0].numel())
    return (slice(start, start + size) for start in range(0, len(weights), size))


def drawn(shape: torch.Size, dropout: float) -> Tensor:
    """Bool of a shape, on the CPU: false with probability `dropout`, rounded to 1 / 65,536, from torch's stream."""
    count = shape.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    return bits[:count].view(shape) >= round(dropout * DRAWS) - DRAWS // 2


class Attention(nn.Module):
    """Self-attention in which several heads of queries share a head of keys and values.

    Args:
        width: of input and output.
        heads: of the queries.
        shared: heads of keys and values; each serves heads / shared neighbouring heads of queries.
        dropout: share of attention weights dropped while training, and of the output, twice in a row.
    """

    def __init__(self, width: int, heads: int, shared: int, dropout: float) -> None:
        super().__init__()
        if width % heads or width // heads % 2:
            raise ValueError(f"hidden is {width}; write an even multiple of its {heads} heads")
        if heads % shared:
            raise ValueError(f"key_value_heads is {shared}; write a divisor of the {heads} heads")
        self.heads, self.shared, self.width = heads, shared, width // heads
        self.projections = Xavier(width, width, shared * self.width, shared * self.width)
        self.mix = Xavier(width, width)
        self.weights_dropout = dropout
        # Two dropouts in a row keep a number as one with the product of their shares does.
        self.dropout = nn.Dropout(1 - (1 - dropout) ** 2)

    def forward(self, x: Tensor, mask: Tensor, turns: Tensor) -> Tensor:
        """(b, t, width), mask (b, 1, 1, t) of the steps to look at, and `turns`, to (b, t, width)."""
        batch, steps, width = x.shape
        projected = self.projections(x).view(batch, steps, -1, self.width)
        turning = self.heads + self.shared
        turned = rotate(projected[:, :, :turning], turns)
        query = turned[:, :, : self.heads].transpose(1, 2)  # (b, heads, t, w)
        key = turned[:, :, self.heads :].transpose(1, 2)  # (b, shared, t, w)
        value = projected[:, :, turning:].transpose(1, 2)
        folded = query.reshape(batch, self.shared, -1, self.width)  # (b, shared, heads / shared * t, w)
        attended = attend(folded, key, value, mask, self.weights_dropout if self.training else 0.0)
        attended = attended.reshape(batch, self.heads, steps, self.width).transpose(1, 2)
        mixed: Tensor = self.dropout(self.mix(attended.reshape(batch, steps, width)))
        return mixed
