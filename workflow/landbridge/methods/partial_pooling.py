"""A line on the features of a row plus an effect of its group, drawn towards zero the more the fewer labels it has.

Laird and Ware (1982), Biometrics 38: y_gi = x_gi' beta + u_g + e_gi, u_g ~ N(0, t2), e ~ N(0, s2). The variances are
those of restricted maximum likelihood over the groups of the source and the labelled ones of the target, and
u_g = w_g (ybar_g - xbar_g' beta), w_g = (n_g / s2) / (n_g / s2 + 1 / t2), n_g the weights of the group's rows. A group
without labels stands at x' beta. The rows of a group count as independent, which days in a row are not: where there
are many, its effect is that of its labels alone.

A row of a group is predicted with the variance s2 + t2 (1 - w_g), of a new group, whose w_g is 0, with s2 + t2: the
intervals need no calibration, and count the variances as known. With few groups they are not, and too few rows are
covered; the number of groups stands beside the intervals.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples
from landbridge.methods.groups_of_windows import group_of_window
from landbridge.methods.ridge import CONSTANT, NUMBER_BYTES, Ridge, Ridges

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "PA"
USES = ("features",)
SELECTION = "fixed"
FEWEST_GROUPS = 3  # from which a variance between groups is told
RATIOS = np.concatenate([[0.0], np.logspace(-8, 8, 65)])  # t2 / s2 to begin with
REFINEMENTS = 40  # steps of the golden section
GOLDEN = (5**0.5 - 1) / 2
JITTER = 1e-9  # of the rows' weight, added for columns that others add up to

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sums:
    """What the likelihood needs of rows x (row, column), a constant among them, y (row,) and weights (row,).

    Attributes:
        xx, xy, yy: weighted sums of products: (column, column), (column,) and a number.
        x, y: weighted sums in each group: (group, column) and (group,).
        weight: (group,) sum of weights.
        rows: number of rows.
    """

    xx: np.ndarray
    xy: np.ndarray
    yy: float
    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    rows: int

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, weight: np.ndarray, group: np.ndarray) -> Sums:
        """Of rows whose groups are numbered (row,) from 0 without gaps."""
        count = int(group.max()) + 1
        weighed = weight[:, None] * x
        by_group = np.stack([np.bincount(group, column, count) for column in weighed.T], axis=1)
        own = np.bincount(group, weight * y, count)
        return cls(
            weighed.T @ x, weighed.T @ y, float(weight @ y**2), by_group, own, np.bincount(group, weight), len(y)
        )


@dataclass(frozen=True)
class Mixed:
    """A fitted model.

    Attributes:
        beta: (column,).
        within, between: the variances s2 and t2.
        effects: (group,) u_g.
        left: (group,) variance of u_g given the labels, t2 (1 - w_g).
    """

    beta: np.ndarray
    within: float
    between: float
    effects: np.ndarray
    left: np.ndarray


def shrinkage(weight: np.ndarray, within: float, between: float) -> np.ndarray:
    """w_g of groups with these sums of weights; `between` may be 0 or infinite."""
    if np.isinf(between):
        return np.ones_like(weight)
    return weight * between / (weight * between + within)


def at_ratio(sums: Sums, ratio: float) -> tuple[float, np.ndarray, float]:
    """-2 log of the restricted likelihood but for a constant, beta (column,) and s2, where t2 is `ratio` times s2."""
    factor = ratio / (1 + ratio * sums.weight)
    left = sums.xx - (sums.x * factor[:, None]).T @ sums.x
    left = left + JITTER * sums.weight.sum() * np.eye(len(left))
    right = sums.xy - sums.x.T @ (factor * sums.y)
    beta = np.linalg.solve(left, right)
    free = max(sums.rows - len(beta), 1)
    squares = max(float(sums.yy - factor @ sums.y**2 - right @ beta), 1e-12 * sums.yy + 1e-300)
    determinants = np.log1p(ratio * sums.weight).sum() + np.linalg.slogdet(left)[1]
    return float(free * np.log(squares / free) + determinants), beta, squares / free


def reml(sums: Sums) -> Mixed:
    """The model whose variances have the largest restricted likelihood (Patterson and Thompson 1971)."""
    values = [at_ratio(sums, ratio)[0] for ratio in RATIOS]
    best = int(np.argmin(values))
    ratio = RATIOS[best]
    if best > 0:
        low, high = np.log(RATIOS[max(best - 1, 1)]), np.log(RATIOS[min(best + 1, len(RATIOS) - 1)])
        for _ in range(REFINEMENTS):
            one, two = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            if at_ratio(sums, np.exp(one))[0] < at_ratio(sums, np.exp(two))[0]:
                high = two
            else:
                low = one
        ratio = float(np.exp((low + high) / 2))
    _, beta, within = at_ratio(sums, ratio)
    between = ratio * within
    left = between * (1 - shrinkage(sums.weight, within, between))
    return Mixed(beta, within, between, effects(sums, beta, within, between), left)


def effects(sums: Sums, beta: np.ndarray, within: float, between: float) -> np.ndarray:
    """(group,) u_g."""
    missed = (sums.y - sums.x @ beta) / np.maximum(sums.weight, 1e-300)
    return shrinkage(sums.weight, within, between) * missed


@dataclass(frozen=True)
class Pooled:
    """Lines with effects of groups.

    Attributes:
        lines: one for each target.
        effects: by group, (target,).
        left: by group, (target,) what its labels leave of the variance between groups, t2 (1 - w_g).
        new: (target,) t2, which is left of a group without labels.
        within: (target,) s2.
        notes: variances, for the row of costs.
    """

    lines: Ridges
    effects: Mapping[str, np.ndarray]
    left: Mapping[str, np.ndarray]
    new: np.ndarray
    within: np.ndarray
    notes: dict[str, list[float]]

    @property
    def basis(self) -> str:
        """What the variances stand on."""
        return f"{len(self.effects)} groups"

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target)."""
        found = self.lines.predict_table(samples.prediction_table())
        return found + self._of_rows(samples, self.effects, np.zeros(found.shape[1]))

    def quantiles(self, samples: Samples, levels: Sequence[float]) -> np.ndarray:
        """(row, target, level) of a row that weighs 1, normal about the prediction."""
        spread = np.sqrt(self.within + self._of_rows(samples, self.left, self.new))
        steps = np.array([NormalDist().inv_cdf(level) for level in levels])
        return np.asarray(self.predict(samples)[..., None] + spread[..., None] * steps)

    def _of_rows(self, samples: Samples, known: Mapping[str, np.ndarray], other: np.ndarray) -> np.ndarray:
        """(row, target) of the group of each row, `other` (target,) where the group is not known."""
        groups = samples.of_prediction_windows(group_of_window)
        return np.array([known.get(name, other) for name in groups], float).reshape(len(groups), len(other))

    def counts(self) -> tuple[int, int]:
        """Slopes, intercepts and effects, all of them fitted."""
        fitted = self.lines.counts()[0] + sum(len(own) for own in self.effects.values())
        return fitted, fitted

    def shipped_bytes(self) -> int:
        """Bytes of the lines and of one group's effects."""
        return self.lines.shipped_bytes() + NUMBER_BYTES * len(self.lines.members)


@dataclass(frozen=True)
class Rows:
    """Labelled rows as a table.

    Attributes:
        table: (row, column); a missing number is NaN.
        labels, weights: (row, target).
        groups: (row,) names.
    """

    table: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(cls, samples: Samples) -> Rows:
        """Of a population."""
        found = samples.labelled()
        return cls(found.samples.prediction_table(), found.labels, found.weights, found.groups)

    def with_others(self, other: Rows) -> Rows:
        """These, and others below them."""
        return Rows(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


@lru_cache(maxsize=1)
def of_source(source: Samples) -> Rows:
    """Rows of the source, which are the same for every budget of a job."""
    return Rows.of(source)


def design(table: np.ndarray) -> tuple[np.ndarray, Ridge]:
    """A constant and standardised columns (row, 1 + column), and a line that holds their bounds and means.

    The slopes of that line are what columns are multiplied by; a missing number stands at its column's mean.
    """
    known = np.isfinite(table)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, table, 0).sum(0) / count
    centred = np.where(known, table - mean, 0)
    spread = np.sqrt((centred**2).sum(0) / count)
    factor = np.where(spread > CONSTANT * np.abs(mean), 1 / np.where(spread > 0, spread, 1), 0)
    empty = ~known.any(0)
    low, high = (
        np.where(empty, 0, edge(np.where(known, table, filler), axis=0))
        for edge, filler in ((np.min, np.inf), (np.max, -np.inf))
    )
    return np.column_stack([np.ones(len(table)), centred * factor]), Ridge(low, high, mean, factor, 0.0)


def fitted(rows: Rows, target: int) -> tuple[Ridge, Mixed, Sequence[str]]:
    """Line, model and names of the groups of one target.

    Raises:
        NotApplicable: fewer than three groups have a label.
    """
    used = rows.weights[:, target] > 0
    names, group = np.unique(rows.groups[used], return_inverse=True)
    if len(names) < FEWEST_GROUPS:
        raise NotApplicable(
            f"tells groups from rows where {FEWEST_GROUPS} groups or more have labels, and {len(names)} have"
        )
    x, held = design(rows.table[used].astype(np.float64))
    label, weight = (values[used, target].astype(np.float64) for values in (rows.labels, rows.weights))
    model = reml(Sums.of(x, label, weight, group.ravel()))
    line = Ridge(held.low, held.high, held.mean, held.slopes * model.beta[1:], float(model.beta[0]))
    return line, model, names.tolist()


def fit(given: Given) -> Fitted:
    """Line and effects of the source's groups and of the labelled ones of the target; without those at budget 0.

    Raises:
        NotApplicable: classes or chips, or fewer than three groups with labels.
    """
    if given.classes:
        raise NotApplicable("adds effects of groups to numbers, and these are classes")
    source: Any = given.source
    rows = of_source(source)
    if given.budget > 0:
        rows = rows.with_others(Rows.of(given.target))
    found: dict[str, np.ndarray] = {}
    left: dict[str, np.ndarray] = {}
    variances: list[tuple[float, float]] = []
    lines: list[Ridge] = []
    notes: dict[str, list[float]] = {"variance_between_groups": [], "variance_within_groups": []}
    targets = rows.labels.shape[1]
    for target in range(targets):
        line, model, names = fitted(rows, target)
        log.info("variance %.4g between %d groups, %.4g within", model.between, len(names), model.within)
        for name, effect, remaining in zip(names, model.effects, model.left, strict=True):
            found.setdefault(name, np.zeros(targets))[target] = effect
            left.setdefault(name, np.full(targets, np.nan))[target] = remaining
        variances.append((model.between, model.within))
        lines.append(line)
        notes["variance_between_groups"].append(float(f"{model.between:.6g}"))
        notes["variance_within_groups"].append(float(f"{model.within:.6g}"))
    new, within = np.array(variances).T
    left = {name: np.where(np.isnan(own), new, own) for name, own in left.items()}  # no label of that target
    return Pooled(Ridges(lines), found, left, new, within, notes)
