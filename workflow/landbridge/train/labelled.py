"""Labelled rows as rows to predict: what a recipe compares its predictions with inside the budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.contract import IGNORE
from landbridge.methods.given import LabelledRows, NotApplicable
from landbridge.prepare.windows import Rows, rows_to_predict

if TYPE_CHECKING:
    from landbridge.train.samples import Samples


def labelled_rows(samples: Samples, every: int = 1) -> LabelledRows:
    """The labelled rows of series or of chips that have one label each, in windows that lie as those of a test do.

    Windows of a regression begin `predicted` steps apart, so that each of their last scored steps is predicted once; a
    label that no complete window predicts is left out, as it would be of a test. Of classes they are the windows that a
    network trains on, or the chips.

    Args:
        samples: of one population.
        every: of a regression take one in so many windows.

    Raises:
        NotApplicable: every pixel has a label, or there is no such row.
    """
    if samples.task == "segmentation":
        raise NotApplicable("reads rows with one label each, and here every pixel of a chip has one")
    values, weights = samples.labels
    if samples.task == "regression":
        rows = rows_of_steps(samples, every)
        kept = (weights[rows.observations] > 0).any(axis=1)
        rows = Rows(*(array[kept] for array in vars(rows).values()))
    else:
        ends, sizes = samples.windows.arrays()
        rows = Rows(ends, sizes, np.full(len(ends), 0 if samples.chips else samples.layout.lookahead))
    observations = rows.observations
    if len(observations) == 0:
        raise NotApplicable("no labelled row of this budget lies in a complete window")
    groups = np.asarray(samples.dataset["group"]).astype(str)[samples.unit[observations]]
    labels, own = values[observations], weights[observations]
    if samples.task != "regression":
        labels, own = np.where(labels == IGNORE, np.nan, labels.astype(np.float32))[:, None], own[:, None]
    return LabelledRows(samples.with_rows(rows), labels, own, groups, in_time=not samples.chips)


def labelled_chips(samples: Samples, chips: np.ndarray) -> LabelledRows:
    """Some chips (n,) whose every pixel has a label, as rows to predict: labels and weights (n, y, x)."""
    labels, weights = (np.asarray(own[chips]) for own in samples.labels)
    groups = np.asarray(samples.dataset["group"]).astype(str)[chips]
    rows = Rows(chips, np.ones_like(chips), np.zeros_like(chips))
    return LabelledRows(samples.with_rows(rows), labels, weights, groups, in_time=False)


def some_of(rows: LabelledRows, kept: np.ndarray) -> LabelledRows:
    """Those of the rows at the places `kept`."""
    own: Any = rows.samples
    chosen = Rows(*(array[kept] for array in vars(own.rows_to_predict).values()))
    return replace(
        rows,
        samples=own.with_rows(chosen),
        labels=rows.labels[kept],
        weights=rows.weights[kept],
        groups=rows.groups[kept],
    )


def rows_of_steps(samples: Samples, every: int = 1) -> Rows:
    """Windows `predicted` steps apart, labelled or not, so that each of their last scored steps is predicted once.

    Or one in so many of them (`every`).
    """
    layout = samples.layout
    window = {"length": layout.length, "lookahead": layout.lookahead, "predicted": layout.predicted}
    window["predict_stride"] = layout.predicted * every
    return rows_to_predict(samples.dataset, layout.inputs, window, layout.step)
