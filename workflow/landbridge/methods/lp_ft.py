"""Linear probe first, then all weights: the head is fitted before the features may move.

Kumar et al. (2022), Fine-tuning can distort pretrained features and underperform out-of-distribution.
"""

from landbridge.methods.given import Fitted, Given, Learner, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-3, "ratio": 0.1}
SEARCH = {"ratio": (0.03, 0.3)}


def adapted(given: Given, rate: float, ratio: float) -> Learner:
    """The pretrained network: its head at `rate`, then everything at `rate * ratio`; each takes half of the steps."""
    target = given.target
    learner = given.pretrained()
    sides = [Side("target", target)]
    given.train(learner, sides, parts="head", rate=rate, share_of_steps=0.5)
    given.train(learner, sides, rate=rate * ratio, share_of_steps=0.5)
    return learner


def fit(given: Given) -> Fitted:
    """The pretrained network adapted in two stages."""
    return adapted(given, given.settings["rate"], given.settings["ratio"])
