"""What pulls weights towards where they start, or towards zero, while they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from landbridge.models.network import Network


@dataclass(frozen=True)
class Anchor:
    """Weights that a training is pulled towards, and how strongly: the loss gains strength / 2 |w - w0|^2.

    Attributes:
        start: w0 of each weight.
        strength: one for all; (row, 1) one for each row of every weight; or a list with one for each weight.
    """

    start: Sequence[Tensor]
    strength: float | Tensor | list[float]

    @classmethod
    def of(cls, parameters: Sequence[Tensor], pull: float | Sequence[float]) -> Anchor | None:
        """At where the weights are now; None where nothing pulls."""
        if isinstance(pull, int | float):
            return cls([parameter.detach().clone() for parameter in parameters], pull) if pull else None
        strength = torch.tensor(pull, dtype=torch.float32, device=parameters[0].device)[:, None]
        return cls([parameter.detach().clone() for parameter in parameters], strength)

    @classmethod
    def with_head_at_zero(cls, network: Network, parameters: Sequence[Tensor], pull: float, shrink: float) -> Anchor:
        """At where the weights are now, but for those of the head.

        Its matrices are pulled towards 0 by `shrink` and its biases not at all.
        """
        head = {id(weight) for name, weight in network.named_parameters() if name.startswith("parts.head.")}
        strength = [pull if id(own) not in head else shrink if own.ndim > 1 else 0.0 for own in parameters]
        start = [torch.zeros_like(own) if id(own) in head else own.detach().clone() for own in parameters]
        return cls(start, strength)

    def strengths(self) -> Sequence[float | Tensor]:
        """One for each weight."""
        return self.strength if isinstance(self.strength, list) else [self.strength] * len(self.start)

    @torch.no_grad()
    def penalty(self, parameters: Sequence[Tensor]) -> Tensor:
        """What the loss gains, a scalar."""
        each = zip(parameters, self.start, self.strengths(), strict=True)
        return torch.stack([(strength / 2 * (own - start).square()).sum() for own, start, strength in each]).sum()

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Add strength (w - w0) to the gradient of each weight."""
        for parameter, start, strength in zip(parameters, self.start, self.strengths(), strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(strength * (parameter.detach() - start))
