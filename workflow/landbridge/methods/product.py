"""An existing product of the targets, taken as it is: the row that a new method has to beat.

The scenario's `product:` names its variable for each target.
"""

from __future__ import annotations

import numpy as np

from landbridge.methods.given import Fitted, Given, Samples

RIGHTS = ()
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
SELECTION = "fixed"


class Product:
    """The product's own values."""

    def predict(self, samples: Samples) -> np.ndarray:
        """(row, target)."""
        return samples.product()

    def counts(self) -> tuple[int, int]:
        """Nothing is fitted."""
        return 0, 0

    def shipped_bytes(self) -> int:
        """Nothing is sent."""
        return 0


def fit(given: Given) -> Fitted:
    """The product; it learns nothing."""
    return Product()
