"""The label of the nearest labelled row, by the columns that boosted trees are shown.

It remembers every row that it was shown and nothing else, so a copy of a test row in its training set gives the answer
away: the learner by which a leak is measured. Cover and Hart (1967), doi:10.1109/TIT.1967.1053964, as implemented by
scikit-learn. Columns are divided by their standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.methods import checked
from landbridge.methods.given import Fitted, Given, NotApplicable, Samples
from landbridge.methods.pixel_rows import OfPixels, draw
from landbridge.prepare.streams import stream

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
USES = ("features",)
VARIANTS = ("source", "target")
RIGHTS_OF_VARIANTS = {"source": ("source_labels",), "target": ("target_labels",)}
SELECTION = "fixed"
DEFAULTS = {"neighbours": 1, "max_rows": 1_000_000, "pixels_per_chip": 4096}
LEAST = 1e-3  # probability of a class that no neighbour has, so that no logarithm is infinite


@dataclass(frozen=True)
class Neighbours:
    """One index of rows for each target, or one for all classes, with the columns' mean and spread (column,)."""

    indices: list[Any]
    mean: np.ndarray
    spread: np.ndarray
    task: str
    classes: int

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target), or log-probabilities (row, class)."""
        return self.predict_table(samples.prediction_table())

    def predict_table(self, table: np.ndarray) -> np.ndarray:
        """Predictions of rows (row, column)."""
        rows = _scaled(table, self.mean, self.spread)
        if self.task == "regression":
            return np.stack([index.predict(rows) for index in self.indices], axis=1)
        found = np.zeros((len(rows), self.classes))
        found[:, self.indices[0].classes_.astype(int)] = self.indices[0].predict_proba(rows)
        found = np.maximum(found, LEAST)
        return np.log(found / found.sum(1, keepdims=True))

    def counts(self) -> tuple[int, int]:
        """Numbers that it remembers, all of them from labelled rows."""
        kept = sum(index.n_samples_fit_ * (index.n_features_in_ + 1) for index in self.indices)
        return kept, kept

    def shipped_bytes(self) -> int:
        """Size of those numbers."""
        return 4 * self.counts()[0]


def _scaled(table: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(row, column) float32; what is missing stands at the mean."""
    return np.where(np.isfinite(table), (table - mean) / spread, 0.0).astype(np.float32)


def fit(given: Given) -> Fitted:
    """All labelled rows of the source, or of the budget."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    settings = given.settings
    checked.check(settings, "nearest_neighbour", neighbours=checked.POSITIVE, max_rows=checked.POSITIVE)
    samples = given.source if given.variant == "source" else given.target
    of_pixels = given.own("features.pixels") if samples.task == "segmentation" else None
    if of_pixels:
        drawn = draw(samples, of_pixels, settings["pixels_per_chip"], stream("pixels", given.seed))
        table, labels, weights = drawn.table, drawn.labels, drawn.weights
    else:
        labels, weights = samples.label_rows()
        every = -(-len(labels) // settings["max_rows"])
        table, labels, weights = samples.table(every), labels[::every], weights[::every]
    known = np.isfinite(table)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, table, 0.0).sum(0, dtype=np.float64) / count
    spread = np.sqrt((np.where(known, table - mean, 0.0) ** 2).sum(0) / count)
    spread = np.where(spread > 0, spread, 1.0)
    learner = KNeighborsRegressor if samples.task == "regression" else KNeighborsClassifier
    indices = []
    for target in range(labels.shape[1]):
        used = np.flatnonzero(np.isfinite(labels[:, target]) & (weights[:, target] > 0))
        if len(used) == 0:
            raise NotApplicable("no labelled row")
        index = learner(n_neighbors=min(settings["neighbours"], len(used)), algorithm="auto")
        indices.append(index.fit(_scaled(table[used], mean, spread), labels[used, target]))
    found = Neighbours(indices, mean, spread, samples.task, samples.outputs)
    return OfPixels(found, of_pixels) if of_pixels else found
