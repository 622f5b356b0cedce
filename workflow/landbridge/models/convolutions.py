"""Layers of networks of chips: convolution blocks whose layers are parts by name, and steps to other sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Chain(nn.ModuleDict):
    """Modules one after the other, each a part by its name.

    Args:
        modules: by name, in the order in which they act.
        activated: names of those after which a ReLU stands.
    """

    def __init__(self, modules: Mapping[str, nn.Module], activated: Sequence[str] = ()) -> None:
        super().__init__(modules)
        self.activated = tuple(activated)

    def forward(self, x: Tensor) -> Tensor:
        """What the last module gives."""
        for name, module in self.items():
            x = module(x)
            if name in self.activated:
                x = functional.relu(x)
        return x


def convolution_block(inputs: int, outputs: int, second: nn.Module | None = None) -> Chain:
    """Twice a 3x3 convolution without bias, batch norm and ReLU: (b, inputs, y, x) to (b, outputs, y, x).

    Args:
        inputs, outputs: channels.
        second: takes the place of the second convolution.
    """
    return Chain(
        {
            "convolution1": nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            "norm1": nn.BatchNorm2d(outputs),
            "convolution2": second if second is not None else nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            "norm2": nn.BatchNorm2d(outputs),
        },
        activated=("norm1", "norm2"),
    )


def doubled(x: Tensor) -> Tensor:
    """Twice the rows and columns of (b, c, y, x), between them bilinear, centres of pixels aligned.

    Equal to torch's own, whose gradient has no fixed order of sums on a GPU.
    """
    return _doubled(_doubled(x, -1), -2)


def _doubled(x: Tensor, dim: int) -> Tensor:
    size = x.shape[dim]
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, size - 1)], dim)
    after = torch.cat([x.narrow(dim, 1, size - 1), x.narrow(dim, size - 1, 1)], dim)
    return torch.stack([torch.lerp(x, before, 0.25), torch.lerp(x, after, 0.25)], dim).flatten(dim - 1, dim)


def halved(x: Tensor) -> Tensor:
    """Largest of each 2 by 2 pixels of (b, c, y, x): half the rows and columns.

    Not torch's own pooling, whose gradient is refused on a GPU where sums must have a fixed order.
    """
    x = torch.maximum(x[..., ::2, :], x[..., 1::2, :])
    return torch.maximum(x[..., ::2], x[..., 1::2])


def halved_by_three(x: Tensor) -> Tensor:
    """Largest of 3 by 3 pixels around every second row and column of (b, c, y, x): half of them, rounded up.

    Equal to torch's own pooling of kernel 3, stride 2 and padding 1; see `halved` for why it is not used.
    """
    x = functional.pad(x, (1, 1, 1, 1), value=-torch.inf)
    x = torch.maximum(torch.maximum(x[..., :-2:2, :], x[..., 1:-1:2, :]), x[..., 2::2, :])
    return torch.maximum(torch.maximum(x[..., :-2:2], x[..., 1:-1:2]), x[..., 2::2])
