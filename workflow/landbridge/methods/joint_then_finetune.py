"""One encoder with a head for the target and one for the source, trained together; then the target's part alone.

Caruana (1997), Multitask learning, Machine Learning 28. From a random start the loss of the first stage is L_T + w L_S,
w = `weight`; the source's head is then left behind, and all the rest is trained on the target alone at a lower rate.
Each stage takes half of the steps, or stops as every recipe that adapts does. The source's head has an optimiser of its
own at the same rate, whose gradient is clipped apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from landbridge.methods.checked import NOT_NEGATIVE, POSITIVE, check
from landbridge.methods.given import Fitted, Given, NotApplicable, Penalty, Seen, Side
from landbridge.prepare.streams import stream

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-3, "weight": 0.5, "second_rate": 3e-4}
SEARCH = {"weight": (0.1, 2.0)}
SOURCE = "source"


class SecondHead(Penalty):
    """The loss of the source by a head of its own.

    Args:
        network: whose head the second one is like, with other weights.
        weight: w.
        rate: learning rate of the second head.
        seed: of its weights.
    """

    def __init__(self, network: Any, weight: float, rate: float, seed: int) -> None:
        self.network = network
        self.head = deepcopy(network.parts["head"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream("second head", seed) % 2**63)
            for module in self.head.modules():
                reset = getattr(module, "reset_parameters", None)
                if callable(reset):
                    reset()
        self.parameters: Sequence[Any] = list(self.head.parameters())
        self.weight = weight
        self.rate = rate

    def outputs(self, own: Seen) -> Tensor:
        """What the second head makes of the features."""
        found: Tensor = self.head(own.features)
        pooled = own.features.ndim == 2 and found.ndim == 3  # whose steps are all outputs still
        return self.network.until_scored(found) if pooled else found

    def __call__(self, seen: Sequence[Seen], progress: float) -> Tensor:
        """The weighed loss of the source."""
        (own,) = (side for side in seen if side.name == SOURCE)
        return self.weight * own.loss(self.outputs(own))

    def state(self) -> dict[str, Tensor]:
        """The second head, for a training checkpoint."""
        return dict(self.head.state_dict())

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        self.head.load_state_dict(state)


def fit(given: Given) -> Fitted:
    """A network of both populations, adapted to the target; at weight 0 the source is not looked at.

    Raises:
        NotApplicable: the network has no encoder whose features a head reads.
        StageError: a weight below 0.
    """
    settings = given.settings
    check(settings, "joint_then_finetune", rate=POSITIVE, weight=NOT_NEGATIVE)
    weight, rate = settings["weight"], settings["rate"]
    target = given.target
    alone = [Side("target", target)]
    if weight == 0:
        learner: Any = given.untrained([target])
        given.train(learner, alone, rate=rate, share_of_steps=0.5)
    else:
        learner = given.untrained([given.source, target])
        if not learner.network.has_encoder:
            raise NotApplicable("this model has no encoder whose features a head reads")
        both = [*alone, Side(SOURCE, given.source, scored=False)]
        penalty = SecondHead(learner.network, weight, rate, given.seed)
        given.train(learner, both, rate=rate, share_of_steps=0.5, penalty=penalty)
    given.train(learner, alone, rate=settings["second_rate"], share_of_steps=0.5)
    return learner
