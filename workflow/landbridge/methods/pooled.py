"""One network trained from a random start on source and labelled target data together.

The loss is (1 - a) times the source's plus a times the target's, a = `share`.
"""

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "any"
PLACE = "A"
SELECTION = "source_val"
DEFAULTS = {"rate": 1e-3, "share": 0.5}
SEARCH = {"share": (0.1, 0.9)}


def fit(given: Given) -> Fitted:
    """A network of both populations; its scaler too has seen both."""
    target = given.target
    share = given.settings["share"]
    learner = given.untrained([given.source, target])
    sides = [Side("source", given.source, 1 - share), Side("target", target, share)]
    given.train(learner, sides, rate=given.settings["rate"], select_on_source=True)
    return learner
