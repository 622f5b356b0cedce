"""All weights of the pretrained network trained on the labelled target data, ten times slower than from scratch."""

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-4}


def fit(given: Given) -> Fitted:
    """The pretrained network with every part adapted."""
    target = given.target
    learner = given.pretrained()
    given.train(learner, [Side("target", target)], rate=given.settings["rate"])
    return learner
