"""What recipes share that align features of the source with those of unlabelled inputs of the target.

The loss is L_S + w r(p) penalty, with L_S the loss on the source and, in variants that have labels of the target, their
loss L_T beside it. r rises from 0 to 1 with the progress p of the training (Ganin et al., 2016, JMLR 17(59), section
5). Source and target go through the network one after the other, in batches that hold the groups evenly.

Rows that are aligned are what the head reads: one for each window or chip where the network pools; else up to
`PLACES` of the scored steps, or pixels, of each, drawn anew in every step. Neighbouring steps are nearly equal, and a
mean over them would hide how the features spread. Of the source those places are drawn that have a label, of the target
those that were seen.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from landbridge.methods.given import Fitted, Given, NotApplicable, Penalty, Seen, Side
from landbridge.prepare.streams import stream

PLACES = 8
SOURCE, UNLABELLED, LABELLED = "source", "unlabelled", "target"  # names of sides, and so of their random streams


def ramp(progress: float) -> float:
    """2 / (1 + exp(-10 p)) - 1: 0 at the beginning of a training, 0.9999 at its end."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class Places:
    """Draws the rows of what a step has seen of a side, from a random stream of its own."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(stream("places", seed))

    def rows(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Features (n, d) and the outputs (n, k) that the head makes of them.

        Where the network pools a window that has several scored steps, its outputs are their mean.
        """
        features, outputs, weights = seen.features, seen.outputs, seen.batch.weights
        scored = weights.shape[1] if weights.ndim == 3 and features.ndim < 4 else 1
        if features.ndim == 2:
            return features, outputs[:, -scored:].mean(1) if outputs.ndim == 3 else outputs
        if features.ndim == 4:
            if weights.ndim == 1:  # a class of the whole chip
                return features.mean((2, 3)), outputs
            features, outputs = (x.flatten(2).transpose(1, 2) for x in (features, outputs))  # (b, pixel, d)
            real = weights.flatten(1) > 0
        else:
            features, outputs = features[:, -scored:], outputs[:, -scored:]
            real = (weights > 0).any(2) if weights.ndim == 3 else weights[:, None] >= 0
        window, place = self.draw(real)
        return features[window, place], outputs[window, place]

    def draw(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """Up to `PLACES` different places of each row of real (b, n) at which it is true: row and place of each."""
        if real.shape[1] == 1:
            window = torch.nonzero(real[:, 0]).ravel()
            return window, torch.zeros_like(window)
        chance = torch.rand(real.shape, generator=self.generator).to(real.device)
        first = torch.where(real, chance, -1.0).topk(min(PLACES, real.shape[1]), dim=1).indices
        window = torch.arange(len(real), device=real.device)[:, None].expand_as(first)
        kept = real[window, first]
        return window[kept], first[kept]

    def state(self) -> dict[str, Tensor]:
        """The stream, for a training checkpoint."""
        return {"places": self.generator.get_state()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.generator.set_state(state["places"])


class Alignment(Penalty):
    """A distance between the rows of the source and those of the target, weighed by w r(p).

    A subclass defines `distance`.

    Args:
        weight: w.
        seed: of the draw of rows.
    """

    def __init__(self, weight: float, seed: int) -> None:
        self.weight = weight
        self.places = Places(seed)

    @abstractmethod
    def distance(self, source: Tensor, target: Tensor) -> Tensor:
        """Scalar of rows (n, d) and (m, d), two of each at least."""

    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """The weighed distance; 0 where a batch has fewer than two rows."""
        sides = {side.name: side for side in seen}
        source, target = (self.places.rows(sides[name])[0] for name in (SOURCE, UNLABELLED))
        if min(len(source), len(target)) < 2:
            return source.new_zeros(())
        return self.weight * ramp(progress) * self.distance(source, target)

    def state(self) -> dict[str, Tensor]:
        """What a training checkpoint must hold."""
        return self.places.state()

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.places.load(state)


@torch.no_grad()
def feature_width(learner: Any, samples: Any) -> int:
    """Number of features that a network makes of these inputs.

    Raises:
        NotApplicable: it has no encoder, or there is no input.
    """
    if not learner.network.has_encoder:
        raise NotApplicable("this model has no encoder whose features a head reads")
    batch = next(iter(samples.input_batches(learner.scaler)), None)
    if batch is None:
        raise NotApplicable("the target has no complete input")
    learner.network.eval()
    features = learner.network.features(*(part[:2] for part in batch[0]))
    return int(features.shape[1 if features.ndim == 4 else -1])


def fit_aligned(given: Given, make: Callable[[Any], Penalty], *, few: bool) -> Fitted:
    """A network trained from its start on the source, its features aligned with the target's.

    It begins where a pretraining begins, not at pretrained weights: the penalty is to shape the features while they are
    learned, and r(p) is made for that. The scaler is that of the source, so a penalty of 0 gives a network of the
    source alone. It stops by the source's validation groups, as a pretraining does.

    Args:
        given: with the rights to source labels and target inputs.
        make: the penalty for an untrained learner.
        few: whether labels of the target are learned beside those of the source, where the budget has any.
    """
    source = given.source
    sides = [Side(SOURCE, source, by_group=True), Side(UNLABELLED, given.unlabelled, labelled=False, by_group=True)]
    if few and given.budget > 0:
        sides.append(Side(LABELLED, given.target))
    learner = given.untrained([source])
    given.train(learner, sides, rate=given.settings["rate"], select_on_source=True, penalty=make(learner))
    return learner
