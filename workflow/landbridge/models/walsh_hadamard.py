"""The Walsh-Hadamard residual layer: chips are scaled, mixed and shrunk in the domain of Walsh functions.

The layer of the study of peat fires, arXiv 2603.02465, as its authors' public code of the layer has it; that the study
used exactly this form is not verified. The transform is orthonormal, in natural order, hence its own inverse.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


def transform(x: Tensor) -> Tensor:
    """Orthonormal transform along the second dimension, in n log n steps, without a matrix.

    H_1 = [1], H_2n = [[H_n, H_n], [H_n, -H_n]] / sqrt(2). H of n m is the Kronecker product of H of n and H of m, so a
    chip of y by x pixels is transformed in both directions as one row of y x numbers.

    Args:
        x: (b, n, c), n a power of two. Channels come last, so that every pass goes through whole stretches of memory.

    Raises:
        ValueError: another n.
    """
    size = x.shape[1]
    if size & (size - 1) or size == 0:
        raise ValueError(f"{size} numbers are no power of two; fill up with zeros to {padded_side(max(size, 1))}")
    found: Tensor = _Transform.apply(x)
    return found


class _Transform(torch.autograd.Function):
    """Its gradient is the transform of the gradient, since H is symmetric."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _butterflies(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _butterflies(gradient)


def _butterflies(x: Tensor) -> Tensor:
    """log2 n passes of sums and differences of pairs over a copy of (b, n, c), scaled once."""
    own = x.clone(memory_format=torch.contiguous_format)
    size, half = x.shape[1], 1
    while half < size:
        pairs = own.view(len(own), size // (2 * half), 2, half * own.shape[2])
        first, second = pairs[:, :, 0], pairs[:, :, 1]
        first.add_(second)
        torch.sub(first, second, alpha=2, out=second)  # (a + b) - 2 b = a - b
        half *= 2
    return own.mul_(size**-0.5)


def padded_side(side: int) -> int:
    """The next power of two."""
    return 1 << (side - 1).bit_length()


def shrink(x: Tensor, threshold: Tensor) -> Tensor:
    """sign(x) max(|x| - max(T, 0), 0)."""
    return torch.sign(x) * functional.relu(x.abs() - functional.relu(threshold))


class Spectrum(nn.Module):
    """Scales and thresholds of the coefficients of each path, shared by the channels."""

    def __init__(self, paths: int, side: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(paths, side * side, 1))
        self.threshold = nn.Parameter(torch.empty(paths, side * side, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw scales from U(0, 1) and thresholds from U(0, 0.1)."""
        nn.init.uniform_(self.scale, 0, 1)
        nn.init.uniform_(self.threshold, 0, 0.1)


class Mixing(nn.Module):
    """A linear map of the channels for each path, without bias: a 1x1 convolution where channels come last."""

    def __init__(self, inputs: int, outputs: int, paths: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList([nn.Linear(inputs, outputs, bias=False) for _ in range(paths)])


class WalshHadamard(nn.ModuleDict):
    """The layer, with the parts `spectrum` (scales and thresholds) and `mixing` (of channels).

    Every pixel that comes out depends on every pixel that goes in. It has P (2 S^2 + C C') weights, S the side of a
    chip filled up to a power of two.

    Args:
        inputs, outputs: channels C and C'.
        side: pixels along a chip's side; the layer takes no other chips, since scales of one size mean nothing at
            another.
        paths: P; a layer of one path adds its input, and then C' = C.
        residual: whether the input is added; where P is 1 if None.

    Raises:
        ValueError: an input to be added that has other channels.
    """

    def __init__(self, inputs: int, outputs: int, side: int, paths: int = 3, residual: bool | None = None) -> None:
        padded = padded_side(side)
        super().__init__({"spectrum": Spectrum(paths, padded), "mixing": Mixing(inputs, outputs, paths)})
        self.side, self.padded = side, padded
        self.residual = paths == 1 if residual is None else residual
        if self.residual and inputs != outputs:
            raise ValueError(
                f"{inputs} channels cannot be added to {outputs}; write paths: 3, or channels of one number"
            )

    def forward(self, x: Tensor) -> Tensor:
        """(b, C, side, side) to (b, C', side, side).

        Raises:
            ValueError: chips of another size.
        """
        if x.shape[2:] != (self.side, self.side):
            raise ValueError(
                f"chips are {x.shape[2]} by {x.shape[3]} pixels at this layer, which was built for {self.side} by "
                f"{self.side}; cut chips of the size that it was pretrained on"
            )
        margin = self.padded - self.side
        wide = functional.pad(x, (0, margin, 0, margin))  # (b, C, padded, padded)
        coefficients = transform(wide.flatten(2).transpose(1, 2))  # (b, padded^2, C)
        spectrum, mixing = cast(Spectrum, self["spectrum"]), cast(Mixing, self["mixing"])
        total = coefficients.new_zeros(())
        for scale, threshold, mix in zip(spectrum.scale, spectrum.threshold, mixing.paths, strict=True):
            total = total + shrink(mix(scale * coefficients), threshold)  # (b, padded^2, C')
        whole = transform(total).transpose(1, 2).unflatten(-1, (self.padded, self.padded))
        # Channels come first in memory again: where they do not, training a narrow `wht_resnet` crashes inside oneDNN
        # (torch 2.13 with two threads).
        back = whole[..., : self.side, : self.side].contiguous()  # (b, C', side, side)
        return x + back if self.residual else back
