"""Full fine-tuning, or `lp_ft`, of a network that has learned a simulation: what a process model knows, then labels.

For scenarios whose source is a simulator or a process model. Without labels it is the simulator's emulator unchanged,
which is how it differs from `full_finetune` and `lp_ft`.
"""

from landbridge.methods import full_finetune, lp_ft
from landbridge.methods.given import Fitted, Given

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
SIMULATION = True
MODELS = "any"
PLACE = "PA"
VARIANTS = ("full", "lp_ft")
DEFAULTS = {"rate": 1e-4, "head_rate": 1e-3, "ratio": 0.1}
SEARCH = {"rate": (1e-5, 1e-3), "ratio": (0.03, 0.3)}


def fit(given: Given) -> Fitted:
    """The emulator; from budget 1 on adapted at `rate`, or in two stages at `head_rate` and `head_rate * ratio`."""
    if given.budget == 0:
        return given.pretrained()
    if given.variant == "lp_ft":
        return lp_ft.adapted(given, given.settings["head_rate"], given.settings["ratio"])
    return full_finetune.adapted(given, given.settings["rate"])
