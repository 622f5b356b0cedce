"""What needs no drivers: the climatology by month, the mean, nothing at all (zero), or the shares of the classes.

Always zero is the predictor to beat where a target is mostly off, as appliances are.

At budget 0 it is taken from the source, from budget 1 on from the labelled target data alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landbridge.methods.given import Fitted, Given, Samples

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
SELECTION = "fixed"
VARIANTS = ("climatology", "mean", "zero")
MONTHS = 12


@dataclass(frozen=True)
class Climatology:
    """Weighted mean of each target (month, target) in the targets' units; rows of equal content without a calendar.

    `learned`: how many numbers were learned from labels.
    """

    by_month: np.ndarray
    learned: int

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target)."""
        months = samples.prediction_months()
        if months is None:
            return np.repeat(self.by_month[:1], samples.prediction_rows, axis=0)
        return self.by_month[months - 1]

    def counts(self) -> tuple[int, int]:
        """Numbers that were learned."""
        return self.learned, self.learned

    def shipped_bytes(self) -> int:
        """Size of those numbers."""
        return self.learned * self.by_month.itemsize


@dataclass(frozen=True)
class ClassShares:
    """Shares of the classes (class,), given to every row or pixel; pixels take the shape (y, x)."""

    shares: np.ndarray
    pixels: tuple[int, int] | None

    def predict(self, samples: Samples) -> np.ndarray:
        """Log-probabilities (row, class), or probabilities (row, class, y, x)."""
        if self.pixels is None:
            return np.repeat(np.log(self.shares)[None], samples.prediction_rows, axis=0)
        return np.broadcast_to(
            self.shares[None, :, None, None], (samples.prediction_rows, self.shares.size, *self.pixels)
        ).copy()

    def counts(self) -> tuple[int, int]:
        """One number for each class."""
        return self.shares.size, self.shares.size

    def shipped_bytes(self) -> int:
        """Size of the shares."""
        return self.shares.nbytes


def climatology(labels: np.ndarray, weights: np.ndarray, months: np.ndarray | None) -> np.ndarray:
    """Weighted mean of labels (row, target) by month: (12, target). A month without labels takes the overall mean."""
    usable = np.where(np.isfinite(labels), weights, 0.0)
    filled = np.where(np.isfinite(labels), labels, 0.0).astype(np.float64)
    overall = (usable * filled).sum(0) / np.maximum(usable.sum(0), 1e-12)
    if months is None:
        return np.repeat(overall[None], MONTHS, axis=0)
    total = np.zeros((MONTHS, labels.shape[1]))
    weight = np.zeros_like(total)
    np.add.at(total, months - 1, usable * filled)
    np.add.at(weight, months - 1, usable)
    return np.where(weight > 0, total / np.maximum(weight, 1e-12), overall)


def fit(given: Given) -> Fitted:
    """Climatology or mean of a regression; class shares, with one added to each count, otherwise."""
    samples = given.target if given.budget > 0 else given.source
    if given.variant == "zero" and samples.task == "regression":
        return Climatology(np.zeros((MONTHS, samples.outputs)), 0)
    labels, weights = samples.label_rows()
    if samples.task == "regression":
        months = samples.months() if given.variant == "climatology" else None
        table = climatology(labels, weights, months)
        return Climatology(table, table.size if months is not None else samples.outputs)
    classes = labels.ravel()
    used = np.isfinite(classes) & (weights.ravel() > 0)
    counts = 1.0 + np.bincount(classes[used].astype(np.int64), minlength=samples.outputs)
    return ClassShares(counts / counts.sum(), samples.pixels)
