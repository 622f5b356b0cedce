"""A small learner on the features of a row and, beside them, what a network that has learned the simulation says of it.

Wolpert (1992), Neural Networks 5(2), with a single first-level learner, the simulator's emulator. It is pretrained on
the source alone, which the hash of rows in its scaler proves, and no target row has part in it: its column need not be
made out of fold. The variants are the second-level learner: a ridge whose penalty is chosen by leaving out groups, or
boosted trees. `hidden: true` adds the features that the emulator's head reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landbridge.methods.given import Fitted, Given, Learner, NotApplicable, Samples
from landbridge.methods.gradient_boosted_trees import Trees, fit_boosters
from landbridge.methods.ridge import Ridges, chosen, folds, penalties_of

RIGHTS = ("source_weights", "target_labels")
OBJECTIVE = "erm"
SIMULATION = True
MODELS = "any"
PLACE = "A"
USES = ("features",)
VARIANTS = ("ridge", "boosted")
SELECTION = "fixed"
DEFAULTS = {
    "hidden": False,
    "penalties": [0.01, 0.1, 1.0],
    "rounds": 300,
    "rate": 0.05,
    "leaves": 31,
    "rows_per_leaf": 20,
    "bins": 255,
    "max_rows": 1_000_000,
}


@dataclass(frozen=True)
class Stacked:
    """An emulator and the learner that reads it."""

    surrogate: Learner
    final: Ridges | Trees
    hidden: bool

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target)."""
        return self.final.predict_table(columns(self.surrogate, samples, self.hidden))

    def counts(self) -> tuple[int, int]:
        """Numbers or leaves of the final learner, and the weights of the emulator with them."""
        fitted = self.final.counts()[0]
        return fitted, fitted + self.surrogate.counts()[1]

    def shipped_bytes(self) -> int:
        """Bytes of the final learner."""
        return self.final.shipped_bytes()


def columns(surrogate: Learner, samples: Samples, hidden: bool) -> np.ndarray:
    """(row, column) of each row to predict: its features, the emulator's targets, and where asked its hidden features.

    Raises:
        NotApplicable: hidden features are asked of a network that has none to give.
    """
    tables = [samples.prediction_table(), surrogate.predict(samples)]
    if hidden:
        if not surrogate.has_features:
            raise NotApplicable("hidden: true needs a model whose head reads features, and this one gives none")
        tables.append(surrogate.hidden(samples))
    return np.concatenate(tables, axis=1)


def fit(given: Given) -> Fitted:
    """The final learner of the budget's labelled rows."""
    if given.classes:
        raise NotApplicable("stacks predictions of numbers, and these are classes")
    penalties = penalties_of(given.settings, "stacking_on_surrogate")
    rows = given.target.labelled()
    surrogate, hidden = given.pretrained(), bool(given.settings["hidden"])
    table = columns(surrogate, rows.samples, hidden)
    if not (rows.weights > 0).any(axis=0).all():
        raise NotApplicable("one of the targets has no label in this budget")
    if given.variant == "boosted":
        targets = rows.labels.shape[1]
        trees = fit_boosters(table, rows.labels, rows.weights, "regression", targets, dict(given.settings), given.seed)
        return Stacked(surrogate, trees, hidden)
    fold = folds(rows.groups)
    ridges = [
        chosen(table, label, weight, fold, penalties)[1]
        for label, weight in zip(rows.labels.T, rows.weights.T, strict=True)
    ]
    return Stacked(surrogate, Ridges(ridges), hidden)
