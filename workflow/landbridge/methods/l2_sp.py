"""All weights trained on the labelled target data, the encoder's held near those of the source.

Li, Grandvalet and Davoine (2018), arXiv 1802.01483 (L2-SP): the loss gains pull / 2 |theta - theta0|^2
of the encoder and shrink / 2 |W|^2 of the head's matrices. Both stand in the place of weight decay. A model without a
head is held near the source as a whole.
"""

from landbridge.methods.checked import NOT_NEGATIVE, check
from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
DEFAULTS = {"rate": 1e-4, "pull": 0.01, "shrink": 0.01}
SEARCH = {"pull": (1e-4, 1.0)}


def fit(given: Given) -> Fitted:
    """The pretrained network, adapted under that penalty."""
    target = given.target
    learner = given.pretrained()
    settings = given.settings
    check(settings, "l2_sp", pull=NOT_NEGATIVE, shrink=NOT_NEGATIVE)
    given.train(
        learner, [Side("target", target)], rate=settings["rate"], pull=settings["pull"], shrink=settings["shrink"]
    )
    return learner
