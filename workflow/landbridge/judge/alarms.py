"""What must not score: a network that was trained on shuffled labels.

Shuffled labels tell nothing of the inputs, so nothing that is learned from them may beat the naive reference. Numbers
are compared by the headline. Classes are compared by the log loss, a proper score (Gneiting and Raftery 2007,
doi:10.1198/016214506000001437), under which the shares of the classes are the best that a model without information
can say; under F1 or IoU even a coin beats the most frequent class.

One order of the labels may go with the truth by luck, and then all test groups gain. So the gain must stand over groups
(the interval of the comparison) and over seeds, each of which has an order of its own: a t-test at half of 1 - level,
divided by the number of models and budgets that are looked at (Bonferroni).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.judge import bootstrap
from landbridge.judge.bootstrap import Draws
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import MACRO, Run, Scores, mean_of_targets
from landbridge.stage import StageError

log = logging.getLogger(__name__)

SHUFFLED, NAIVE = "shuffled_labels", "naive"
OF_CLASSES = ("log_loss", "pooled")  # metric and statistic
FEWEST_SEEDS = 3


def refuse_learned_noise(scores: Scores, draws: Draws, settings: Mapping[str, Any]) -> None:
    """Stop where training on shuffled labels beats every naive reference at some budget, over groups and over seeds.

    Raises:
        StageError: which model, at which budget, and by how much.
    """
    shuffled = [run for run in scores.runs if run.recipe == SHUFFLED]
    naive = [run for run in scores.runs if run.recipe == NAIVE]
    if not shuffled:
        return
    lacking = [
        *(["no naive reference"] if not naive else []),
        *(["no interval"] if draws.interval == "none" else []),
        *([f"fewer than {FEWEST_SEEDS} seeds"] if len(scores.seeds) < FEWEST_SEEDS else []),
    ]
    if lacking:
        log.warning("%s can't be judged: %s", SHUFFLED, ", ".join(lacking))
        return
    level = settings["bootstrap"]["level"]
    judged = [(own, n) for own in shuffled for n, status in enumerate(own.status) if status == "ok"]
    for own, number in judged:
        others = [other for other in naive if not other.status[number].startswith("not_applicable")]
        found = []
        for other in others:
            gains = gain(own, other, number, scores, draws, settings)
            low, high = bootstrap.interval(gains, level)
            luck = chance(by_seed(own, other, number, scores, settings))
            if not low > 0 or luck > (1 - level) / 2 / len(judged):
                break
            found.append((float(gains[0]), low, high))
        if others and len(found) == len(others):
            raise StageError(_text(own, scores.budgets[number], min(found), scores, settings))


def _text(own: Run, budget: str, found: tuple[float, float, float], scores: Scores, settings: Mapping[str, Any]) -> str:
    metric, statistic, _ = compared_by(scores, settings)
    by, low, high = found
    return (
        f"alarm: {own.model} trained on shuffled labels beats the naive reference in {settings['scenario']} at budget "
        f"{budget}: {statistic} {metric} better by {by:.3g} [{low:.3g}, {high:.3g}]. Labels of the test reach its "
        f"predictions by another way than training, or labels are not shuffled; no score of this scenario can be "
        f"believed until it is found. Look at the inputs and at features.py first, then at audit.json"
    )


def compared_by(scores: Scores, settings: Mapping[str, Any]) -> tuple[str, str, str]:
    """Metric, statistic and target of the comparison."""
    if scores.task != "regression":
        return (*OF_CLASSES, scores.targets[0])
    headline = settings["headline"]
    return headline["metric"], headline["statistic"], headline["target"]


def gain(own: Run, other: Run, number: int, scores: Scores, draws: Draws, settings: Mapping[str, Any]) -> np.ndarray:
    """(replicate,) how much better a run is than another at a budget, the difference inside each replicate."""
    name, statistic, target = compared_by(scores, settings)
    metric = find_metric(scores.task, name, scores.classes)
    values = []
    for run in (own, other):
        each = [
            bootstrap.replicate_values(run.sums[of][number], scores, draws, metric, [statistic])[statistic]
            for of in (scores.targets if target == MACRO else [target])
        ]
        values.append(mean_of_targets(each))
    found: np.ndarray = metric.gain(*values)
    return found


def by_seed(own: Run, other: Run, number: int, scores: Scores, settings: Mapping[str, Any]) -> np.ndarray:
    """(seed,) gain of each seed by itself, over the groups as they are."""
    found = []
    for place, seed in enumerate(scores.seeds):
        draws = Draws("groups", np.ones((1, len(scores.groups))), np.ones((1, 1)), None)
        pair = [replace(run, sums={of: array[:, [place]] for of, array in run.sums.items()}) for run in (own, other)]
        found.append(gain(pair[0], pair[1], number, replace(scores, seeds=[seed]), draws, settings)[0])
    return np.asarray(found)


def chance(gains: np.ndarray) -> float:
    """Probability of gains (seed,) as large as these, on average, where their true mean is 0: a one-sided t-test."""
    from scipy.stats import ttest_1samp  # here, since its import takes longer than most comparisons

    if np.ptp(gains) == 0:
        return 0.0 if gains.mean() > 0 else 1.0
    return float(ttest_1samp(gains, 0.0, alternative="greater").pvalue)
