"""Metrics of classes, of rows and of pixels: functions of confusion counts.

Sums: n, nll (summed negative log-likelihood), and confusion_i_j, how many of true class i were predicted as j.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from landbridge.judge.metrics import calibration
from landbridge.judge.metrics.metric import Metric, Sums, share


def sum_names(classes: int) -> tuple[str, ...]:
    """Names of the sums for a number of classes."""
    return ("n", "nll", *(f"confusion_{i}_{j}" for i in range(classes) for j in range(classes)))


def sums(
    label: np.ndarray, predicted: np.ndarray, nll: np.ndarray, cell: np.ndarray, cells: int, classes: int
) -> np.ndarray:
    """Sums (cell, statistic) of rows or pixels in cells.

    Args:
        label, predicted: (row,) classes, none of them missing.
        nll: (row,) negative log-likelihood of the true class.
        cell: (row,) cell of each row.
    """
    counts = np.bincount((cell * classes + label) * classes + predicted, minlength=cells * classes**2)
    n = np.bincount(cell, minlength=cells).astype(float)
    likelihood = np.bincount(cell, nll, minlength=cells)
    return np.concatenate([n[:, None], likelihood[:, None], counts.reshape(cells, classes**2)], axis=1)


def matrix(s: Sums) -> np.ndarray:
    """Confusion (..., true, predicted) from its named counts."""
    classes = round(sum(name.startswith("confusion_") and "." not in name for name in s) ** 0.5)
    rows = [np.stack([s[f"confusion_{i}_{j}"] for j in range(classes)], axis=-1) for i in range(classes)]
    return np.stack(rows, axis=-2)


def _mean_of_present(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Mean over classes that occur; NaN where none does."""
    return share(np.where(present, np.nan_to_num(values), 0).sum(-1), present.sum(-1))


def accuracy(s: Sums) -> np.ndarray:
    """Share of rows or pixels of the right class."""
    counts = matrix(s)
    return share(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def class_f1(s: Sums) -> np.ndarray:
    """F1 (..., class): 2 TP / (2 TP + FP + FN); NaN for a class that is neither true nor predicted."""
    counts = matrix(s)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return share(2 * hits, counts.sum(-1) + counts.sum(-2))


def macro_f1(s: Sums) -> np.ndarray:
    """Mean F1 over the classes that are true or predicted somewhere."""
    counts = matrix(s)
    return _mean_of_present(class_f1(s), counts.sum(-1) + counts.sum(-2) > 0)


def balanced_accuracy(s: Sums) -> np.ndarray:
    """Mean recall over the classes that occur."""
    counts = matrix(s)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return _mean_of_present(share(hits, counts.sum(-1)), counts.sum(-1) > 0)


def class_iou(s: Sums) -> np.ndarray:
    """Intersection over union (..., class): TP / (TP + FP + FN)."""
    counts = matrix(s)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return share(hits, counts.sum(-1) + counts.sum(-2) - hits)


def class_precision(s: Sums) -> np.ndarray:
    """Share of what is predicted as a class that is of it (..., class).

    0 for a class that is true somewhere and never predicted, NaN for one that is neither.
    """
    counts = matrix(s)
    hits, true, called = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)
    return np.where((called == 0) & (true > 0), 0.0, share(hits, called))


def class_recall(s: Sums) -> np.ndarray:
    """Share of what is of a class that is predicted as it (..., class); NaN for a class that is never true."""
    counts = matrix(s)
    return share(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def mean_iou(s: Sums) -> np.ndarray:
    """Mean intersection over union over the classes that are true or predicted somewhere."""
    counts = matrix(s)
    return _mean_of_present(class_iou(s), counts.sum(-1) + counts.sum(-2) > 0)


def iou(s: Sums) -> np.ndarray:
    """Intersection over union of the last class, which of two classes is the one sought (burned, say)."""
    return class_iou(s)[..., -1]


def f1(s: Sums) -> np.ndarray:
    """F1 of the last class."""
    return class_f1(s)[..., -1]


def precision(s: Sums) -> np.ndarray:
    """Precision of the last class."""
    return class_precision(s)[..., -1]


def recall(s: Sums) -> np.ndarray:
    """Recall of the last class."""
    return class_recall(s)[..., -1]


def area_bias(s: Sums) -> np.ndarray:
    """Predicted over true area of the last class, less 1; NaN where there is none in truth."""
    counts = matrix(s)
    return share(counts.sum(-2), counts.sum(-1))[..., -1] - 1


def log_loss(s: Sums) -> np.ndarray:
    """Mean negative log-likelihood."""
    return share(s["nll"], s["n"])


def _scaled(function: Callable[[Sums], np.ndarray]) -> Callable[[Sums], np.ndarray]:
    """The same of probabilities at the temperature of their recipe."""

    def of_scaled(s: Sums) -> np.ndarray:
        ending = calibration.SCALED
        return function({name.removesuffix(ending): s[name] for name in s if name.endswith(ending)})

    return of_scaled


# Metrics (..., class) that may name one class: `f1.walk`.
OF_ONE_CLASS = {
    "f1": Metric(class_f1, "higher", "1", "F1"),
    "iou": Metric(class_iou, "higher", "1", "IoU"),
    "precision": Metric(class_precision, "higher", "1", "precision"),
    "recall": Metric(class_recall, "higher", "1", "recall"),
}
METRICS = {
    "accuracy": Metric(accuracy, "higher", "1", "accuracy"),
    "macro_f1": Metric(macro_f1, "higher", "1", "macro F1"),
    "balanced_accuracy": Metric(balanced_accuracy, "higher", "1", "balanced accuracy"),
    "mean_iou": Metric(mean_iou, "higher", "1", "mean IoU"),
    "iou": Metric(iou, "higher", "1", "IoU"),
    "f1": Metric(f1, "higher", "1", "F1"),
    "precision": Metric(precision, "higher", "1", "precision"),
    "recall": Metric(recall, "higher", "1", "recall"),
    "area_bias": Metric(area_bias, "zero", "1", "relative bias of the area"),
    "log_loss": Metric(log_loss, "lower", "1", "log loss"),
    "ece": Metric(calibration.ece, "lower", "1", "expected calibration error"),
    "brier": Metric(calibration.brier, "lower", "1", "Brier score"),
}
# After temperature scaling; NaN of a recipe that may read no rows to fit a temperature on.
SCALED = {
    "log_loss_scaled": Metric(_scaled(log_loss), "lower", "1", "log loss after temperature scaling"),
    "ece_scaled": Metric(_scaled(calibration.ece), "lower", "1", "expected calibration error after scaling"),
}
