"""AdamW in a few lines, equal to torch's: importing `torch.optim` loads the compiler, one second in every job.

Loshchilov and Hutter (2019), Decoupled weight decay regularization, algorithm 2; Kingma and Ba (2015).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

FIRST_MOMENT_DECAY = 0.9
SECOND_MOMENT_DECAY = 0.999
EPSILON = 1e-8


class AdamW:
    """Adam with decoupled weight decay.

    Args:
        parameters: what to train, in a fixed order.
        rate: learning rate.
        weight_decay: share of each weight taken off per step, times the rate.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.rate = rate
        self.weight_decay = weight_decay
        self.steps = 0
        self.first = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.second = [torch.zeros_like(parameter) for parameter in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self.steps += 1
        correction = (1 - SECOND_MOMENT_DECAY**self.steps) ** 0.5 / (1 - FIRST_MOMENT_DECAY**self.steps)
        scale = (1 - SECOND_MOMENT_DECAY**self.steps) ** 0.5
        moved = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        parameters: list[Tensor] = [self.parameters[i] for i in moved]
        gradients: list[Tensor] = [parameter.grad for parameter in parameters if parameter.grad is not None]
        first, second = [self.first[i] for i in moved], [self.second[i] for i in moved]
        torch._foreach_mul_(parameters, 1 - self.rate * self.weight_decay)
        torch._foreach_lerp_(first, gradients, 1 - FIRST_MOMENT_DECAY)
        torch._foreach_mul_(second, SECOND_MOMENT_DECAY)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - SECOND_MOMENT_DECAY)
        denominators = torch._foreach_sqrt(second)
        torch._foreach_add_(denominators, EPSILON * scale)
        torch._foreach_addcdiv_(parameters, first, denominators, -self.rate * correction)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Moments and step count as tensors, for a training checkpoint."""
        named = {f"first.{i}": tensor for i, tensor in enumerate(self.first)}
        named |= {f"second.{i}": tensor for i, tensor in enumerate(self.second)}
        return named | {"steps": torch.tensor(self.steps)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up a state that `state` gave."""
        self.steps = int(state["steps"])
        for i in range(len(self.parameters)):
            self.first[i].copy_(state[f"first.{i}"])
            self.second[i].copy_(state[f"second.{i}"])


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> Tensor:
    """Scale all gradients so that their joint Euclidean norm is at most `limit`; returns the norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, torch.clamp(limit / (norm + 1e-6), max=1.0))
    return norm
