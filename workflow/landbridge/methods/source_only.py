"""The pretrained network applied to the target unchanged (zero-shot)."""

from landbridge.methods.given import Fitted, Given

RIGHTS = ("source_weights",)
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "P"


def fit(given: Given) -> Fitted:
    """The pretrained network, for every budget."""
    return given.pretrained()
