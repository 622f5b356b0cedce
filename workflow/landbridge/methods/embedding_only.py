"""The pretrained network frozen but for the embeddings of its targets, which the labelled target data move.

After RefQuery (arXiv 2603.04998): what a new home is sent are a few numbers for each appliance. They are pulled towards
where they start by `pull` / 2 times the squared distance.
"""

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = ("refquery",)
PLACE = "A"
DEFAULTS = {"rate": 1e-2, "pull": 1e-3}


def fit(given: Given) -> Fitted:
    """The pretrained network with only its embeddings adapted."""
    target = given.target
    learner = given.pretrained()
    given.train(
        learner,
        [Side("target", target)],
        parts="embedding",
        rate=given.settings["rate"],
        pull=given.settings["pull"],
    )
    return learner
