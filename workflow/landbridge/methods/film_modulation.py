"""Feature-wise modulation by a code of the place, read from other windows of its record: after TAM-RL.

After TAM-RL (arXiv 2603.09974) and FiLM (arXiv 1709.07871). A task code z = g(support windows of the same group) makes
h' = (1 + G z) h + B z of the hidden state h, with G = B = 0 at the start, where the network is the plain one. Query and
support windows never share a step.

- `inputs`: the pretrained `tam_rl` without a label of the target. It learned on the source to be told about a place by
  its drivers alone, and so reads, for each row to predict, other windows of the inputs of the *same test unit*, later
  ones too: a transductive use of test inputs, as it is with `tam_rl` under any other recipe. Its predictions are those
  of `source_only` on `tam_rl`; the row stands for the method.
- `labels`: support windows come with their labels. The weights start at the pretrained ones but for the code and the
  modulation, which begin anew, and learn on the source for `share_of_steps` times the fixed steps; each source window
  is shown others of its unit with their labels. A target group is then told by its own labelled windows, which lie
  before the rows to predict, and no weight moves: no test input but the window to predict is read. Labels of the very
  group are known on a time axis alone; elsewhere the row is not applicable.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, Learner, NotApplicable, Samples, Side

RIGHTS = ("source_weights",)
RIGHTS_OF_VARIANTS = {"labels": ("source_weights", "source_labels", "target_labels")}
OBJECTIVE = "erm"
MODELS = ("tam_rl",)
VARIANTS = ("inputs", "labels")
PLACE = "PA"
DEFAULTS = {"rate": 1e-3, "share_of_steps": 4.0}

ANEW = ("parts.code.", "parts.modulation.")  # begin the names of weights that are not taken over


class Told:
    """A network that is told about a group by the group's labelled windows."""

    def __init__(self, learner: Learner, labelled: Samples) -> None:
        self.learner = learner
        self.labelled = labelled

    def predict(self, samples: Samples) -> np.ndarray:
        """Regression (row, target) in the targets' units."""
        return self.learner.predict(samples.showing(self.labelled))

    def counts(self) -> tuple[int, int]:
        """Trained and total parameters; all were trained on the source."""
        return self.learner.counts()

    def shipped_bytes(self) -> int:
        """Bytes of the network: a new place is sent it whole, and needs no training of its own."""
        return self.learner.shipped_bytes()


def begin(given: Given) -> Learner:
    """A network that has learned on the source to be told about a unit by windows with labels."""
    source = given.source.showing(given.source)
    pretrained: Any = given.pretrained()
    learner: Any = given.untrained_like(pretrained, {"support_labels": True})
    state = learner.network.state_dict()
    kept = {name: value for name, value in pretrained.network.state_dict().items() if not name.startswith(ANEW)}
    learner.network.load_state_dict({**state, **kept})
    given.train(
        learner,
        [Side("source", source)],
        rate=given.settings["rate"],
        share_of_steps=given.settings["share_of_steps"],
    )
    return learner


def fit(given: Given) -> Fitted:
    """The pretrained network, or one that is told about the group by its labels."""
    if given.variant == "inputs":
        return given.pretrained()
    if not given.known_groups:
        raise NotApplicable("the groups to predict have labels on a time axis alone; elsewhere film_modulation.inputs")
    target = given.target
    return Told(given.begun() or begin(given), target)
