"""The rule `leave_one_source_domain_out`: groups of the source play the target in turn.

The source's training groups are dealt into at most four parts of two groups and more. Each part plays the target once:
as many of its groups as the budget holds, but one at least fewer than it has, are labelled, the others score the trial,
and the rest of the source is the source. What is pretrained is trained anew on that rest, once for each part and all
trials, so no network has seen the part that scores it. Inputs of the whole part stand for the unlabelled target. The
trial of the lowest mean loss is then fitted to the real target. After Gulrajani and Lopez-Paz (2021, arXiv 2007.01434),
whose training-domain validation leaves out one domain after the other, here with labels of it as the target has.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.methods.given import NotApplicable
from landbridge.prepare import budgets, ragged
from landbridge.prepare.budgets import Budget, TooSmallError
from landbridge.prepare.streams import hash_order
from landbridge.train.fitting import cut, given_of
from landbridge.train.harness import Source, Tools
from landbridge.train.pretraining import trained_on_source
from landbridge.train.samples import Samples
from landbridge.train.selection.case import labelled, mean_loss

RULES = {
    "leave_one_source_domain_out": {
        "by": "mean loss over parts of the source that play the target in turn, with as many labels as the budget has",
        "labels": "none",
        "rights": ("source_labels",),
        "compares": True,
    },
}
MOST_PARTS, GROUPS_OF_A_PART = 4, 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Play:
    """One part of the source that plays the target.

    Attributes:
        tools: of a job whose source is the rest.
        held_out: the part.
    """

    tools: Tools
    held_out: Dataset


def score_settings(tools: Tools, settings: Mapping[str, Any], size: int) -> float:
    """Mean loss of the recipe with these settings over the parts, with labels of `size` groups or units.

    Raises:
        NotApplicable: the source has fewer than four groups, budgets are counted in days, or the recipe can't act.
        Diverged: one of the fits did.
    """
    if "plays" not in tools.known:
        tools.known["plays"] = _plays(tools)
    found = []
    for number, play in enumerate(tools.known["plays"]):
        budget, scored = _cast(tools, play.held_out, size)
        own = play.tools
        before = own.fits
        try:
            fitted = own.recipe.fit(given_of(own, budget, f"part {number} of the source plays the target", settings))
        finally:
            tools.fits += own.fits - before
        samples = Samples(scored, tools.layout, tools.job.device, tools.features)
        found.append(mean_loss(tools, fitted, labelled(samples)))
    return float(np.mean(found))


def parts(groups: list[str], scenario: str, seed: int) -> list[list[str]]:
    """The groups dealt into parts, in an order that is equal for all recipes.

    Raises:
        NotApplicable: too few for two parts.
    """
    count = min(MOST_PARTS, len(groups) // GROUPS_OF_A_PART)
    if count < 2:
        raise NotApplicable(f"parts of the source play the target, and {len(groups)} groups are too few for two parts")
    ordered = hash_order(groups, "source groups that play the target", scenario, seed)
    return [ordered[number::count] for number in range(count)]


def _plays(tools: Tools) -> list[Play]:
    job, source = tools.job, tools.source
    assert source is not None
    if job.settings["budget_axis"] == "time":
        raise NotApplicable("groups of the source play the target, and this budget is counted in days of each group")
    group = np.asarray(source.train.dataset["group"]).astype(str)
    found = []
    for number, names in enumerate(parts(sorted(set(group.tolist())), job.settings["scenario"], job.subset_seed)):
        chosen = np.isin(group, names)
        held_out, rest = (ragged.select_units(source.train.dataset, which) for which in (chosen, ~chosen))
        train, unlabelled = (Samples(part, tools.layout, job.device, tools.features) for part in (rest, held_out))
        own = Source(train, source.validation)
        start = None
        if "objective" in job.modules:
            what = f"{job.settings['scenario']} without part {number} of the source"
            start, outcome, reason = trained_on_source(job, tools.layout, own, tools.progress, what)
            if outcome is None:
                raise NotApplicable(reason)
            tools.fits += 1
        log.info("part %d of the source that plays the target: %s", number, ", ".join(names))
        found.append(Play(replace(tools, source=own, unlabelled=unlabelled, start=start, known={}, fits=0), held_out))
    return found


def _cast(tools: Tools, held_out: Dataset, size: int) -> tuple[Budget, Dataset]:
    """A part's labelled groups or units as a budget, and the others, which score.

    Raises:
        NotApplicable: so few that a quarter of them can't be kept to stop by.
    """
    settings, axis = tools.job.settings, tools.job.settings["budget_axis"]
    stratify = settings["budget_stratify"]
    ranked = budgets.order(held_out, axis, settings["scenario"], tools.job.subset_seed, stratify=stratify)
    size = min(size, len(ranked) - 1)
    members = np.asarray(held_out["group" if axis == "groups" else "unit_name"]).astype(str)
    try:
        budget = cut(tools.job, held_out, str(size))
    except TooSmallError as reason:
        raise NotApplicable(str(reason)) from reason
    assert budget is not None
    return budget, ragged.select_units(held_out, np.isin(members, ranked[size:]))
