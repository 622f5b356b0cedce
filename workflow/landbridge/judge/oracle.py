"""The choice of the rule `oracle`: of all trials of a recipe the one whose headline on the test is best.

One trial for each budget and seed, over all folds together: the settings of a trial are the same in each of them. What
it gives is an upper line: by a headline that is averaged over seeds no rule that takes one trial for all folds does
better. A rule that takes another trial in every fold can. The scores are those that the trial really has, but chosen on
the test they flatter, the more so the more trials there are, and their intervals know nothing of the choice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from landbridge.judge.bootstrap import draw, replicate_values
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import MACRO, aligned, mean_of_targets

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """Scores of one trial in one fold.

    Attributes:
        number: of the trial.
        head: columns that all rows of the table share: budget, seed, fold, status.
        table: sums by target, unit and block, with the notes of a file of scores.
    """

    number: int
    head: Mapping[str, Any]
    table: pa.Table

    @property
    def key(self) -> tuple[int, str]:
        """What one trial is chosen for: seed and budget."""
        return self.head["seed"], self.head["budget"]


def best(trials: Sequence[Trial], settings: Mapping[str, Any]) -> list[pa.Table]:
    """Tables of the best trial of each seed and budget, in their order.

    Only trials that have predictions in every fold compete; where there is none, the first one stands with its status.

    Args:
        trials: of one recipe, all folds, seeds and budgets.
        settings: of `evaluate`: scenario, task, classes and headline.
    """
    chosen: dict[tuple[int, str], int] = {}
    for key in dict.fromkeys(own.key for own in trials):
        chosen[key] = _best_at([own for own in trials if own.key == key], settings)
    return [own.table for own in trials if own.number == chosen[own.key]]


def _best_at(trials: Sequence[Trial], settings: Mapping[str, Any]) -> int:
    """Number of the best trial at one seed and budget."""
    by_number: dict[int, list[Trial]] = {}
    for own in trials:
        by_number.setdefault(own.number, []).append(own)
    folds = max(len(members) for members in by_number.values())
    whole = {
        number: pa.concat_tables([own.table for own in members])
        for number, members in sorted(by_number.items())
        if len(members) == folds and all(own.head["status"] == "ok" for own in members)
    }
    if not whole:
        return min(by_number)
    seed, budget = trials[0].key
    values = headlines(whole.values(), budget, settings)
    metric = find_metric(settings["task"], settings["headline"]["metric"], settings["classes"] or ())
    gains = metric.gain(values, np.zeros_like(values))
    number = list(whole)[int(np.where(np.isfinite(gains), gains, -np.inf).argmax())]
    log.info("budget %s, seed %d: trial %d of %d is best on the test", budget, seed, number, len(by_number))
    return number


def headlines(tables: Iterable[pa.Table], budget: str, settings: Mapping[str, Any]) -> np.ndarray:
    """(table,) headline score of tables of sums of one seed and budget, as `compare` computes it."""
    scores = aligned({Path(str(number)): table for number, table in enumerate(tables)}, [budget])
    headline = settings["headline"]
    metric, statistic = find_metric(scores.task, headline["metric"], scores.classes), headline["statistic"]
    draws = draw(scores, 0, settings["scenario"])  # the data as they are, nothing drawn
    names = scores.targets if headline["target"] == MACRO else [headline["target"]]
    found = [
        [replicate_values(run.sums[name][0], scores, draws, metric, [statistic])[statistic][0] for run in scores.runs]
        for name in names
    ]
    return mean_of_targets([np.array(values) for values in found])
