"""The domain's own rules of thumb, calibrated on labelled windows and applied unchanged.

What they are and where they come from stands in the domain's `baselines.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, Samples

RIGHTS = ("source_labels", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
VARIANTS = ("source", "target")
SELECTION = "fixed"
USES = ("baselines",)


@dataclass(frozen=True)
class Calibrated:
    """Rules of a domain that have seen labelled windows."""

    rules: Any

    def predict(self, samples: Samples) -> np.ndarray:
        """Log-probabilities (row, class)."""
        found: np.ndarray = samples.of_prediction_windows(self.rules.predict)
        return found

    def counts(self) -> tuple[int, int]:
        """Numbers that were calibrated."""
        trained, total = self.rules.counts()
        return trained, total

    def shipped_bytes(self) -> int:
        """Eight bytes for each number."""
        return 8 * self.counts()[0]


def fit(given: Given) -> Fitted:
    """Rules calibrated on the source, or on the labelled target data of the budget."""
    fit_rules = given.own("baselines.fit")
    samples = given.source if given.variant == "source" else given.target
    labels, weights = samples.label_rows()

    def calibrated(dataset: Any, ends: np.ndarray, sizes: np.ndarray) -> Any:
        return fit_rules(dataset, ends, sizes, labels[:, 0], weights[:, 0], given.classes)

    return Calibrated(samples.of_windows(calibrated))
