"""Memory of the sampling: boosted trees of the source that see the median time between observations alone.

Where instruments are set for what they are to measure, their sampling gives the answer away. What a model gains over
this reference it owes to the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples
from landbridge.methods.gradient_boosted_trees import DEFAULTS as TREES
from landbridge.methods.gradient_boosted_trees import Trees, fit_boosters

RIGHTS = ("source_labels",)
OBJECTIVE = None
MODELS = "none"
PLACE = "P"
SELECTION = "source_val"
USES = ("features",)
DEFAULTS = {"rounds": 50, "rate": 0.1, "leaves": 8}


@dataclass(frozen=True)
class OfSampling:
    """Trees with the function that gives their one column."""

    trees: Trees
    column: Any

    def predict(self, samples: Samples) -> np.ndarray:
        """Log-probabilities (row, class)."""
        return self.trees.predict_table(samples.of_prediction_windows(self.column))

    def counts(self) -> tuple[int, int]:
        """Leaves of the trees."""
        return self.trees.counts()

    def shipped_bytes(self) -> int:
        """Size of the trees."""
        return self.trees.shipped_bytes()


def fit(given: Given) -> Fitted:
    """Trees on the source; a regression has no classes to guess."""
    if given.source.task == "regression":
        raise NotApplicable("sampling gives classes away, and this is a regression")
    column = given.own("features.median_time_step")
    labels, weights = given.source.label_rows()
    settings = {**TREES, **given.settings}
    table = given.source.of_windows(column)
    trees = fit_boosters(table, labels, weights, given.source.task, given.source.outputs, settings, given.seed)
    return OfSampling(trees, column)
