"""The pretrained network frozen but for the scales and thresholds of its Walsh-Hadamard layers.

What a new place is sent are a few numbers for each coefficient; see `landbridge.models.walsh_hadamard`. The biases of
the head move with them where `head_bias` says so.
"""

from __future__ import annotations

from typing import Any

from landbridge.methods.given import Fitted, Given, Side

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = ("wht_unet", "wht_resnet")
PLACE = "A"
DEFAULTS = {"rate": 1e-3, "head_bias": False}
SEARCH = {"rate": (1e-4, 1e-2)}
ENDS = (".spectrum.scale", ".spectrum.threshold")


def fit(given: Given) -> Fitted:
    """The pretrained network with scales and thresholds adapted."""
    target = given.target
    learner: Any = given.pretrained()
    bias = f"parts.{learner.network.part_names()[-1]}.bias"
    ends = (*ENDS, bias) if given.settings["head_bias"] else ENDS
    learner.network.keep_all_but(lambda name: name.endswith(ends))
    given.train(learner, [Side("target", target)], rate=given.settings["rate"])
    return learner
