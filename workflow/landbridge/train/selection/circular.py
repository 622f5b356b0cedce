"""The rule `unsup_circular`: a way there and back between source and target.

Unlabelled inputs of the target are given the labels that a trial predicts; a network of the same architecture learns
these from a random start, as `target_only` would; its loss on validation groups of the source, whose labels are known,
scores the trial (circular validation: Bruzzone and Marconcini 2010, IEEE TPAMI 32(5), who train the way back as the way
there; here every recipe has the same way back, so that recipes do not differ in it).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from landbridge.contract import IGNORE, Variable
from landbridge.methods import target_only
from landbridge.methods.given import Diverged, Fitted, NotApplicable
from landbridge.prepare import ragged
from landbridge.prepare.budgets import Budget
from landbridge.train.fitting import given_of, predicted
from landbridge.train.harness import Tools
from landbridge.train.samples import Samples
from landbridge.train.selection.case import Case, labelled, mean_loss, unlabelled

RULES = {
    "unsup_circular": {
        "by": "loss on validation groups of the source of a network that learned what a trial predicts for the target",
        "labels": "none",
        "rights": ("source_labels", "target_inputs"),
        "compares": True,
    },
}


def require(tools: Tools) -> None:
    """Nothing where the recipe trains a network.

    Raises:
        NotApplicable: it brings a learner of its own.
    """
    if tools.architecture is None:
        raise NotApplicable("trains a network back, and this recipe brings a learner of its own")


def score(case: Case) -> float:
    """Loss on the source's validation groups after the way back; infinite where that diverges.

    Raises:
        NotApplicable: the target has no complete input.
    """
    tools = case.tools
    assert tools.source is not None
    pseudo = relabelled(tools, case.fitted)
    job = replace(tools.job, settings={**tools.job.settings, "rights": ["target_labels"], "stops_by": "fixed"})
    back = replace(tools, job=job, recipe=target_only, fits=0)
    budget = Budget("all", len(pseudo["unit_name"]), pseudo)
    if "source_val" not in tools.known:
        tools.known["source_val"] = labelled(tools.source.validation)
    try:
        learner = back.recipe.fit(given_of(back, budget, f"{case.given.what}, back", target_only.DEFAULTS))
    except Diverged:
        return float("inf")
    finally:
        tools.fits += back.fits
    return mean_loss(tools, learner, tools.known["source_val"])


def relabelled(tools: Tools, fitted: Fitted) -> ragged.Dataset:
    """The target's unlabelled units with what a fit predicts in the place of labels, of weight 1.

    Numbers stand at the steps that are predicted. A class is the likeliest one, of a unit with one class over all of
    its windows; pixels that were not seen are to be ignored.
    """
    source, target = tools.source, tools.unlabelled
    assert source is not None and target is not None
    if "unlabelled" not in tools.known:
        tools.known["unlabelled"] = unlabelled(target)
    samples: Samples = tools.known["unlabelled"]
    if samples.prediction_rows == 0:
        raise NotApplicable("the target has no complete input without a label")
    values, rows = predicted(tools.layout, fitted, samples), samples.prediction_observations
    shape = (len(target.unit),)
    changed = {}
    for number, name in enumerate(tools.layout.targets):
        like = source.train.dataset.variables[name]
        if tools.layout.task == "regression":
            labels = np.full(shape, np.nan, np.float32)
            labels[rows] = values[:, number]
        elif tools.layout.task == "segmentation":
            seen = target.seen
            labels = np.full(seen.shape, IGNORE, np.uint8)
            labels[rows] = np.where(seen[rows], values.argmax(1), IGNORE)
        else:
            of_unit = like.dimensions == ("unit",)
            place = target.unit[rows] if of_unit else rows
            total = np.zeros((len(target.dataset["unit_name"]) if of_unit else shape[0], values.shape[1]))
            np.add.at(total, place, values)
            labels = np.full(len(total), IGNORE, np.uint8)
            labels[place] = total.argmax(1)[place]
        changed[name] = Variable(like.dimensions, labels, like.attributes)
    if tools.layout.quality is not None:
        like = source.train.dataset.variables[tools.layout.quality]
        changed[tools.layout.quality] = Variable(like.dimensions, np.ones(shape, np.float32), like.attributes)
    return ragged.with_variables(target.dataset, changed)
