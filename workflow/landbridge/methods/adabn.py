"""The pretrained network with the statistics of its batch norms taken from unlabelled inputs of the target.

Li et al. (2017), Revisiting batch normalization for practical domain adaptation. Layer by layer, from sums over all
inputs: an average of the variances of batches would miss what differs between them. Weights stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples

RIGHTS = ("source_weights", "target_inputs")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"


class Sums:
    """Weighted sums of the channels that pass a layer, float64."""

    def __init__(self) -> None:
        self.weight = torch.zeros((), dtype=torch.float64)
        self.first = self.second = self.weight
        self.real: Tensor | None = None

    def __call__(self, layer: nn.Module, arguments: tuple[Tensor]) -> None:
        """Add what a layer is given: (b, c), (b, c, t) or (b, c, y, x)."""
        x = arguments[0].double()
        weight = weights_of(x, self.real)[:, None]  # (b, 1, ...)
        others = [dim for dim in range(x.ndim) if dim != 1]
        self.weight = self.weight + weight.expand(-1, 1, *x.shape[2:]).sum()
        self.first = self.first + (weight * x).sum(others)
        self.second = self.second + (weight * x.square()).sum(others)


def weights_of(x: Tensor, real: Tensor | None) -> Tensor:
    """(b, ...) weights of the places of x (b, c, ...): the share of each that was seen; 1 where that is not known.

    Args:
        x: what a layer is given.
        real: (b, y, x) or (b, t) of the network's inputs; a layer may have fewer rows and columns.
    """
    if real is None or x.ndim != real.ndim + 1:
        return torch.ones((len(x), *x.shape[2:]), dtype=x.dtype, device=x.device)
    own = real.to(x.dtype)
    if x.ndim == 4:
        return functional.adaptive_avg_pool2d(own[:, None], (x.shape[2], x.shape[3]))[:, 0]
    return own[:, : x.shape[2]]


@torch.no_grad()
def take_statistics(network: Any, scaler: Any, samples: Samples) -> None:
    """Set mean and (biased) variance of every batch norm to those of what reaches it, from input to output.

    Raises:
        NotApplicable: the network has no batch norm, or no input was seen.
    """
    network.eval()
    for norm in norms_in_order(network, scaler, samples):
        sums = Sums()
        hook = norm.register_forward_pre_hook(sums)
        for inputs, real in samples.input_batches(scaler):
            sums.real = real
            network(*inputs)
        hook.remove()
        if float(sums.weight) == 0:
            raise NotApplicable("the target's inputs hold nothing that was seen")
        mean = sums.first / sums.weight
        norm.running_mean.copy_(mean)
        norm.running_var.copy_((sums.second / sums.weight - mean**2).clamp_min(0))


def norms_in_order(network: Any, scaler: Any, samples: Samples) -> list[Any]:
    """Batch norms with running statistics in the order in which inputs reach them."""
    found = [
        module for module in network.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
    if not found:
        raise NotApplicable("the network has no batch norm")
    order: list[Any] = []
    hooks = [module.register_forward_pre_hook(lambda own, _: order.append(own)) for module in found]
    batch = next(iter(samples.input_batches(scaler)), None)
    if batch is None:
        raise NotApplicable("the target has no complete input")
    network(*batch[0])
    for hook in hooks:
        hook.remove()
    return order


def fit(given: Given) -> Fitted:
    """The pretrained network with the target's statistics, for every budget."""
    learner: Any = given.pretrained()
    take_statistics(learner.network, learner.scaler, given.unlabelled)
    learner.network.keep_all_but(lambda name: name.endswith(("running_mean", "running_var")))
    learner.trained = learner.network.part_names()
    return learner
