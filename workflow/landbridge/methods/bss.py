"""Full fine-tuning that keeps the smallest singular values of the features of a batch small (batch spectral shrinkage).

Chen et al. (2019), Catastrophic forgetting meets negative transfer, NeurIPS 32: the loss gains a times the sum of the
squares of the k smallest singular values of the matrix of a batch's features. Its rows are those of `alignment`. The
squares have a gradient without differences of singular values, so equal ones and zeros do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from landbridge.kinds import whole
from landbridge.methods.alignment import Places
from landbridge.methods.checked import POSITIVE, check
from landbridge.methods.given import Fitted, Given, Penalty, Seen, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-4, "strength": 1e-3, "smallest": 1}
SEARCH = {"strength": (1e-4, 1e-1)}


def shrinkage(rows: Tensor, smallest: int) -> Tensor:
    """Sum of the squares of the `smallest` least singular values, or of all if there are fewer; scalar.

    Args:
        rows: features (n, d).
        smallest: k.
    """
    if not torch.isfinite(rows).all():  # the decomposition would end the job; so the loss tells that training diverged
        return rows.sum() * torch.nan
    return torch.linalg.svdvals(rows)[-smallest:].square().sum()


class Shrinkage(Penalty):
    """The shrinkage as a penalty.

    Args:
        strength: a.
        smallest: k.
        seed: of the draw of rows.
    """

    def __init__(self, strength: float, smallest: int, seed: int) -> None:
        self.strength = strength
        self.smallest = smallest
        self.places = Places(seed)

    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """The weighed shrinkage of the target's features; 0 where a batch has no row."""
        rows, _ = self.places.rows(seen[0])
        return self.strength * shrinkage(rows, self.smallest) if len(rows) else rows.sum()

    def state(self) -> dict[str, Tensor]:
        """The stream of rows, for a training checkpoint."""
        return self.places.state()

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.places.load(state)


def fit(given: Given) -> Fitted:
    """The pretrained network with every part adapted.

    Raises:
        StageError: `smallest` is no whole number from 1 on.
    """
    settings = given.settings
    check(settings, "bss", strength=POSITIVE, smallest=whole(1, "a whole number from 1 on"))
    target = given.target
    learner = given.pretrained()
    penalty = Shrinkage(settings["strength"], settings["smallest"], given.seed)
    given.train(learner, [Side("target", target)], rate=settings["rate"], penalty=penalty)
    return learner
