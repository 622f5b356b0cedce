"""The pretrained network frozen but for the embeddings of its targets, which the labelled target data move.

After RefQuery (arXiv 2603.04998): what a new home is sent are a few numbers for each appliance. Each is pulled towards
where it starts by `pull` / (2 n) times the squared distance, with n the number of its uses among the labels, at least
one: a single use says little of which appliance it was, and fifty cycles of a fridge say all.
"""

import numpy as np

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = ("refquery",)
PLACE = "A"
DEFAULTS = {"rate": 1e-2, "pull": 0.5, "share_of_steps": 1.0}


def fit(given: Given) -> Fitted:
    """The pretrained network with only its embeddings adapted."""
    target = given.target
    learner = given.pretrained()
    given.train(
        learner,
        [Side("target", target)],
        parts="embedding",
        rate=given.settings["rate"],
        share_of_steps=given.settings["share_of_steps"],
        pull=(given.settings["pull"] / np.maximum(target.uses(), 1)).tolist(),
    )
    return learner
