"""Metrics by task, and those of coarser scales of time by their names."""

from dataclasses import replace

from landbridge.judge.metrics import confusion, regression
from landbridge.judge.metrics.metric import Metric, Sums
from landbridge.judge.scales import SCALES, split_name
from landbridge.stage import StageError

METRICS: dict[str, dict[str, Metric]] = {
    "regression": regression.METRICS,
    "classification": confusion.METRICS,
    "segmentation": confusion.METRICS,
}


def find_metric(task: str, name: str) -> Metric:
    """The metric of a name such as `rmse` or, of a regression, `rmse.monthly`.

    Raises:
        StageError: there is none.
    """
    base, scale = split_name(name)
    offered = METRICS[task]
    if base not in offered or (scale and (scale not in SCALES or task != "regression")):
        text = f"metric {name} is not known; metrics of {task} are {', '.join(offered)}"
        raise StageError(
            text + (f", each with a scale such as {next(iter(offered))}.{SCALES[1]}" if task == "regression" else "")
        )
    metric = offered[base]
    if not scale:
        return metric

    def scaled(sums: Sums) -> object:
        return metric.function({key: sums[f"{key}.{scale}"] for key in regression.SUMS})

    return replace(metric, function=scaled, title=f"{metric.title} ({TITLES[scale]})")  # type: ignore[arg-type]


TITLES = {"8day": "8-day means", "monthly": "monthly means", "seasonal": "mean seasonal cycle", "anomaly": "anomalies"}
