"""The same network trained from a random start on the budget's labels in a random order: an alarm, not a method.

It must score as `naive` does. Where it does better, labels of the test reach the predictions by another way than the
training, and the comparison fails.
"""

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("target_labels",)
OBJECTIVE = None
MODELS = "any"
PLACE = "A"
SELECTION = "fixed"  # true labels must not choose the number of steps
DEFAULTS = {"rate": 1e-3}


def fit(given: Given) -> Fitted:
    """As `target_only`, with the labels of all windows, units and pixels shuffled over the whole budget."""
    target = given.target
    learner = given.untrained([target])
    given.train(learner, [Side("target", given.shuffled(target))], rate=given.settings["rate"])
    return learner
