"""Pixels of chips as the rows of a table, and learners of tables that predict them chip by chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.methods.given import Samples


@dataclass(frozen=True)
class Drawn:
    """Some labelled pixels: columns (row, column), labels and weights (row, 1)."""

    table: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def draw(samples: Samples, features: Any, most: int, seed: int) -> Drawn:
    """At most so many labelled pixels of each chip, the same share of that for every class.

    Args:
        samples: labelled chips.
        features: (dataset, chips, sizes) to (chip, y, x, column).
        most: pixels of a chip.
        seed: of the draw.
    """
    labels, weights = samples.label_rows()
    generator = np.random.default_rng(seed)
    share = max(1, most // samples.outputs)
    tables: list[np.ndarray] = []
    taken: list[np.ndarray] = []

    def collect(dataset: Any, chips: np.ndarray, sizes: np.ndarray) -> None:
        own = labels.reshape(len(chips), -1)
        for place in range(len(chips)):
            chosen = np.concatenate(
                [
                    generator.permutation(np.flatnonzero(own[place] == number))[:share]
                    for number in range(samples.outputs)
                ]
            )
            columns = features(dataset, chips[place : place + 1], sizes[place : place + 1])
            tables.append(columns.reshape(-1, columns.shape[-1])[chosen])
            taken.append(place * own.shape[1] + chosen)

    samples.of_windows(collect)
    rows = np.concatenate(taken)
    return Drawn(np.concatenate(tables), labels[rows], weights[rows])


@dataclass(frozen=True)
class OfPixels:
    """A learner of tables, `predict_table` giving log-probabilities, with the function that gives its columns."""

    learner: Any
    features: Any

    def predict(self, samples: Samples) -> np.ndarray:
        """Probabilities (row, class, y, x); memory is that of the columns of one chip."""

        def predicted(dataset: Any, chips: np.ndarray, sizes: np.ndarray) -> np.ndarray:
            found = np.zeros((len(chips), samples.outputs, *(samples.pixels or ())), np.float32)
            for place in range(len(chips)):
                columns = self.features(dataset, chips[place : place + 1], sizes[place : place + 1])[0]
                logs = self.learner.predict_table(columns.reshape(-1, columns.shape[-1]))
                found[place] = np.exp(logs).T.reshape(found.shape[1:])
            return found

        whole: np.ndarray = samples.of_prediction_windows(predicted)
        return whole

    def counts(self) -> tuple[int, int]:
        """Those of the learner."""
        trained, total = self.learner.counts()
        return trained, total

    def shipped_bytes(self) -> int:
        """Those of the learner."""
        return int(self.learner.shipped_bytes())
