"""Histogram gradient boosting on the domain's features of a window, or its last step, its mean and static numbers.

Ke et al. (2017), LightGBM, as implemented by scikit-learn. Variants say whose labels are learned. Where every pixel of
a chip has a label, pixels are the rows: `pixels_per_chip` of each chip at most, as many of one class as of another.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples
from landbridge.methods.pixel_rows import OfPixels, draw
from landbridge.prepare.streams import stream

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
USES = ("features",)
VARIANTS = ("source", "target", "pooled")
SELECTION = "fixed"
DEFAULTS = {
    "rounds": 300,
    "rate": 0.05,
    "leaves": 31,
    "rows_per_leaf": 20,
    "bins": 255,
    "max_rows": 1_000_000,
    "pixels_per_chip": 2000,
}
SEARCH = {"rate": (0.01, 0.2), "leaves": (8, 64), "rows_per_leaf": (5, 80)}


class Trees:
    """One booster for each target, or one for all classes."""

    def __init__(self, boosters: list[Any], task: str, classes: int) -> None:
        self.boosters = boosters
        self.task = task
        self.classes = classes

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target), or log-probabilities (row, class)."""
        return self.predict_table(samples.prediction_table())

    def predict_table(self, table: np.ndarray) -> np.ndarray:
        """Predictions of rows (row, column)."""
        if self.task == "regression":
            return np.stack([booster.predict(table) for booster in self.boosters], axis=1)
        found = np.full((len(table), self.classes), 1e-9)
        known = self.boosters[0].classes_.astype(int)
        # Of one class alone scikit-learn gives the probabilities of two.
        found[:, known] = self.boosters[0].predict_proba(table).clip(1e-9) if len(known) > 1 else 1.0
        return np.log(found / found.sum(1, keepdims=True))

    def counts(self) -> tuple[int, int]:
        """Number of leaves, all of them trained."""
        leaves = sum(
            int(tree.get_n_leaf_nodes()) for booster in self.boosters for stage in booster._predictors for tree in stage
        )
        return leaves, leaves

    def shipped_bytes(self) -> int:
        """Size of the trees as Python would store them."""
        return len(pickle.dumps(self.boosters))


def fit_boosters(
    table: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    task: str,
    classes: int,
    settings: dict[str, Any],
    seed: int,
) -> Trees:
    """Fit on rows (row, column) with labels and weights (row, target); missing inputs may be NaN.

    The smallest leaf is `rows_per_leaf`, or a tenth of the rows where there are few.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    boosters = []
    for target in range(labels.shape[1]):
        used = np.flatnonzero(np.isfinite(labels[:, target]) & (weights[:, target] > 0))
        if len(used) == 0:
            raise NotApplicable("no labelled row")
        stride = -(-len(used) // settings["max_rows"])  # thin out evenly, keeping the order of time
        used = used[::stride]
        learner = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
        booster = learner(
            max_iter=settings["rounds"],
            learning_rate=settings["rate"],
            max_leaf_nodes=settings["leaves"],
            max_bins=settings["bins"],
            min_samples_leaf=max(1, min(settings["rows_per_leaf"], len(used) // 10)),
            early_stopping=False,
            random_state=seed % 2**32,
        )
        rows = binned(table[used], weights[used, target], settings["bins"])
        rows[:, np.isnan(rows).all(axis=0)] = 0  # scikit-learn refuses a column that no row knows; none splits by it
        booster.fit(rows, labels[used, target], sample_weight=weights[used, target])
        boosters.append(booster)
    return Trees(boosters, task, classes)


def binned(table: np.ndarray, weights: np.ndarray, bins: int) -> np.ndarray:
    """A table (row, column) with `bins` different values in a column at most: the nearest of its weighted quantiles.

    Splits fall midway between two values, so trees of this table hold for the full one. scikit-learn, which finds the
    quantiles of weighted rows one by one, would spend most of a fit on them.
    """
    table = np.array(table)
    shares = np.linspace(0, 1, bins)
    for column in table.T:
        known = np.flatnonzero(~np.isnan(column))
        if len(np.unique(column[known])) > bins:
            values = np.quantile(column[known], shares, weights=weights[known], method="inverted_cdf")
            values = np.unique(values)
            column[known] = values[np.searchsorted((values[1:] + values[:-1]) / 2, column[known])]
    return table


def fit(given: Given) -> Fitted:
    """Trees of the source, of the budget, or of both, each side weighing one half in the last."""
    sides: list[Samples] = []
    if given.variant in ("source", "pooled"):
        sides.append(given.source)
    if given.variant in ("target", "pooled"):
        sides.append(given.target)
    of_pixels = given.own("features.pixels") if sides[0].task == "segmentation" else None
    tables, labels, weights = [], [], []
    for samples in sides:
        own_table, own_labels, own_weights = _rows(samples, given, of_pixels)
        total = np.where(np.isfinite(own_labels), own_weights, 0).sum(0, keepdims=True)
        tables.append(own_table)
        labels.append(own_labels)
        weights.append(own_weights / np.maximum(total, 1e-12))  # each side weighs the same
    rows = sum(len(table) for table in tables)
    trees = fit_boosters(
        np.concatenate(tables),
        np.concatenate(labels),
        np.concatenate(weights) * rows / len(sides),
        sides[0].task,
        sides[0].outputs,
        dict(given.settings),
        given.seed,
    )
    return OfPixels(trees, of_pixels) if of_pixels else trees


def _rows(samples: Samples, given: Given, of_pixels: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, labels and weights of the rows of one side; of pixels those that are drawn."""
    if of_pixels:
        drawn = draw(samples, of_pixels, given.settings["pixels_per_chip"], stream("pixels", given.seed))
        return drawn.table, drawn.labels, drawn.weights
    labels, weights = samples.label_rows(balanced=True)
    # Rows that would be thinned out below need no features; one side of two may be sparse, hence twice as many.
    every = max(1, len(labels) // (2 * given.settings["max_rows"]))
    return samples.table(every), labels[::every], weights[::every]
