"""A penalty at work in the training loop: what it sees of the sides, and the optimiser of weights of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from landbridge.methods.given import NotApplicable, Penalty, Seen
from landbridge.models.network import Network
from landbridge.train.adamw import AdamW, clip_gradients


class Penalised:
    """A penalty beside a network: hooks that keep what its parts give, and an optimiser group of the penalty's own.

    The penalty's gradients are clipped apart from the network's, since one norm for both would rescale the step of
    the network.

    Args:
        penalty: see `landbridge.methods.given.Penalty`.
        network: whose last part is the head.
        weight_decay, clip: of the schedule.

    Raises:
        NotApplicable: the network has no encoder whose features a head reads, or lacks a part that is watched.
    """

    def __init__(self, penalty: Penalty, network: Network, weight_decay: float, clip: float) -> None:
        if penalty.features and not network.has_encoder:
            raise NotApplicable("this model has no encoder whose features a head reads")
        tree = network.part_tree()
        absent = [name for name in penalty.watched if name not in tree]
        if absent:
            raise NotApplicable(f"this model has no part {', '.join(absent)}")
        self.penalty = penalty
        self.network = network
        self.clip = clip
        self.optimiser: AdamW | None = None
        if penalty.parameters:
            self.optimiser = AdamW(penalty.parameters, penalty.rate, weight_decay)
        self.seen: list[Seen] = []
        self.maps: dict[str, Tensor] = {}
        self.hooks: list[Any] = []
        if penalty.features:
            self.hooks.append(tree["head"].register_forward_pre_hook(self._before_head))
        self.hooks += [tree[name].register_forward_hook(partial(self._after, name)) for name in penalty.watched]

    def _before_head(self, _: Any, arguments: tuple[Tensor, ...]) -> None:
        if torch.is_grad_enabled():  # not while validating
            self.maps["head"] = arguments[0]

    def _after(self, name: str, _: Any, __: Any, output: Any) -> None:
        if torch.is_grad_enabled():
            self.maps[name] = output[0] if isinstance(output, tuple) else output

    def see(self, name: str, batch: Any, outputs: Tensor, loss: Callable[[Tensor], Tensor]) -> None:
        """Keep what the last forward pass, of the side `name`, has shown."""
        features = self.maps.pop("head") if self.penalty.features else outputs.new_zeros(0)
        if features.ndim == 3:
            features = self.network.until_scored(features)
        maps = {name: self.maps.pop(name) for name in self.penalty.watched}
        self.seen.append(Seen(name, batch, outputs, features, maps, loss))

    def backward(self, losses: Sequence[Tensor], progress: float) -> Tensor:
        """Gradients of the sides' losses and the penalty together; returns the penalty."""
        if self.optimiser is not None:
            self.optimiser.zero_grad()
        value = self.penalty(self.seen, progress)
        self.seen = []
        whole = torch.stack([*losses, value.to(losses[0].dtype)]).sum() if losses else value
        whole.backward()
        return value.detach()

    def step(self) -> None:
        """Move the penalty's own weights."""
        if self.optimiser is not None and any(own.grad is not None for own in self.optimiser.parameters):
            clip_gradients(self.optimiser.parameters, self.clip)
            self.optimiser.step()

    def state(self) -> dict[str, Tensor]:
        """The penalty's state and that of its optimiser, for a training checkpoint."""
        found = {f"own/{name}": tensor for name, tensor in self.penalty.state().items()}
        if self.optimiser is not None:
            found |= {f"optimiser/{name}": tensor for name, tensor in self.optimiser.state().items()}
        return found

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        own = {name.removeprefix("own/"): tensor for name, tensor in state.items() if name.startswith("own/")}
        self.penalty.load(own)
        if self.optimiser is not None:
            begin = "optimiser/"
            self.optimiser.load({name.removeprefix(begin): t for name, t in state.items() if name.startswith(begin)})

    def close(self) -> None:
        """Take the hooks off the network."""
        for hook in self.hooks:
            hook.remove()
