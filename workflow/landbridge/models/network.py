"""What every architecture is: a network with named parts, an encoder of features and a head.

Recipes name parts (`["head"]`, `["recurrent", "head"]`) instead of layers, so one recipe serves every model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes that a network is built for.

    Attributes:
        inputs: features of each step of a series, or bands of a chip.
        static: numbers that describe the unit, one-hot classes included.
        outputs: targets of a regression, or classes.
        length: steps of a window, or pixels along a chip's side.
        support: windows of the same unit that come beside the window to predict; see `Samples`.
    """

    inputs: int
    static: int
    outputs: int
    length: int
    support: int = 0


class Network(nn.Module):
    """Base of all architectures.

    A subclass sets `parts` in its constructor, in the order from input to output, the last being the head, and
    defines `features`. Shapes, with b samples: a series x is (b, length, inputs) and gives features
    (b, length, d) or, where `pools` is true, (b, d); a chip x is (b, inputs, y, x) and gives (b, d, y, x) or (b, d).
    """

    parts: nn.ModuleDict

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """Encoder: inputs and static (b, static) to features."""
        raise NotImplementedError

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """Head of the features: the last dimension (channels, for chips) becomes `outputs`."""
        return self.parts[self.part_names()[-1]](self.features(x, static))

    def step(self, *inputs: Tensor) -> tuple[Tensor, Tensor | float]:
        """Outputs in training, and a loss of the network's own that is added to that of the task; 0 for most."""
        return self(*inputs), 0.0

    def part_names(self) -> list[str]:
        """Names of the parts, from input to output."""
        return list(self.parts.keys())

    def check_parts(self, names: str | Iterable[str]) -> list[str]:
        """The parts that `names` stands for: "all", or some of `part_names()`.

        Raises:
            ValueError: a name that is no part; the text lists the valid ones.
        """
        chosen = self.part_names() if names == "all" else [names] if isinstance(names, str) else list(names)
        unknown = [name for name in chosen if name not in self.parts]
        if unknown:
            raise ValueError(f"no part named {', '.join(unknown)}; this model has {', '.join(self.part_names())}")
        return chosen

    def set_trainable(self, names: str | Iterable[str]) -> list[nn.Parameter]:
        """Let the named parts train and freeze the others, whose modules go to evaluation mode as well.

        Frozen normalisation and dropout layers must not act as in training, or running statistics would move.

        Returns:
            The parameters that train, in a fixed order.
        """
        chosen = self.check_parts(names)
        self.train()
        trainable: list[nn.Parameter] = []
        for name, part in self.parts.items():
            part.train(name in chosen)
            for parameter in part.parameters():
                parameter.requires_grad_(name in chosen)
                if name in chosen:
                    trainable.append(parameter)
        inside = {id(parameter) for part in self.parts.values() for parameter in part.parameters()}
        outside = [name for name, parameter in self.named_parameters() if id(parameter) not in inside]
        if outside:
            raise ValueError(f"weights that belong to no part: {', '.join(outside)}; name them in `parts`")
        return trainable


def parameter_count(parameters: Iterable[nn.Parameter]) -> int:
    """Number of scalar weights."""
    return sum(parameter.numel() for parameter in parameters)


def initialise(network: Network, seed: int) -> None:
    """Draw every weight anew from one stream, so that equal seeds give equal networks whatever ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % (2**63))
        for module in network.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()


def join_static(x: Tensor, static: Tensor) -> Tensor:
    """Repeat the static numbers (b, s) along the window and append them to x (b, t, f): (b, t, f + s)."""
    return torch.cat([x, static[:, None, :].expand(-1, x.shape[1], -1)], dim=-1)


def shapes_of(network: nn.Module) -> Sequence[tuple[str, tuple[int, ...]]]:
    """Name and shape of each tensor of the state, for messages about files that do not fit."""
    return [(name, tuple(tensor.shape)) for name, tensor in network.state_dict().items()]
