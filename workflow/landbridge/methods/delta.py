"""Full fine-tuning that holds feature maps to those of the source, each channel by what it is worth for the target.

Li et al. (2019), DELTA: Deep learning transfer using feature map with attention, arXiv 1901.09229: the loss gains
(a/2) sum over levels and channels j of D_j |F_j(x; w) - F_j(x; w0)|^2, and (b/2) |W|^2 of the head. D is the softmax,
over the channels of a level, of the rise in the loss of a linear probe when channel j is set to zero, found once on the
labelled target data. Levels are those that a network of chips names, else the features that the head reads. The squares
are means over the batch and its steps or pixels, not sums, so that levels of all sizes count alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.given import Fitted, Given, NotApplicable, Penalty, Samples, Seen, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-4, "probe_rate": 1e-3, "strength": 0.01, "head_strength": 0.01}
SEARCH = {"strength": (1e-4, 1.0)}
FEATURES = "features"  # stands for what the head reads, where a network names no levels
PROBED = 512  # windows or chips at most by which channels are judged


def levels(network: Any) -> tuple[str, ...]:
    """Names of the maps that are held: the network's levels, or its features.

    Raises:
        NotApplicable: it has no encoder.
    """
    if not network.has_encoder:
        raise NotApplicable("this model has no encoder whose features a head reads")
    return tuple(network.levels) or (FEATURES,)


def maps_of(network: Any, inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    """The maps of a network by name: (b, channel, y, x) of levels; features as `Seen` has them."""
    names = levels(network)
    if names == (FEATURES,):
        features = network.features(*inputs)
        return {FEATURES: network.until_scored(features) if features.ndim == 3 else features}
    found: dict[str, Tensor] = {}
    hooks = [
        network.parts[name].register_forward_hook(lambda _, __, output, name=name: found.update({name: output}))
        for name in names
    ]
    network.features(*inputs)
    for hook in hooks:
        hook.remove()
    return found


def by_channel(squares: Tensor) -> Tensor:
    """(channel,) means of (b, channel, y, x), (b, length, channel) or (b, channel)."""
    axis = 1 if squares.ndim == 4 else squares.ndim - 1
    return squares.mean([own for own in range(squares.ndim) if own != axis])


def silence(network: Any, name: str, channel: int) -> Any:
    """Set one channel of a map to zero until the hook that is returned is removed."""

    def zeroed(values: Tensor) -> Tensor:
        axis = 1 if values.ndim == 4 else values.ndim - 1
        kept = torch.arange(values.shape[axis], device=values.device) != channel
        return values * kept.view(-1, *[1] * (values.ndim - 1 - axis))

    if name == FEATURES:
        return network.parts["head"].register_forward_pre_hook(lambda _, own: (zeroed(own[0]), *own[1:]))
    return network.parts[name].register_forward_hook(lambda _, __, output: zeroed(output))


def attention(given: Given, probe: Any, target: Samples) -> dict[str, Tensor]:
    """D of each map, (channel,), which adds up to 1: what a probe loses without each channel."""
    inputs = next(iter(target.input_batches(probe.scaler)))[0]
    probe.network.eval()
    with torch.no_grad():
        maps = maps_of(probe.network, [part[:2] for part in inputs])
    whole = given.loss(probe, target, PROBED)
    found = {}
    for name, values in maps.items():
        rises = []
        for channel in range(values.shape[1 if values.ndim == 4 else -1]):
            hook = silence(probe.network, name, channel)
            rises.append(given.loss(probe, target, PROBED) - whole)
            hook.remove()
        found[name] = torch.tensor(rises, dtype=torch.float32, device=values.device).softmax(0)
    return found


class HeldMaps(Penalty):
    """The distance of maps from those of the start, and the squares of the head.

    Args:
        network: that trains.
        start: a network with the weights w0, which stays as it is, in evaluation mode.
        weights: D of each map.
        strength, head_strength: a and b.
    """

    def __init__(
        self, network: Any, start: Any, weights: Mapping[str, Tensor], strength: float, head_strength: float
    ) -> None:
        self.head = network.parts["head"]
        self.start = start.eval()
        self.weights = weights
        self.watched = [name for name in weights if name != FEATURES]
        self.strength = strength
        self.head_strength = head_strength

    def distance(self, own: Seen) -> Tensor:
        """Sum over maps and channels of D_j times the mean square of what has moved; scalar."""
        with torch.no_grad():
            before = maps_of(self.start, own.batch.inputs)
        now = own.maps if self.watched else {FEATURES: own.features}
        return torch.stack(
            [(weight * by_channel((now[name] - before[name]).square())).sum() for name, weight in self.weights.items()]
        ).sum()

    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """The penalty of the one side that there is."""
        squares = torch.stack([own.square().sum() for own in self.head.parameters() if own.ndim > 1]).sum()
        return self.strength / 2 * self.distance(seen[0]) + self.head_strength / 2 * squares


def fit(given: Given) -> Fitted:
    """The pretrained network with every part adapted; a probe is trained before it, to weigh the channels."""
    settings = given.settings
    check(settings, "delta", strength=POSITIVE, head_strength=POSITIVE)
    target = given.target
    probe: Any = given.pretrained()
    levels(probe.network)
    sides = [Side("target", target)]
    given.train(probe, sides, parts="head", rate=settings["probe_rate"])
    weights = attention(given, probe, target)
    learner: Any = given.pretrained()
    start: Any = given.pretrained()
    penalty = HeldMaps(learner.network, start.network, weights, settings["strength"], settings["head_strength"])
    given.train(learner, sides, rate=settings["rate"], penalty=penalty)
    return learner
