"""The pretrained network frozen but for the embeddings of its targets, which the labelled target data move.

After RefQuery (arXiv 2603.04998): what a new home is sent are a few numbers for each appliance. Where several homes are
labelled, one vector for each appliance is first learned of all of them together: what a country's machines have in
common, homes tell each other. Each home then moves it further by its own labels, and is pulled towards it by `pull` /
(2 n) times the squared distance, with n the number of the appliance's uses among its labels, at least one: a single
use says little of which appliance it was, and fifty cycles of a fridge say all. A home that is alone starts from the
vectors of the source.
"""

import numpy as np

from landbridge.methods.given import Fitted, Given, Learner, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = ("refquery",)
PLACE = "A"
DEFAULTS = {"rate": 1e-2, "pull": 0.5, "share_of_steps": 1.0, "share_of_common_steps": 1.0}
SEARCH = {"rate": (1e-3, 1e-1)}


def begin(given: Given) -> Learner:
    """The pretrained network with the embeddings of all labelled groups together."""
    learner = given.pretrained()
    given.train(
        learner,
        [Side("target", given.target)],
        parts="embedding",
        rate=given.settings["rate"],
        share_of_steps=given.settings["share_of_common_steps"],
    )
    return learner


def fit(given: Given) -> Fitted:
    """That network, or the pretrained one, with its embeddings adapted to one group."""
    target = given.target
    learner = given.begun() or given.pretrained()
    given.train(
        learner,
        [Side("target", target)],
        parts="embedding",
        rate=given.settings["rate"],
        share_of_steps=given.settings["share_of_steps"],
        pull=(given.settings["pull"] / np.maximum(target.uses(), 1)).tolist(),
    )
    return learner
