"""What a rule sees of a trial, and losses that are read from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from landbridge.contract import IGNORE
from landbridge.methods.given import Fitted, NotApplicable
from landbridge.prepare.evenly import evenly
from landbridge.prepare.windows import Rows
from landbridge.train.fitting import predicted
from landbridge.train.harness import Given, Tools
from landbridge.train.labelled import labelled_chips, rows_of_steps, some_of
from landbridge.train.samples import Samples

MOST_ROWS = 20_000  # that a loss is read from, evenly taken


@dataclass(frozen=True)
class Case:
    """One fit of one trial.

    Attributes:
        rule: name of the rule that asks.
        given: what the fit was handed.
    """

    tools: Tools
    rule: str
    given: Given
    fitted: Fitted


@dataclass(frozen=True)
class Labelled:
    """Labelled rows of a population, and what their predictions are compared with.

    Attributes:
        samples: predicts exactly these rows, (row,); chips where every pixel has a label.
        labels, weights: (row, target) in their own units, (row, 1) classes, or (row, y, x); weight 0 where one is
            missing.
        groups: (row,) name of the group of each.
        spread: (target,) standard deviation of the labels of a regression.
    """

    samples: Samples
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    spread: np.ndarray


def labelled(samples: Samples, most: int = MOST_ROWS) -> Labelled:
    """The labelled rows of a population, cut into windows as test rows are, `most` of them at most.

    Raises:
        NotApplicable: there is none.
    """
    if samples.task == "segmentation":
        chips = samples.windows.ends
        if len(chips) == 0:
            raise NotApplicable("no chip has a label")
        own: Any = labelled_chips(samples, chips[evenly(len(chips), most)])
        return Labelled(own.samples, own.labels, own.weights, own.groups, np.ones(1))
    found = samples.labelled()
    kept = evenly(len(found.labels), most)
    known = np.isfinite(found.labels)
    weights = np.where(known, found.weights, 0)
    spread = np.ones(found.labels.shape[1])
    if samples.task == "regression":
        total = np.maximum(weights.sum(0, dtype=np.float64), 1e-12)
        filled = np.where(known, found.labels, 0).astype(np.float64)
        mean = (weights * filled).sum(0) / total
        spread = np.sqrt((weights * (filled - mean) ** 2).sum(0) / total)
        spread = np.where(spread > 0, spread, 1.0)
    own = some_of(found, kept)
    return Labelled(own.samples, own.labels, weights[kept], own.groups, spread)


def losses(tools: Tools, fitted: Fitted, rows: Labelled) -> tuple[np.ndarray, np.ndarray]:
    """Loss and weight of each row (row,): what networks of the domain stop by, read from predictions of any learner.

    Errors of a regression are squared or absolute, as the domain trains, in spreads of the labels; classes have their
    cross-entropy, a chip the mean over its pixels.
    """
    values = np.asarray(predicted(tools.layout, fitted, rows.samples), np.float64)
    weights = rows.weights.astype(np.float64)
    if rows.samples.task == "regression":
        error = np.where(weights > 0, values - np.nan_to_num(rows.labels), 0) / rows.spread
        absolute = tools.job.settings["training"].get("loss", "squared") == "absolute"
        each = np.abs(error) if absolute else error**2
    elif rows.samples.task == "classification":
        classes = np.where(weights > 0, np.nan_to_num(rows.labels), 0).astype(np.int64)
        each = -np.take_along_axis(values, classes, axis=1)
    else:
        classes = np.where(rows.labels == IGNORE, 0, rows.labels).astype(np.int64)
        of_class = np.take_along_axis(values, classes[:, None], axis=1)[:, 0]
        each = -np.log(np.maximum(of_class, 1e-12))
    axes = tuple(range(1, each.ndim))
    total = weights.sum(axes)
    return (weights * each).sum(axes) / np.maximum(total, 1e-12), total


def mean_loss(tools: Tools, fitted: Fitted, rows: Labelled) -> float:
    """Mean of `losses` by their weights."""
    each, weights = losses(tools, fitted, rows)
    return float((weights * each).sum() / max(weights.sum(), 1e-12))


def unlabelled(samples: Samples) -> Samples:
    """A population without labels that predicts what a test would ask of it: its steps once each, or its windows."""
    if samples.task == "regression":
        return samples.with_rows(rows_of_steps(samples))
    ends, sizes = samples.input_windows.arrays()
    return samples.with_rows(Rows(ends, sizes, np.zeros(len(ends), np.int64)))
