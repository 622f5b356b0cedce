"""The pretrained encoder frozen, its head trained on the labelled target data.

Alain and Bengio (2017), Understanding intermediate layers using linear classifier probes.
"""

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-3}
SEARCH = {"rate": (1e-4, 1e-1)}


def fit(given: Given) -> Fitted:
    """The pretrained network with only its head adapted."""
    target = given.target
    learner = given.pretrained()
    given.train(learner, [Side("target", target)], parts="head", rate=given.settings["rate"])
    return learner
