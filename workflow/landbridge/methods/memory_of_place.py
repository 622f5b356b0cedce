"""Boosted trees that see where a row lies and the day of the year, and nothing else.

A reference for leaks: what drivers and reflectance bring must beat what a place alone gives away. From budget 1 on the
labelled target rows are learned beside those of the source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples
from landbridge.methods.gradient_boosted_trees import DEFAULTS as OF_TREES
from landbridge.methods.gradient_boosted_trees import Trees, fit_boosters

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
SELECTION = "fixed"
DEFAULTS = {"rounds": 100, "rate": 0.1, "leaves": 31, "rows_per_leaf": 20, "bins": 255, "max_rows": 1_000_000}


@dataclass(frozen=True)
class PlaceTrees:
    """Trees on places."""

    trees: Trees

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target)."""
        return self.trees.predict_table(samples.prediction_places())

    def counts(self) -> tuple[int, int]:
        """Number of leaves."""
        return self.trees.counts()

    def shipped_bytes(self) -> int:
        """Size of the trees."""
        return self.trees.shipped_bytes()


def fit(given: Given) -> Fitted:
    """Trees on the places of the source, and of the budget where there is one."""
    sides: list[Samples] = [given.source]
    if given.budget > 0:
        sides.append(given.target)
    if sides[0].task != "regression":
        raise NotApplicable("needs a regression with a calendar")
    labels, weights = zip(*(samples.label_rows() for samples in sides), strict=True)
    places = np.concatenate([samples.places() for samples in sides])
    settings = {**OF_TREES, **given.settings}
    return PlaceTrees(
        fit_boosters(
            places,
            np.concatenate(labels),
            np.concatenate(weights),
            "regression",
            labels[0].shape[1],
            settings,
            given.seed,
        )
    )
