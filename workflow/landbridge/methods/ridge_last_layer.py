"""The last layer refitted in closed form, its rank and penalty chosen by the residual of the groups left out.

Ridge regression (Hoerl and Kennard 1970) on the leading singular vectors of the features that the pretrained network's
head reads: with F = U S V' of the centred features of the labelled target rows, the prediction is
ybar + (f - fbar) V_r diag(1 / s_j) c, c_j = d_j (U_r' y)_j, d_j = s_j^2 / (s_j^2 + penalty). Residuals of groups left
out come from one fit by the block formula e_g = (1 - H_gg)^-1 (y_g - yhat_g), H = 11' / n + U_r diag(d) U_r', which is
exact for a fixed basis; the basis is made of inputs and never of labels. Classes are fitted one against the rest on -1
and 1. The variant `relative` fits what the source's predictions miss.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landbridge.methods.given import Fitted, Given, LabelledRows, Learner, NotApplicable, Samples
from landbridge.methods.ridge import NUMBER_BYTES, Ridge, Ridges, folds, penalties_of

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
MODELS = "any"
PLACE = "A"
VARIANTS = ("absolute", "relative")
SELECTION = "fixed"
DEFAULTS = {"penalties": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0]}
SMALLEST = 1e-10  # of the largest singular value: below it a direction is rounding
FEWEST_GROUPS = 3
LEAST_PROBABILITY = 1e-3  # of a class: a line knows no bounds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Basis:
    """Thin singular value decomposition U S V' of a table.

    Attributes:
        rows: (n, k) U.
        values: (k,) S, descending, all of them above `SMALLEST` of the first.
        columns: (d, k) V.
    """

    rows: np.ndarray
    values: np.ndarray
    columns: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray) -> Basis:
        """Of a table (n, d)."""
        rows, values, columns = np.linalg.svd(table, full_matrices=False)
        kept = values > SMALLEST * values.max(initial=0)
        return cls(rows[:, kept], values[kept], columns[kept].T)

    def shrinkage(self, penalty: float, rank: int) -> np.ndarray:
        """(rank,) d_j."""
        squares = self.values[:rank] ** 2
        return squares / (squares + penalty)

    def slopes(self, label: np.ndarray, penalty: float, rank: int) -> np.ndarray:
        """(d, output) of labels (n, output)."""
        own = self.shrinkage(penalty, rank)[:, None] * (self.rows[:, :rank].T @ label)
        return self.columns[:, :rank] @ (own / self.values[:rank, None])

    def ranks(self) -> list[int]:
        """Powers of 2 up to the full rank, and that."""
        full = len(self.values)
        return sorted({*(2**power for power in range(full.bit_length()) if 2**power <= full), full})


def left_out(
    basis: Basis, share: np.ndarray, label: np.ndarray, fold: np.ndarray, penalty: float, rank: int
) -> np.ndarray:
    """Residuals (n, output) of every fold by a fit to the others, of rows that are scaled as `label` is.

    Args:
        basis: of the centred and scaled table.
        share: (n,) what scales rows: the root of their weights.
        label: (n, output) centred and scaled.
        fold: (n,).
        penalty, rank: of the ridge.
    """
    shrinkage = np.append(1.0, basis.shrinkage(penalty, rank))  # the constant is not shrunk
    table = np.column_stack([share / np.linalg.norm(share), basis.rows[:, :rank]])  # (n, 1 + rank)
    missed = label - table @ (shrinkage[:, None] * (table.T @ label))
    found = np.empty_like(missed)
    for number in np.unique(fold):
        own = fold == number
        part = table[own]
        if len(part) <= len(shrinkage):
            inner = np.eye(len(part)) - (part * shrinkage) @ part.T
            found[own] = np.linalg.solve(inner, missed[own])
        else:  # Woodbury: a group has more rows than the basis has columns
            inner = np.diag(1 / shrinkage) - part.T @ part
            found[own] = missed[own] + part @ np.linalg.solve(inner, part.T @ missed[own])
    return found


@dataclass(frozen=True)
class Fit:
    """A ridge on the leading directions.

    Attributes:
        slopes: (d, output).
        intercept: (output,).
        penalty, rank: as chosen.
    """

    slopes: np.ndarray
    intercept: np.ndarray
    penalty: float
    rank: int


def fitted(
    table: np.ndarray, label: np.ndarray, weight: np.ndarray, fold: np.ndarray, penalties: Sequence[float]
) -> Fit:
    """The ridge whose rank and penalty miss the folds left out by least.

    Errors are root mean squares of each fold, all folds weighing the same. Of equal ones the smaller rank and the
    larger penalty are taken; a single row gives its label to all.

    Args:
        table: (n, d) features.
        label: (n, output).
        weight: (n,) above 0.
        fold: (n,) which fold each row is left out in.
        penalties: to choose from, in units of s_1^2 / n.
    """
    share = np.sqrt(weight)
    centre, mean = (np.average(values, axis=0, weights=weight) for values in (table, label))
    basis = Basis.of(share[:, None] * (table - centre))
    scaled = share[:, None] * (label - mean)
    numbers, index = np.unique(fold, return_inverse=True)
    if len(basis.values) == 0 or len(numbers) == 1:
        return Fit(np.zeros((table.shape[1], label.shape[1])), mean, max(penalties), 0)
    weights = np.bincount(index, weight)
    best, lowest = (0.0, 0), np.inf
    for rank in basis.ranks():
        for own in sorted(penalties, reverse=True):
            penalty = own * basis.values[0] ** 2 / len(table)
            try:
                squares = (left_out(basis, share, scaled, index, penalty, rank) ** 2).mean(axis=1)
            except np.linalg.LinAlgError:  # without that fold the directions are not told apart
                continue
            error = np.sqrt(np.bincount(index, squares) / weights).mean()
            if error < lowest:
                best, lowest = (penalty, rank), error
    penalty, rank = best
    slopes = basis.slopes(scaled, penalty, rank)
    return Fit(slopes, mean - centre @ slopes, penalty, rank)


def folds_of(groups: np.ndarray, in_time: bool) -> np.ndarray:
    """(row,) which fold each row is left out in: its group; of fewer than three a stretch of its group or itself.

    Args:
        groups: (row,) names.
        in_time: whether the rows of a group are in the order of time, so that neighbours are not independent.
    """
    names = np.unique(groups)
    if len(names) >= FEWEST_GROUPS:
        return folds(groups)
    if not in_time:
        return np.arange(len(groups))
    found = np.zeros(len(groups), np.int64)
    for number, name in enumerate(names):
        own = groups == name
        found[own] = folds(groups[own]) + number * len(groups)
    return found


@dataclass(frozen=True)
class ClosedForm:
    """A network whose last layer is a ridge.

    Attributes:
        encoder: the pretrained network.
        ridges: one for each target or class.
        relative: whether they are added to what the network predicts.
        classes: whether they are scores of classes.
    """

    encoder: Learner
    ridges: Ridges
    relative: bool
    classes: bool

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target) in the targets' units, or log-probabilities (row, class)."""
        found = self.ridges.predict_table(self.encoder.hidden(samples).astype(np.float64))
        if self.relative:
            found = found + of_source(self.encoder, samples, self.classes)
        if not self.classes:
            return found
        probability = np.clip((1 + found) / 2, LEAST_PROBABILITY, 1)
        return np.log(probability / probability.sum(axis=1, keepdims=True))

    def counts(self) -> tuple[int, int]:
        """Numbers of the last layer, and the weights of the network with them."""
        own = self.ridges.counts()[0]
        return own, own + self.encoder.counts()[1]

    def shipped_bytes(self) -> int:
        """Bytes of the last layer."""
        return NUMBER_BYTES * self.ridges.counts()[0]


def of_source(encoder: Learner, samples: Samples, classes: bool) -> np.ndarray:
    """What the pretrained network says of each row (row, output); probabilities from -1 to 1."""
    found = encoder.predict(samples).astype(np.float64)
    return 2 * np.exp(found) - 1 if classes else found


def sought(rows: LabelledRows, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (row, output) and weights (row, output): those of a regression, or -1 and 1 of each class."""
    weights = rows.weights.astype(np.float64)
    if not classes:
        return rows.labels.astype(np.float64), weights
    own = np.where(rows.labels == np.arange(classes), 1.0, -1.0)
    return own, np.broadcast_to(weights, own.shape)


def line(own: Fit, output: int) -> Ridge:
    """One output of a fit, with the mean of the columns inside its intercept and no bounds."""
    anything = np.full(len(own.slopes), np.inf)
    return Ridge(-anything, anything, np.zeros(len(own.slopes)), own.slopes[:, output], float(own.intercept[output]))


def fit(given: Given) -> Fitted:
    """The pretrained encoder with a ridge of the budget's labelled rows.

    Raises:
        NotApplicable: no labels, a label for every pixel, or a network whose head reads no features.
    """
    rows = given.target.labelled()
    penalties = penalties_of(given.settings, "ridge_last_layer")
    encoder = given.pretrained()
    if not encoder.has_features:
        raise NotApplicable("needs a network whose head reads features, and this one gives none")
    relative, classes = given.variant == "relative", len(given.classes)
    table = encoder.hidden(rows.samples).astype(np.float64)
    label, weight = sought(rows, classes)
    if relative:
        label = label - of_source(encoder, rows.samples, bool(classes))
    ridges: list[Ridge] = []
    # Classes have their rows in common and one rank; targets may lack rows of their own.
    for outputs in [slice(0, classes)] if classes else [slice(i, i + 1) for i in range(label.shape[1])]:
        used = weight[:, outputs.start] > 0
        if not used.any():
            raise NotApplicable("one of the targets has no label in this budget")
        fold = folds_of(rows.groups[used], rows.in_time)
        own = fitted(table[used], label[used, outputs], weight[used, outputs.start], fold, penalties)
        log.info("rank %d of %d, penalty %.3g", own.rank, table.shape[1], own.penalty)
        ridges += [line(own, output) for output in range(own.slopes.shape[1])]
    return ClosedForm(encoder, Ridges(ridges), relative, bool(classes))
