"""Ridge regression on standardised columns, its penalty chosen by leaving out one group of the budget after another.

Hoerl and Kennard (1970), Technometrics 12(1): w minimises sum_i v_i (y_i - b - z_i w)^2 + penalty |w|^2, where the
weights v add up to 1, the columns z have mean 0 and variance 1 under them, and b is free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.stage import StageError

BLOCKS = 5  # stretches of rows that are left out in turn where there is a single group
CONSTANT = 1e-7  # of its mean: a float32 column that varies by less is constant
NUMBER_BYTES = 8


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge.

    A column is held inside the range that its labelled rows span: a line through few places says nothing beyond them.

    Attributes:
        low, high, mean, slopes: (column,); the slopes are those of the columns as they come.
        intercept: prediction where every column stands at its mean.
    """

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    slopes: np.ndarray
    intercept: float

    def predict(self, table: np.ndarray) -> np.ndarray:
        """(row,) of rows (row, column); a missing number stands at its column's mean."""
        held = np.clip(table, self.low, self.high) - self.mean
        found: np.ndarray = self.intercept + np.where(np.isnan(held), 0, held) @ self.slopes
        return found


@dataclass(frozen=True)
class Ridges:
    """One ridge for each target."""

    members: Sequence[Ridge]

    def predict_table(self, table: np.ndarray) -> np.ndarray:
        """(row, target) of rows (row, column)."""
        return np.stack([member.predict(table) for member in self.members], axis=1)

    def counts(self) -> tuple[int, int]:
        """Slopes and intercepts, all of them fitted."""
        fitted = sum(len(member.slopes) + 1 for member in self.members)
        return fitted, fitted

    def shipped_bytes(self) -> int:
        """Bytes of those numbers, and of the ranges and means beside them."""
        return sum(NUMBER_BYTES * (4 * len(member.slopes) + 1) for member in self.members)


def fit_ridges(table: np.ndarray, label: np.ndarray, weight: np.ndarray, penalties: Sequence[float]) -> list[Ridge]:
    """One ridge for each penalty.

    Args:
        table: (row, column); a missing number is NaN.
        label, weight: (row,); rows of weight 0 do not count.
        penalties: of the squared slopes of standardised columns, beside a mean squared error.
    """
    used = weight > 0
    share = weight[used].astype(np.float64) / weight[used].sum(dtype=np.float64)
    values, label = table[used].astype(np.float64), label[used].astype(np.float64)
    known = np.isfinite(values)
    filled = np.where(known, values, 0)
    mean = (share @ filled) / np.maximum(share @ known, 1e-12)
    centred = np.where(known, values - mean, 0)
    spread = np.sqrt(share @ centred**2)
    factor = np.where(spread > CONSTANT * np.abs(mean), 1 / np.where(spread > 0, spread, 1), 0)
    z = centred * factor
    intercept = float(share @ label)
    size, axes = np.linalg.eigh(z.T @ (share[:, None] * z))
    moment = axes.T @ (z.T @ (share * (label - intercept)))
    low = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    empty = ~known.any(axis=0)
    low[empty], high[empty] = 0, 0
    slopes = [factor * (axes @ (moment / (np.maximum(size, 0) + penalty))) for penalty in penalties]
    return [Ridge(low, high, mean, own, intercept) for own in slopes]


def folds(groups: np.ndarray) -> np.ndarray:
    """(row,) which fold each row is left out in: its group, or of a single group one of `BLOCKS` stretches of time."""
    names, index = np.unique(groups, return_inverse=True)
    return index.ravel() if len(names) > 1 else np.arange(len(groups)) * BLOCKS // max(len(groups), 1)


def chosen(
    table: np.ndarray,
    label: np.ndarray,
    weight: np.ndarray,
    fold: np.ndarray,
    penalties: Sequence[float],
    factors: Sequence[float] = (1.0,),
) -> tuple[float, Ridge, float]:
    """The factor and the ridge of all rows whose product misses the rows left out by least, and their mean error.

    Errors are root mean squares of each fold, all folds weighing the same, as scores of sites are compared; the squares
    themselves would leave the choice to the site of the largest flux. Of equal ones the smaller factor and the larger
    penalty are taken, as they are where there is one fold alone.

    Args:
        table, label, weight: as of `fit_ridges`.
        fold: (row,) of `folds`.
        penalties, factors: to choose from.
    """
    penalties, factors = sorted(penalties, reverse=True), sorted(factors)
    errors = np.zeros((len(factors), len(penalties)))
    used = weight > 0
    for number in np.unique(fold[used]):
        out, rest = used & (fold == number), used & (fold != number)
        if not rest.any():
            continue
        for column, ridge in enumerate(fit_ridges(table[rest], label[rest], weight[rest], penalties)):
            found = ridge.predict(table[out])
            for row, factor in enumerate(factors):
                squares = np.average((label[out] - factor * found) ** 2, weights=weight[out])
                errors[row, column] += np.sqrt(squares)
    best = int(np.argmin(errors))  # the first of equal ones
    ridge = fit_ridges(table, label, weight, penalties)[best % len(penalties)]
    return factors[best // len(penalties)], ridge, float(errors.flat[best]) / max(len(np.unique(fold[used])), 1)


def penalties_of(settings: Mapping[str, Any], recipe: str) -> list[float]:
    """The setting `penalties`.

    Raises:
        StageError: no list of numbers above 0.
    """
    given = settings["penalties"]
    if not isinstance(given, list | tuple) or not given or not all(_positive(item) for item in given):
        raise StageError(
            f"recipe_settings.{recipe}: penalties is {given!r}; write numbers above 0, such as [0.01, 0.1, 1.0]"
        )
    return [float(item) for item in given]


def _positive(item: Any) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool) and 0 < item < np.inf
