"""Labelled rows as rows to predict: what a recipe compares its predictions with inside the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.prepare.windows import Rows, rows_to_predict

if TYPE_CHECKING:
    from landbridge.train.samples import Samples


def labelled_rows(samples: Samples) -> LabelledRows:
    """The labelled rows of a regression of series, in windows that lie as those of a test do.

    Windows begin `predicted` steps apart, so that each of their last scored steps is predicted once; a label that no
    complete window predicts is left out, as it would be of a test.

    Raises:
        NotApplicable: classes or chips, or no such row.
    """
    layout = samples.layout
    if samples.task != "regression" or samples.chips:
        raise NotApplicable("corrects predictions of numbers in series")
    window = {"length": layout.length, "lookahead": layout.lookahead, "predicted": layout.predicted}
    window["predict_stride"] = layout.predicted
    rows = rows_to_predict(samples.dataset, layout.inputs, window, layout.step)
    values, weights = samples.labels
    kept = (weights[rows.observations] > 0).any(axis=1)
    if not kept.any():
        raise NotApplicable("no labelled row of this budget lies in a complete window")
    rows = Rows(*(array[kept] for array in vars(rows).values()))
    observations = rows.observations
    groups = np.asarray(samples.dataset["group"]).astype(str)[samples.unit[observations]]
    return LabelledRows(samples.with_rows(rows), values[observations], weights[observations], groups)
