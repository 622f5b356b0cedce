"""Metrics and sums by task."""

from landbridge.judge.metrics import confusion, regression
from landbridge.judge.metrics.metric import Metric

METRICS: dict[str, dict[str, Metric]] = {
    "regression": regression.METRICS,
    "classification": confusion.METRICS,
    "segmentation": confusion.METRICS,
}
