"""The pretrained network with some of its named parts trained on the labelled target data, the rest frozen.

Which parts move best is an open question of each field; the variants are those that Zhang et al. (2026), arXiv
2603.00340, compare for travel modes. The variant `chosen` trains what the settings name. Weights that are drawn anew
come from a stream of the fit's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from landbridge.methods.given import Fitted, Given, NotApplicable, Side
from landbridge.models.network import Network, initialise
from landbridge.prepare.streams import stream
from landbridge.stage import StageError

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
VARIANTS = (
    "chosen",
    "freeze_attention",
    "freeze_forward",
    "freeze_embedding",
    "freeze_first_half",
    "head_only",
    "head_and_pooling",
    "reinitialise_last",
)
DEFAULTS = {"rate": 1e-4, "parts": ["head"], "reinitialise": []}
SEARCH = {"rate": (1e-5, 1e-3)}


def presets(part_names: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Parts to train and parts to draw anew of each variant but `chosen`, for a model with these parts.

    Blocks are the parts named `block1`, `block2`, ...; a model without them gets the names of the first, which
    `check_parts` refuses.
    """
    blocks = [name for name in part_names if re.fullmatch(r"block\d+", name)] or ["block1"]
    first_half = blocks[: max(1, len(blocks) // 2)]
    return {
        "freeze_attention": (["all", "-*.attention"], []),
        "freeze_forward": (["all", "-*.feed_forward"], []),
        "freeze_embedding": (["all", "-embedding"], []),
        "freeze_first_half": (["all", *(f"-{name}" for name in first_half)], []),
        "head_only": (["head"], []),
        "head_and_pooling": (["pooling", "head"], []),
        "reinitialise_last": (["all"], [blocks[-1]]),
    }


def plan(network: Network, variant: str, settings: Any) -> tuple[list[str], list[str]]:
    """Parts to train and parts to draw anew, by their full names.

    Raises:
        NotApplicable: the model lacks a part that the variant speaks of.
        StageError: the settings name a part that the model lacks, or draw anew what stays frozen.
    """
    chosen = variant == "chosen"
    own = settings["parts"], settings["reinitialise"]
    trained, anew = own if chosen else presets(network.part_names())[variant]
    try:
        parts = network.check_parts(trained)
        redrawn = network.check_parts(anew) if anew else []
    except ValueError as problem:
        if chosen:
            raise StageError(f"recipe_settings.partial_unfreeze: {problem}") from problem
        raise NotApplicable(str(problem)) from problem
    frozen = [name for name in redrawn if name not in parts]
    if frozen:
        raise StageError(
            f"recipe_settings.partial_unfreeze: {', '.join(frozen)} would be drawn anew and never trained; "
            "name it in `parts` too, or take it out of `reinitialise`"
        )
    return parts, redrawn


def fit(given: Given) -> Fitted:
    """The pretrained network with the variant's parts adapted."""
    target = given.target
    learner: Any = given.pretrained()
    parts, redrawn = plan(learner.network, given.variant, given.settings)
    if redrawn:
        initialise(learner.network, stream("reinitialise", given.seed), redrawn)
    given.train(learner, [Side("target", target)], parts=parts, rate=given.settings["rate"])
    return learner
