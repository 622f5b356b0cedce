"""All weights of the pretrained network trained on the labelled target data, ten times slower than from scratch."""

from landbridge.methods.given import Fitted, Given, Learner, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-4}
SEARCH = {"rate": (1e-5, 1e-3)}


def adapted(given: Given, rate: float) -> Learner:
    """The pretrained network with every part trained at `rate`."""
    target = given.target
    learner = given.pretrained()
    given.train(learner, [Side("target", target)], rate=rate)
    return learner


def fit(given: Given) -> Fitted:
    """The pretrained network with every part adapted."""
    return adapted(given, given.settings["rate"])
