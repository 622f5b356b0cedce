"""How far the target lies from the source: in its inputs, in its labels, and in its labels given its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from landbridge.methods.given import NotApplicable
from landbridge.methods.importance_weighting import FOLDS, described, folds_by_group, logistic
from landbridge.methods.mk_mmd import WIDTHS, median_distance, mmd, squared_distances
from landbridge.prepare.streams import generator, stream
from landbridge.train.jackknife import Estimate, jackknife

PENALTY = 1.0  # of the classifier of domains
DIRECTIONS = 64  # of the sliced distance
LEVELS = (np.arange(100) + 0.5) / 100
TREES, LEAF = 25, 3
FEWEST_ROWS = 20  # that a learner is fitted on


@dataclass(frozen=True)
class Inputs:
    """Windows of a population in summary form.

    Attributes:
        table: (row, column), see `summary`.
        groups: (row,).
    """

    table: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Labelled:
    """Rows that a learner of tables takes.

    Attributes:
        table: (row, column); NaN where a number is missing.
        labels: (row, target), NaN where missing; of classes (row, 1) whole numbers.
        groups: (row,).
    """

    table: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    def rows(self, index: np.ndarray) -> Labelled:
        """Some of them."""
        return Labelled(self.table[index], self.labels[index], self.groups[index])


def summary(inputs: Sequence[torch.Tensor]) -> np.ndarray:
    """(b, column) of what a network is given: mean, last step and spread of series, or mean and spread of bands.

    Args:
        inputs: as of `importance_weighting.described`.
    """
    found, x = described(inputs), inputs[0].double()
    if x.ndim == 4:
        return found
    padded = len(inputs) == 3 and inputs[2].dtype == torch.bool
    known = (inputs[2] if padded else torch.ones(x.shape[:2], dtype=torch.bool))[..., None]
    count = known.sum(1).clamp_min(1)
    mean = (x * known).sum(1) / count
    spread = (((x - mean[:, None]) ** 2 * known).sum(1) / count).sqrt()
    return np.concatenate([found, spread.cpu().numpy()], axis=1)


class Classifier:
    """Tells windows of the target from windows of the source; no group by a regression that has seen it.

    Raises:
        NotApplicable: source or target have a single group.
    """

    def __init__(self, source: Inputs, target: Inputs) -> None:
        folds = min(FOLDS, *(len(np.unique(own.groups)) for own in (source, target)))
        if folds < 2:
            raise NotApplicable("leaves out groups of source and target in turn, and one of them has a single group")
        self.source, self.target = source, target
        sides = [(own.table, folds_by_group(own.groups, folds)) for own in (source, target)]
        wrong = [np.zeros(len(own.table)) for own in (source, target)]
        for left in range(folds):
            slopes, offset = self._fitted([table[fold != left] for table, fold in sides])
            for side, (table, fold) in enumerate(sides):
                of_target = table[fold == left] @ slopes + offset > 0
                wrong[side][fold == left] = of_target != bool(side)
        self.wrong_source, self.wrong_target = wrong
        self.whole = self._fitted([source.table, target.table])

    @staticmethod
    def _fitted(tables: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
        """Slopes and offset, as if both sides had as many rows."""
        counts = [len(table) for table in tables]
        slopes, offset = logistic(np.concatenate(tables), np.repeat([False, True], counts), PENALTY)
        return slopes, offset + float(np.log(counts[0] / counts[1]))

    def distance(self, level: float) -> Estimate:
        """Proxy A-distance 2 (1 - 2 err) of Ben-David et al. (2007), NIPS 19: 0 of equal domains, 2 of distinct ones.

        err is the mean of both sides' share of windows that are taken for the other side's.
        """

        def value(keep: Sequence[np.ndarray]) -> float:
            errors = self.wrong_source[keep[0]].mean(), self.wrong_target[keep[1]].mean()
            return float(2 * (1 - sum(errors)))

        return jackknife(value, [self.source.groups, self.target.groups], level)

    def distance_of(self, table: np.ndarray) -> float:
        """The same of windows (row, column) of a group that is neither of the source nor of the target rows."""
        slopes, offset = self.whole
        wrong = (table @ slopes + offset <= 0).mean()
        return float(2 * (1 - self.wrong_source.mean() - wrong))


def widths_of(source: np.ndarray, target: np.ndarray) -> list[torch.Tensor]:
    """Widths of the kernels of `methods.mk_mmd` for rows of both."""
    median = median_distance(squared_distances(torch.as_tensor(np.concatenate([source, target]))))
    return [width * median for width in WIDTHS]


def discrepancy(source: np.ndarray, target: np.ndarray, widths: Sequence[torch.Tensor]) -> float:
    """Unbiased squared maximum mean discrepancy of rows (n, column) and (m, column), two at least; about 0 of equals.

    See `methods.mk_mmd.mmd`; it is unbiased for independent rows, and rows of one group are alike.
    """
    return float(mmd(torch.as_tensor(source), torch.as_tensor(target), widths))


def sliced_wasserstein(source: np.ndarray, target: np.ndarray, seed: int) -> float:
    """Mean over random directions of the Wasserstein distance of the rows' projections (Rabin et al. 2011, SSVM).

    Args:
        source, target: (n, column) and (m, column).
        seed: of the directions.
    """
    directions = np.random.default_rng(seed).normal(size=(source.shape[1], DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    quantiles = [np.quantile(rows @ directions, LEVELS, axis=0) for rows in (source, target)]
    return float(np.abs(quantiles[0] - quantiles[1]).mean())


def class_shift(source: np.ndarray, target: np.ndarray) -> float:
    """Half the summed absolute differences of the shares of classes: 0 of equal shares, 1 of no class in common.

    Args:
        source, target: counts (row, class).
    """
    shares = [counts.sum(0) / counts.sum() for counts in (source, target)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def mean_shift(source: np.ndarray, target: np.ndarray) -> float:
    """Absolute difference of the means of labels (row, target), in the source's standard deviations; mean over targets.

    NaN where no target has labels that vary on one side, and some on the other.
    """
    found = []
    for own, other in zip(source.T, target.T, strict=True):
        known = own[np.isfinite(own)], other[np.isfinite(other)]
        if len(known[0]) and len(known[1]) and known[0].std() > 0:
            found.append(abs(known[0].mean() - known[1].mean()) / known[0].std())
    return float(np.mean(found)) if found else float("nan")


def conditional_shift(source: Labelled, target: Labelled, classes: int, level: float, keys: Sequence[Any]) -> Estimate:
    """What a learner of the source loses on the target against one of the target itself, in units of the naive loss.

    (loss of source - loss of target) / loss of the mean label, summed over targets, on target groups that neither the
    target's learner nor the mean has seen. Both learners are extremely randomised trees (Geurts et al. 2006, Machine
    Learning 63) of as many groups and rows. About 0 where labels depend on inputs alike, above where they do not; also
    above where the source holds no such inputs, of which no learner can know. Losses are squared errors, of classes of
    the probabilities (Brier). The interval leaves out groups of the target; it does not draw training rows anew.

    Args:
        classes: how many there are; 0 of a regression.
        keys: of the stream of trees and of the rows that are drawn.

    Raises:
        NotApplicable: fewer than two target groups, or too few rows.
    """
    names = np.unique(target.groups)
    folds = min(FOLDS, len(names))
    if folds < 2:
        raise NotApplicable("leaves out groups of the target in turn, and it has a single one")
    fold = folds_by_group(target.groups, folds)
    columns = 1 if classes else target.labels.shape[1]
    losses = np.full((3, len(fold), columns), np.nan)  # of the source, of the target, of the mean
    for column in range(columns):
        known = np.isfinite(target.labels[:, column])
        usable = source.rows(np.flatnonzero(np.isfinite(source.labels[:, column])))
        for left in range(folds):
            out = np.flatnonzero(known & (fold == left))
            rest = target.rows(np.flatnonzero(known & (fold != left)))
            if not len(out):
                continue
            learn = _alike(usable, rest, [*keys, column, left])
            seed = stream("trees", *keys, column, left) % 2**32
            truth = _expected(target.labels[out, column], classes)
            for number, own in enumerate(learn):
                found = _predicted(own, column, target.table[out], classes, seed)
                losses[number, out, column] = np.square(found - truth).sum(1)
            mean = _expected(learn[1].labels[:, column], classes).mean(0)
            losses[2, out, column] = np.square(mean - truth).sum(1)

    def value(keep: Sequence[np.ndarray]) -> float:
        own, other, naive = np.nansum(losses[:, keep[0]], axis=(1, 2))
        return float((own - other) / naive) if naive > 0 else float("nan")

    return jackknife(value, [target.groups], level)


def _alike(source: Labelled, target: Labelled, keys: Sequence[Any]) -> tuple[Labelled, Labelled]:
    """Rows of both to learn from: as many groups and as many rows of each."""
    random = generator("conditional_shift", *keys)
    count = min(len(np.unique(own.groups)) for own in (source, target))
    drawn = []
    for own in (source, target):
        groups = random.permutation(np.unique(own.groups))[:count]
        drawn.append(np.flatnonzero(np.isin(own.groups, groups)))
    rows = min(len(index) for index in drawn)
    if rows < FEWEST_ROWS:
        raise NotApplicable(f"learns from {rows} labelled rows, and {FEWEST_ROWS} are the fewest")
    kept = [np.sort(random.permutation(index)[:rows]) for index in drawn]
    return source.rows(kept[0]), target.rows(kept[1])


def _expected(label: np.ndarray, classes: int) -> np.ndarray:
    """Labels (row, 1), or of classes (row, class) 0 and 1."""
    return (label[:, None] == np.arange(classes)).astype(float) if classes else label[:, None]


def _predicted(own: Labelled, column: int, table: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """What trees of `own` predict of rows (row, column): (row, 1), or probabilities (row, class)."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    settings: Mapping[str, Any] = {"n_estimators": TREES, "min_samples_leaf": LEAF, "random_state": seed}
    if not classes:
        regression = ExtraTreesRegressor(**settings).fit(own.table, own.labels[:, column])
        return np.asarray(regression.predict(table))[:, None]
    forest = ExtraTreesClassifier(**settings).fit(own.table, own.labels[:, column].astype(int))
    found = np.zeros((len(table), classes))
    found[:, forest.classes_] = forest.predict_proba(table)
    return found
