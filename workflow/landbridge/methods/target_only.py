"""The same network trained from a random start on the labelled target data alone (from scratch).

A model with `weights` of its own begins at these here as in pretraining, so that a gain is what the source adds.
"""

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("target_labels",)
OBJECTIVE = None
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-3}
SEARCH = {"rate": (1e-4, 1e-2)}


def fit(given: Given) -> Fitted:
    """A network whose weights and scaler have seen nothing but the budget."""
    target = given.target
    learner = given.untrained([target])
    given.train(learner, [Side("target", target)], rate=given.settings["rate"])
    return learner
