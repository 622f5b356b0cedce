"""One threshold on an index of each pixel, such as the normalised burn ratio: what a mapper without a network does.

`source`: the threshold of the highest intersection over union on the source, applied unchanged. `target`: the same on
the labelled target data alone, the honest rival where labels are few. `shifted`: the source's threshold moved by the
difference of the index's medians over unlabelled inputs, which needs no label. The index is the domain's own, the
higher the likelier the last class; a pixel without one is given the first class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.methods.given import Fitted, Given, NotApplicable, Samples

RIGHTS = ("source_labels", "target_inputs", "target_labels")
OBJECTIVE = None
MODELS = "none"
PLACE = "A"
VARIANTS = ("source", "target", "shifted")
SELECTION = "fixed"
USES = ("baselines",)
UNSURE = 4e-3  # probability left to the class that is not decided for


@dataclass(frozen=True)
class Threshold:
    """Pixels whose index lies above a number are of the last class.

    Attributes:
        index: (dataset, chips, sizes) to (chip, y, x).
        least: the number.
    """

    index: Any
    least: float

    def predict(self, samples: Samples) -> np.ndarray:
        """Probabilities (row, 2, y, x): 0.996 for the decided class."""
        above = samples.of_prediction_windows(self.index) > self.least  # NaN is not above anything
        sought = np.where(above, 1 - UNSURE, UNSURE)
        return np.stack([1 - sought, sought], axis=1).astype(np.float32)

    def counts(self) -> tuple[int, int]:
        """One number."""
        return 1, 1

    def shipped_bytes(self) -> int:
        """Of a float."""
        return 8


def best_threshold(index: np.ndarray, sought: np.ndarray) -> float:
    """The number above which TP / (TP + FP + FN) of the pixels is highest, the largest of equally good ones.

    Args:
        index: (pixel,) finite.
        sought: (pixel,) bool.

    Returns:
        The middle between two neighbouring values, or minus infinity where it is best to call all of them so.

    Raises:
        NotApplicable: no pixel is sought, or all are.
    """
    if not sought.any() or sought.all():
        raise NotApplicable("the labelled pixels are of one class, and a threshold parts two")
    order = np.argsort(-index, kind="stable")
    values, hits = index[order], np.cumsum(sought[order])
    called = np.arange(1, len(values) + 1)
    last = np.append(values[1:] != values[:-1], True)  # a threshold cannot part pixels of equal index
    union = np.where(last, hits / (called + sought.sum() - hits), -1.0)
    best = int(union.argmax())
    return float((values[best] + values[best + 1]) / 2) if best + 1 < len(values) else -np.inf


def fitted_threshold(samples: Samples, index: Any) -> float:
    """The best threshold on the labelled pixels of a population."""
    values = samples.of_windows(index).ravel()
    labels = samples.label_rows()[0].ravel()
    known = np.isfinite(values) & np.isfinite(labels)
    return best_threshold(values[known], labels[known] == samples.outputs - 1)


def median(samples: Samples, index: Any) -> float:
    """Median over all pixels that have an index.

    Raises:
        NotApplicable: none has.
    """
    values = samples.of_inputs(index)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        raise NotApplicable("no pixel of the inputs has an index")
    return float(np.median(values))


def fit(given: Given) -> Fitted:
    """The threshold of the variant."""
    samples = given.target if given.variant == "target" else given.source
    if samples.task != "segmentation" or samples.outputs != 2:
        raise NotApplicable("a threshold parts the pixels of chips into two classes")
    index = given.own("baselines.index")
    least = fitted_threshold(samples, index)
    if given.variant == "shifted":
        least += median(given.unlabelled, index) - median(given.source, index)
    return Threshold(index, least)
