"""Does a distance that is known before training tell who gains? The stage `rank_transferability`, for one scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.judge import bootstrap, tables
from landbridge.judge.figures_of_transferability import gains_by_distance
from landbridge.judge.metrics.metric import Metric
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import Run, Scores, by_group, over_seeds, read_scores
from landbridge.judge.tables import as_float
from landbridge.prepare.budgets import AXES
from landbridge.prepare.streams import generator
from landbridge.stage import Job

MEASURES = ("model", "measure", "group", "value", "low", "high", "n", "groups", "folds", "status")
RANKS = (
    *("model", "recipe", "variant", "selection", "budget", "budget_unit", "target", "metric", "measure", "spearman"),
    *("low", "high", "groups", "status"),
)
FEWEST = 4  # pairs of which a rank correlation is told at all
# Clusters from which on it has an interval: of five unrelated pairs 11 % of the intervals of 95 % left out 0, of six
# 5.6 %, of 8 to 30 between 4.5 and 6.0 % (1,000 normal samples of each size).
FEWEST_FOR_INTERVAL = 6


def run(job: Job) -> None:
    """Inputs: `measures`, `scores`. Outputs: `measures` (means over folds), `ranks`, `figure`."""
    settings = job.settings
    measured = mean_over_folds([(path.parent.name, tables.read(path)) for path in job.input_list("measures")])
    scores = read_scores(job.input_list("scores"), settings["budgets"])
    metric = find_metric(scores.task, settings["headline"]["metric"], scores.classes)
    gains = list(gains_by_group(scores, metric, settings["headline"]["target"], sorted({m for m, *_ in measured})))
    ranks = [row for gain in gains for row in rank_rows(gain, measured, scores, settings)]
    tables.write(job.outputs["measures"], MEASURES, measured.values())
    tables.write(job.outputs["ranks"], RANKS, ranks)
    name = settings["headline"]["metric"]
    words = {"metric_titles": {name: metric.title}, "metric_units": {name: metric.units}}
    gained = {
        (*own.key, own.selection[scores.budgets.index(budget)], budget): values for own, budget, values, _ in gains
    }
    gains_by_distance(
        job.outputs["figure"], measured, gained, ranks, scores.groups, {**settings, **words, "seeds": len(scores.seeds)}
    )


Measured = dict[tuple[str, str, str], dict[str, Any]]  # (model, measure, group) to a row
Gain = tuple[Run, str, np.ndarray | None, str]  # run, budget, (group,) gain or None, status


def mean_over_folds(files: Sequence[tuple[str, Sequence[Mapping[str, str]]]]) -> Measured:
    """Measures of each model, means over its folds.

    The ends of intervals are means too: folds share rows, and the mean is no less certain than that.

    Args:
        files: model and rows of each fold.
    """
    rows: dict[tuple[str, str, str], list[Mapping[str, str]]] = {}
    for model, own in files:
        for row in own:
            rows.setdefault((model, row["measure"], row["group"]), []).append(row)
    found: Measured = {}
    for (model, measure, group), each in rows.items():
        known = [row for row in each if row["value"]]
        numbers = {
            name: float(np.mean([as_float(row[name]) for row in known])) if known else float("nan")
            for name in ("value", "low", "high")
        }
        found[model, measure, group] = {
            "model": model,
            "measure": measure,
            "group": group,
            **numbers,
            "folds": len(known),
            **{name: sum(int(row[name]) for row in known) for name in ("n", "groups")},
            "status": "ok" if known else each[0]["status"],
        }
    return found


def gains_by_group(scores: Scores, metric: Metric, target: str, models: Sequence[str]) -> Iterator[Gain]:
    """Gain over `target_only` of each run of these models at each budget, of the means over seeds; larger is better."""
    for own in scores.runs:
        reference = scores.find("target_only", own.model)
        if own.model not in models or reference is None or reference is own:
            continue
        for number, budget in enumerate(scores.budgets):
            lacking = [run for run in (own, reference) if run.status[number].startswith("not_applicable")]
            if lacking:
                yield own, budget, None, f"not_applicable: {lacking[0].recipe} has no score at this budget"
                continue
            values = [over_seeds(by_group(run, scores, metric, number, target)) for run in (own, reference)]
            yield own, budget, metric.gain(*values), own.status[number]


def rank_rows(gain: Gain, measured: Measured, scores: Scores, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """How each measure that test groups have ranks the gain of one run at one budget."""
    own, budget, values, status = gain
    number = scores.budgets.index(budget)
    of_groups = dict.fromkeys(name for model, name, group in measured if model == own.model and group)
    for measure in of_groups:
        row = {
            "model": own.model,
            "recipe": own.recipe,
            "variant": own.variant,
            "selection": own.selection[number],
            "budget": budget,
            "budget_unit": AXES[settings["budget_axis"]],
            "measure": measure,
            **{name: settings["headline"][name] for name in ("target", "metric")},
        }
        distances = np.array([_value(measured, own.model, measure, group) for group in scores.groups])
        if values is None:
            nothing = dict.fromkeys(("spearman", "low", "high"), float("nan"))
            yield {**row, **nothing, "groups": 0, "status": status}
            continue
        clusters = np.arange(len(values))
        found = rank_correlation(distances, values, clusters, "groups", settings, ["rank", settings["scenario"]])
        yield {**row, **found, "status": status if found["status"] == "ok" else found["status"]}


def _value(measured: Measured, model: str, measure: str, group: str) -> float:
    row = measured.get((model, measure, group))
    return row["value"] if row else float("nan")


def rank_correlation(
    distances: np.ndarray,
    gains: np.ndarray,
    clusters: np.ndarray,
    counted: str,
    settings: Mapping[str, Any],
    keys: Sequence[Any],
) -> dict[str, Any]:
    """Spearman's rank correlation of pairs that have both numbers, and its percentile interval.

    Clusters of pairs are drawn with replacement; replicates in which all ranks are equal do not count. There is no
    interval below `FEWEST_FOR_INTERVAL` clusters, and none of a perfect order, which every draw of pairs keeps.

    Args:
        distances, gains: (pair,).
        clusters: (pair,) what is drawn as one.
        counted: name of the column that tells the number of pairs.
        settings: its `bootstrap`.
        keys: of the stream of draws.

    Returns:
        `spearman`, `low`, `high`, `status` and the number of pairs.
    """
    known = np.isfinite(distances) & np.isfinite(gains)
    x, y, index = distances[known], gains[known], np.unique(clusters[known], return_inverse=True)[1].ravel()
    found: dict[str, Any] = {**dict.fromkeys(("spearman", "low", "high"), float("nan")), counted: int(known.sum())}
    if len(x) < FEWEST:
        return {**found, "status": f"not_applicable: {len(x)} {counted}, and {FEWEST} are the fewest"}
    value = float(spearman(x[None], y[None], np.ones((1, len(x))))[0])
    if not np.isfinite(value):
        what = "distances" if len(np.unique(x)) == 1 else "gains"
        return {**found, "status": f"not_applicable: all {what} are equal"}
    count = int(index.max()) + 1
    low = high = float("nan")
    if count >= FEWEST_FOR_INTERVAL and abs(value) < 1 - 1e-9:
        replicates = settings["bootstrap"]["replicates"]
        drawn = generator(*keys).multinomial(count, np.full(count, 1 / count), size=replicates)[:, index]
        each = np.concatenate([[value], spearman(x[None], y[None], drawn)])
        low, high = bootstrap.interval(each, settings["bootstrap"]["level"])
    return {**found, "spearman": value, "low": low, "high": high, "status": "ok"}


def spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rank correlations (replicate,) of pairs (1, pair) that count as often as the weights (replicate, pair) say.

    Spearman (1904), American Journal of Psychology 15: the correlation of ranks, of equal ones their mean. NaN where
    all pairs that count have one x or one y.
    """
    total = np.maximum(weights.sum(1, keepdims=True), 1)
    centred = []
    for values in (x[0], y[0]):
        below = weights @ (values[:, None] < values[None]).astype(float)  # (replicate, pair)
        equal = weights @ (values[:, None] == values[None]).astype(float)
        ranks = below + (equal + 1) / 2
        centred.append(ranks - (ranks * weights).sum(1, keepdims=True) / total)
    both, first, second = ((a * b * weights).sum(1) for a, b in (centred, centred[:1] * 2, centred[1:] * 2))
    scale = np.sqrt(first * second)
    return np.where(scale > 1e-9, both / np.where(scale > 1e-9, scale, 1), np.nan)
