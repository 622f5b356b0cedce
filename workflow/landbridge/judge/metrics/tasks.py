"""Metrics by task, and those of coarser scales, of votes and of single classes by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from landbridge.judge.metrics import confusion, intervals, regression
from landbridge.judge.metrics.metric import Metric, Sums
from landbridge.judge.scales import SCALES, VOTES
from landbridge.stage import StageError

METRICS: dict[str, dict[str, Metric]] = {
    "regression": regression.METRICS | regression.OF_STATES | intervals.METRICS,
    "classification": confusion.METRICS | confusion.SCALED,
    "segmentation": confusion.METRICS | confusion.SCALED,
}
SCALES_OF: dict[str, tuple[str, ...]] = {"regression": SCALES, "classification": VOTES, "segmentation": ()}
TITLES = {
    "daily": "daily means",
    "8day": "8-day means",
    "monthly": "monthly means",
    "annual": "annual means",
    "seasonal": "mean seasonal cycle",
    "anomaly": "anomalies",
    "unit": "votes of units",
}


def find_metric(task: str, name: str, classes: Sequence[str] = ()) -> Metric:
    """The metric of a name such as `rmse`, `rmse.monthly`, `macro_f1.unit` or, of one class, `f1.walk.unit`.

    Args:
        task: of the scenario.
        name: of the metric.
        classes: names of the classes, in their order.

    Raises:
        StageError: there is none.
    """
    base, *rest = name.split(".")
    scales = SCALES_OF[task]
    scale = rest.pop() if rest and rest[-1] in scales else ""
    metric = METRICS[task].get(base)
    if scale and task == "regression" and base in regression.OF_STATES:
        raise StageError(f"metric {name}: whether a target is on is asked row by row; write {base}")
    if scale and (base in intervals.METRICS or base in confusion.SCALED):
        raise StageError(f"metric {name}: intervals and temperatures are of rows; write {base}")
    if rest and task != "regression" and base in confusion.OF_ONE_CLASS and rest[0] in classes:
        word = rest.pop(0)
        metric = _of_class(confusion.OF_ONE_CLASS[base], list(classes).index(word), word)
    if metric is None or rest:
        text = f"metric {name} is not known; metrics of {task} are {', '.join(METRICS[task])}"
        if scales:
            text += f", each with a scale such as {next(iter(METRICS[task]))}.{scales[min(2, len(scales) - 1)]}"
        raise StageError(text)
    return _at_scale(metric, scale) if scale else metric


def _of_class(metric: Metric, number: int, word: str) -> Metric:
    def of_one(sums: Sums) -> np.ndarray:
        return np.asarray(metric.function(sums)[..., number])

    return replace(metric, function=of_one, title=f"{metric.title} of {word}")


def _at_scale(metric: Metric, scale: str) -> Metric:
    def scaled(sums: Sums) -> np.ndarray:
        own = {key.removesuffix(f".{scale}"): values for key, values in sums.items() if key.endswith(f".{scale}")}
        return metric.function(own)

    return replace(metric, function=scaled, title=f"{metric.title} ({TITLES[scale]})")
