"""A network trained on the source, each window weighing as much as its inputs are likelier in the target.

Shimodaira (2000), J. Stat. Planning and Inference 90: the mean of w(x_i) l_i over the source, with w(x) = p_T(x) /
p_S(x), here by a classifier of domains (Bickel et al. 2009, JMLR 10): w = (n_S / n_T) q / (1 - q). q is a logistic
regression on what a network is given of each window: its mean, its last step and the unit's numbers, or mean and spread
of the bands of a chip. No group is weighed by a classifier that has seen it; slope and offset of the logits are then
fitted once more on those left out (Platt 1999), since a classifier is too sure of what it has not seen. Weights are cut
at their 99 % quantile and at 10 and divided by their mean.

Epochs are compared by the loss on the source's validation groups, weighed in the same way (Sugiyama et al. 2007, JMLR
8): the plain one would keep the epoch that fits the source best, which is the one that this training leaves.

The weights belong to one pair of source and target, so the network is trained here and not in a pretraining that other
recipes share.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landbridge.kinds import number, whole
from landbridge.methods.checked import NOT_NEGATIVE, check
from landbridge.methods.given import Fitted, Given, Learner, NotApplicable, Samples, Side
from landbridge.methods.groups_of_windows import group_of_window
from landbridge.models.learner import at_once
from landbridge.prepare.evenly import evenly

RIGHTS = ("source_labels", "target_inputs")
OBJECTIVE = None
MODELS = "any"
PLACE = "PA"
SELECTION = "source_val"
DEFAULTS = {"rate": 1e-3, "largest": 10.0, "quantile": 0.99, "penalty": 1.0, "rows": 50_000}
SEARCH = {"rate": (1e-4, 1e-2)}
KINDS = {
    "penalty": NOT_NEGATIVE,
    "largest": number("a number from 1 on", least=1),
    "quantile": number("a number from 0.5 to 1", least=0.5, most=1),
    "rows": whole(100, "a whole number from 100 on"),
}
FOLDS = 5
OF_VALIDATION = -1  # a fold of its own: no classifier that weighs validation groups has seen them
FEW = 0.1  # of the windows: fewer effective ones are a warning

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weighted:
    """A network, and by how many windows of equal weight it might have been trained.

    Attributes:
        notes: `effective_sample_size`, `samples` and, where the first is below a tenth of the second, a `warning`, for
            the row of costs.
    """

    learner: Learner
    notes: dict[str, Any]

    def predict(self, samples: Samples) -> np.ndarray:
        """As the network does."""
        return self.learner.predict(samples)

    def counts(self) -> tuple[int, int]:
        """Of the network."""
        return self.learner.counts()

    def shipped_bytes(self) -> int:
        """Of the network."""
        return self.learner.shipped_bytes()


def described(inputs: Sequence[Tensor]) -> np.ndarray:
    """(b, column) float64 of what a network is given: mean and last step of series, mean and spread of the bands.

    Args:
        inputs: x (b, t, input) or (b, band, y, x) and static (b, static); with a bool mask (b, t) of padded windows
            nothing counts where it is false.
    """
    x, static = inputs[0].double(), inputs[1].double()
    if x.ndim == 4:
        columns = [x.mean((2, 3)), x.std((2, 3), correction=0)]
    else:
        padded = len(inputs) == 3 and inputs[2].dtype == torch.bool
        known = inputs[2] if padded else torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        count = known.sum(1)
        mean = (x * known[..., None]).sum(1) / count.clamp_min(1)[:, None]
        columns = [mean, x[torch.arange(len(x), device=x.device), count - 1]]
    return torch.cat([*columns, static], dim=1).cpu().numpy()


def inputs_of(samples: Any, scaler: Any) -> Iterator[Sequence[Tensor]]:
    """What a network is given of the labelled windows or chips of a population, some at a time."""
    population = samples.tensors.scaled(scaler)
    for index in torch.arange(len(population)).split(at_once(samples.cells)):
        yield population.batch(index).inputs


def stacked(batches: Iterable[Sequence[Tensor]]) -> np.ndarray:
    """`described` of batch after batch."""
    return np.concatenate([described(inputs) for inputs in batches])


def logistic(table: np.ndarray, target: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Slopes (column,) and offset of a logistic regression.

    Args:
        table: (row, column).
        target: (row,) bool.
        penalty: / 2 times the squares of the slopes of standardised columns, beside the sum of the losses.
    """
    from sklearn.linear_model import LogisticRegression

    centre, spread = table.mean(0), table.std(0)
    varies = spread > 1e-9
    if not varies.any():
        return np.zeros(table.shape[1]), float(np.log(target.sum() / (~target).sum()))
    model = LogisticRegression(C=1 / penalty if penalty else np.inf, solver="newton-cholesky", tol=1e-10)
    model.fit((table[:, varies] - centre[varies]) / spread[varies], target)
    slopes = np.zeros(table.shape[1])
    slopes[varies] = model.coef_[0] / spread[varies]
    return slopes, float(model.intercept_[0] - centre @ slopes)


def logits(
    source: np.ndarray,
    target: np.ndarray,
    fold_of_source: np.ndarray,
    fold_of_target: np.ndarray,
    penalty: float,
    rows: int,
) -> np.ndarray:
    """Calibrated log-odds (source row,) of being of the target, each by a classifier that has not seen its fold.

    Args:
        source, target: (row, column).
        fold_of_source, fold_of_target: (row,) which fold each row is left out in.
        penalty: of `logistic`.
        rows: most rows of each side that a classifier learns from, evenly taken.
    """
    of_source, of_target = np.zeros(len(source)), np.zeros(len(target))
    for left in np.unique(fold_of_source):
        kept = [thinned(own[fold != left], rows) for own, fold in ((source, fold_of_source), (target, fold_of_target))]
        counts = [len(own) for own in kept]
        slopes, offset = logistic(np.concatenate(kept), np.repeat([False, True], counts), penalty)
        offset += np.log(counts[0] / counts[1])  # as if both had as many rows
        for found, own, fold in ((of_source, source, fold_of_source), (of_target, target, fold_of_target)):
            out = fold == left
            found[out] = own[out] @ slopes + offset
    sides = [thinned(own[:, None], rows) for own in (of_source, of_target)]
    counts = [len(own) for own in sides]
    (slope,), offset = logistic(np.concatenate(sides), np.repeat([False, True], counts), 0.0)
    return slope * of_source + offset + np.log(counts[0] / counts[1])


def thinned(table: np.ndarray, rows: int) -> np.ndarray:
    """`rows` of the rows at most, evenly taken."""
    return table[evenly(len(table), rows)]


def weights_of(log_odds: np.ndarray, quantile: float, largest: float) -> np.ndarray:
    """(row,) weights of mean 1 of log w, cut at a quantile of theirs and at `largest`."""
    found = ratios_of(log_odds, quantile, largest)
    return found / found.mean()


def ratios_of(log_odds: np.ndarray, quantile: float, largest: float) -> np.ndarray:
    """(row,) w of log w, cut at a quantile of theirs and at `largest`."""
    found = np.exp(np.clip(log_odds, -30, 30))
    return np.minimum(found, min(np.quantile(found, quantile), largest))


def effective_sample_size(weights: np.ndarray) -> float:
    """(sum w)^2 / sum w^2 (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def folds_by_group(groups: np.ndarray, count: int) -> np.ndarray:
    """(row,) fold of each row's group (row,), the groups dealt out in their order."""
    return np.unique(groups, return_inverse=True)[1].ravel() % count


def fit(given: Given) -> Fitted:
    """A network of the weighed source, for every budget.

    Raises:
        NotApplicable: source or target have a single group, which no classifier can be kept from seeing.
        StageError: a setting is out of range.
    """
    source: Any = given.source
    unlabelled = given.unlabelled
    settings = given.settings
    check(settings, "importance_weighting", **KINDS)
    group_of_source = source.tensors.groups_of_windows("group").cpu().numpy()
    group_of_target = unlabelled.of_inputs(group_of_window)
    folds = min(FOLDS, *(len(np.unique(own)) for own in (group_of_source, group_of_target)))
    if folds < 2:
        raise NotApplicable("leaves out groups of source and target in turn, and one of them has fewer than two")
    learner: Any = given.untrained([source])
    validation: Any = given.source_validation
    labelled = [samples for samples in (source, validation) if len(samples)]
    own = np.concatenate([stacked(inputs_of(samples, learner.scaler)) for samples in labelled])
    other = stacked(inputs for inputs, _ in unlabelled.input_batches(learner.scaler))
    fold_of_source, fold_of_target = (folds_by_group(one, folds) for one in (group_of_source, group_of_target))
    fold_of_source = np.append(fold_of_source, np.full(len(validation), OF_VALIDATION))
    found = logits(own, other, fold_of_source, fold_of_target, settings["penalty"], settings["rows"])
    cut = settings["quantile"], settings["largest"]
    factors = weights_of(found[: len(source)], *cut)
    on_validation = weights_of(found[len(source) :], *cut) if len(validation) else None
    effective = effective_sample_size(factors)
    text = f"{len(factors)} windows weigh as {effective:.0f} of equal weight, the largest weight is {factors.max():.2f}"
    notes: dict[str, Any] = {
        "effective_sample_size": round(effective, 1),
        "effective_share": round(effective / len(factors), 4),
        "samples": len(factors),
    }
    if effective < FEW * len(factors):
        log.warning("%s", text)
        notes["warning"] = text
    else:
        log.info("%s", text)
    side = Side("source", given.source, factors=factors)
    given.train(learner, [side], rate=settings["rate"], select_on_source=True, validation_factors=on_validation)
    return Weighted(learner, notes)
