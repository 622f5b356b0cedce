"""What every architecture is: a network with named parts, an encoder of features and a head.

Recipes name parts (`["head"]`, `["recurrent", "head"]`) instead of layers, so one recipe serves every model. A part
that is an `nn.ModuleDict` has parts of its own, named with dots (`block1.attention`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from landbridge.models.shape import Shape

OwnLoss = Tensor | float | Callable[[Any], Tensor]


class Network(nn.Module):
    """Base of all architectures.

    A subclass sets `parts` in its constructor, in the order from input to output, the last being the head, and
    defines `features`. Shapes, with b samples: a series x is (b, length, inputs) and gives features
    (b, length, d) or, where `pools` is true, (b, d); a chip x is (b, inputs, y, x) and gives (b, d, y, x) or (b, d).

    Attributes:
        lookahead: steps at the end of a window that outputs leave out: the last output is that of the last step that
            is scored. Set by `build`.
        levels: parts of the encoder, from input to output, after which a recipe may put a layer of its own.
        kept: names of weights and buffers, as in `state_dict`, that no training moves, whatever parts it names.
    """

    parts: nn.ModuleDict
    lookahead: int = 0
    levels: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()

    def features(self, x: Tensor, static: Tensor) -> Tensor:
        """Encoder: inputs and static (b, static) to features."""
        raise NotImplementedError

    def forward(self, x: Tensor, static: Tensor) -> Tensor:
        """Head of the features: the last dimension (channels, for chips) becomes `outputs`."""
        return self.until_scored(self.parts[self.part_names()[-1]](self.features(x, static)))

    def until_scored(self, outputs: Tensor) -> Tensor:
        """Outputs (b, length, ...) of every step without those of the lookahead."""
        return outputs[:, : outputs.shape[1] - self.lookahead] if self.lookahead else outputs

    def step(self, *inputs: Tensor) -> tuple[Tensor, OwnLoss]:
        """Outputs in training, and a loss of the network's own that is added to that of the task; 0 for most.

        One that needs labels is a function of the batch.
        """
        return self(*inputs), 0.0

    @property
    def has_encoder(self) -> bool:
        """Whether `features` is defined, and what it gives is read by a last part named head."""
        return type(self).features is not Network.features and self.part_names()[-1] == "head"

    def part_names(self) -> list[str]:
        """Names of the parts, from input to output."""
        return list(self.parts.keys())

    def part_tree(self) -> dict[str, nn.Module]:
        """Every part by its name, parts of parts after the part that holds them, from input to output."""
        return dict(_tree(self.parts))

    def check_parts(self, names: str | Iterable[str]) -> list[str]:
        """The parts without parts of their own that `names` stands for, from input to output.

        Args:
            names: "all"; a name such as `head`, `block1` or `block1.attention`; or a list of them. In each word
                between dots `*` stands for any letters (`*.attention`). A name after a minus is left out of the rest:
                `["all", "-*.attention"]` is all but the attention of every block.

        Raises:
            ValueError: a name that is no part, with the list of the valid ones; or nothing is left.
        """
        tree = self.part_tree()
        leaves = [name for name, part in tree.items() if not isinstance(part, nn.ModuleDict)]
        chosen: dict[bool, set[str]] = {False: set(), True: set()}  # by whether a minus stands before the name
        unknown = []
        for name in [names] if isinstance(names, str) else names:
            pattern = name.removeprefix("-")
            heads = [path for path in tree if _matches(path, pattern)] if pattern != "all" else self.part_names()
            if not heads:
                unknown.append(pattern)
            chosen[name != pattern] |= {leaf for leaf in leaves for head in heads if _inside(leaf, head)}
        if unknown:
            raise ValueError(f"no part named {', '.join(unknown)}; this model has {', '.join(tree)}")
        found = [leaf for leaf in leaves if leaf in chosen[False] - chosen[True]]
        if not found:
            raise ValueError(f"{names!r} names no part; begin with all to leave some out, as in [all, -head]")
        return found

    def keep_all_but(self, moves: Callable[[str], bool]) -> None:
        """Let no training move a weight or buffer but those whose names in `state_dict` `moves` holds of."""
        self.kept = frozenset(name for name in self.state_dict() if not moves(name))

    def set_trainable(self, names: str | Iterable[str]) -> list[nn.Parameter]:
        """Let the named parts train but for what is `kept`, and freeze the others, whose modules go to evaluation mode.

        Frozen normalisation and dropout layers must not act as in training, or running statistics would move; nor must
        layers whose running statistics are kept.

        Returns:
            The parameters that train, in a fixed order.
        """
        chosen = self.check_parts(names)
        self.train()
        trainable: list[nn.Parameter] = []
        inside: set[int] = set()
        kept = {id(parameter) for name, parameter in self.named_parameters() if name in self.kept}
        for name, part in self.part_tree().items():
            if isinstance(part, nn.ModuleDict):
                continue
            part.train(name in chosen)
            for parameter in part.parameters():
                trains = name in chosen and id(parameter) not in kept
                parameter.requires_grad_(trains)
                inside.add(id(parameter))
                if trains:
                    trainable.append(parameter)
        outside = [name for name, parameter in self.named_parameters() if id(parameter) not in inside]
        if outside:
            raise ValueError(f"weights that belong to no part: {', '.join(outside)}; name them in `parts`")
        for name, module in self.named_modules():
            if f"{name}.running_mean" in self.kept:
                module.eval()
        return trainable


def _tree(parts: nn.ModuleDict, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, part in parts.items():
        yield prefix + name, part
        if isinstance(part, nn.ModuleDict):
            yield from _tree(part, f"{prefix}{name}.")


def _matches(path: str, pattern: str) -> bool:
    words, wanted = path.split("."), pattern.split(".")
    return len(words) == len(wanted) and all(map(fnmatchcase, words, wanted))


def _inside(leaf: str, head: str) -> bool:
    return leaf == head or leaf.startswith(f"{head}.")


def build(architecture: Any, shape: Shape, settings: Mapping[str, Any]) -> Network:
    """The network of a module of this folder, for windows of `shape`."""
    network: Network = architecture.build(shape, settings)
    network.lookahead = shape.lookahead
    return network


def parameter_count(parameters: Iterable[nn.Parameter]) -> int:
    """Number of scalar weights."""
    return sum(parameter.numel() for parameter in parameters)


def initialise(network: Network, seed: int, parts: str | Iterable[str] | None = None) -> None:
    """Draw every weight, or those of the named parts, anew from one stream.

    Equal seeds give equal networks whatever ran before.
    """
    tree = network.part_tree()
    within: list[nn.Module] = [network] if parts is None else [tree[name] for name in network.check_parts(parts)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % (2**63))
        for module in (module for part in within for module in part.modules()):
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()


def join_static(x: Tensor, static: Tensor) -> Tensor:
    """Repeat the static numbers (b, s) along the window and append them to x (b, t, f): (b, t, f + s)."""
    return torch.cat([x, static[:, None, :].expand(-1, x.shape[1], -1)], dim=-1)


def join_static_to_chips(x: Tensor, static: Tensor) -> Tensor:
    """Repeat the static numbers (b, s) at every pixel, behind the bands of x (b, f, y, x): (b, f + s, y, x)."""
    return torch.cat([x, static[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)


def shapes_of(network: nn.Module) -> Sequence[tuple[str, tuple[int, ...]]]:
    """Name and shape of each tensor of the state, for messages about files that do not fit."""
    return [(name, tuple(tensor.shape)) for name, tensor in network.state_dict().items()]
