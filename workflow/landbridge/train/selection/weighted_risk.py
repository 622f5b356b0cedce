"""Rules that weigh the loss on the source's validation rows as rows of the target would be met.

`unsup_iw`: mean of w l (Sugiyama et al. 2007, JMLR 8). `unsup_dev`: the same with a control variate, since the mean of
w is known to be 1: mean(w l) + eta mean(w) - eta with eta = -cov(w l, w) / var(w) (You et al. 2019, ICML, DEV).

w is the ratio of densities that `landbridge.methods.importance_weighting` finds, with its default settings, between
inputs of the source's validation groups and unlabelled inputs of the target. It looks at inputs, not at the features
of a trial as published, so that every trial and every recipe is weighed alike.
"""

from __future__ import annotations

import numpy as np
import torch

from landbridge.methods import importance_weighting
from landbridge.methods.given import NotApplicable
from landbridge.methods.groups_of_windows import group_of_window
from landbridge.models.learner import at_once
from landbridge.prepare.scaling import fit_scaler
from landbridge.train.harness import Tools
from landbridge.train.selection.case import Case, Labelled, labelled, losses

RULES = {
    "unsup_iw": {
        "by": "loss on validation groups of the source, weighed by how likely their inputs are in the target",
        "labels": "none",
        "rights": ("source_labels", "target_inputs"),
        "compares": True,
    },
    "unsup_dev": {
        "by": "that loss with a control variate (deep embedded validation)",
        "labels": "none",
        "rights": ("source_labels", "target_inputs"),
        "compares": True,
    },
}


def weighted_risk(weights: np.ndarray, each: np.ndarray) -> float:
    """Mean of w l over rows (row,)."""
    return float((weights * each).mean())


def dev_risk(weights: np.ndarray, each: np.ndarray) -> float:
    """mean(w l) + eta mean(w) - eta, eta = -cov(w l, w) / var(w); the plain mean of w l where all weights are equal."""
    product = weights * each
    if len(weights) < 2 or np.ptp(weights) < 1e-12:
        return float(product.mean())
    covariance = np.cov(product, weights)
    eta = -covariance[0, 1] / covariance[1, 1]
    return float(product.mean() + eta * weights.mean() - eta)


def score(case: Case) -> float:
    """Weighted risk of one fit.

    Raises:
        NotApplicable: source validation or target have fewer than two groups, or no complete window.
    """
    tools = case.tools
    if "weighted" not in tools.known:
        tools.known["weighted"] = _weighted(tools)
    rows, weights = tools.known["weighted"]
    each, own = losses(tools, case.fitted, rows)
    kept = own > 0
    risk = weighted_risk if case.rule == "unsup_iw" else dev_risk
    return risk(weights[kept], each[kept])


def _weighted(tools: Tools) -> tuple[Labelled, np.ndarray]:
    """Labelled rows of the source's validation groups, and the weight of each."""
    assert tools.source is not None and tools.unlabelled is not None
    rows, defaults = labelled(tools.source.validation), importance_weighting.DEFAULTS
    samples, target = rows.samples, tools.unlabelled
    if len(target.input_windows.ends) == 0:
        raise NotApplicable("the target has no complete input without a label")
    scaler = fit_scaler([tools.source.train.dataset], *tools.layout.scaler_arguments())
    window_of_row = np.cumsum(np.append(False, samples.rows_to_predict.ends[1:] != samples.rows_to_predict.ends[:-1]))
    first = np.flatnonzero(np.append(True, np.diff(window_of_row) > 0))
    groups = rows.groups[first], target.of_inputs(group_of_window)
    folds = min(importance_weighting.FOLDS, *(len(np.unique(own)) for own in groups))
    if folds < 2:
        raise NotApplicable("leaves out groups of source and target in turn, and one of them has fewer than two")
    parts = torch.arange(len(first)).split(at_once(samples.cells))
    own = importance_weighting.stacked(samples.tensors.prediction_batch(index, scaler) for index in parts)
    other = importance_weighting.stacked(inputs for inputs, _ in target.input_batches(scaler))
    left, right = (importance_weighting.folds_by_group(one, folds) for one in groups)
    odds = importance_weighting.logits(own, other, left, right, defaults["penalty"], int(defaults["rows"]))
    return rows, importance_weighting.ratios_of(odds, defaults["quantile"], defaults["largest"])[window_of_row]
