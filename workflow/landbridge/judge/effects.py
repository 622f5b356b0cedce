"""Each recipe against the references: differences inside replicates, tests over groups, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from landbridge.judge import bootstrap, significance, tables
from landbridge.judge.bootstrap import Draws
from landbridge.judge.metrics.metric import Metric
from landbridge.judge.rows import Values, bounds, head, interval_of
from landbridge.judge.scores import Scores, by_group, over_seeds

REFERENCES = ("target_only", "source_only", "naive", "product", "truth")
NOT_AT_ZERO = "not_applicable: target_only needs labels"


def verdict(low: float, high: float, interval: str) -> str:
    """`helps`, `harms` or `unclear` from an interval of the gain; with block intervals only of this place."""
    if interval == "none" or np.isnan(low) or np.isnan(high):
        return "unclear"
    word = "helps" if low > 0 else "harms" if high < 0 else "unclear"
    return f"{word}_here" if interval == "blocks" and word != "unclear" else word


def effect_rows(
    scores: Scores,
    draws: Draws,
    values: Values,
    metric: Metric,
    level: float,
    what: Mapping[str, str],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Each run against each reference at each budget: the difference of the statistic inside every replicate.

    Rows of the headline's target and metric also have the p of a signed-rank test over groups, their values averaged
    over seeds, and that p corrected for all recipes that stand against one reference at one budget.
    """
    rows, kind = [], interval_of(draws, what["metric"])
    tested = kind == "groups" and all(what[key] == settings["headline"][key] for key in ("target", "metric"))

    @cache
    def grouped(run_number: int, number: int) -> np.ndarray:
        return by_group(scores.runs[run_number], scores, metric, number, what["target"])

    for index, own in enumerate(scores.runs):
        for reference_name in REFERENCES:
            reference = scores.find(reference_name, own.model)
            if reference is None or reference is own or own.recipe == "truth":
                continue
            other = scores.runs.index(reference)
            for number in range(len(scores.budgets)):
                of_run = {**head(own, scores, number, settings), **what, "reference": reference_name}
                mine, theirs = values.get((index, number)), values.get((other, number))
                if mine is None or theirs is None:
                    status = own.status[number] if mine is None else f"{reference_name} is {reference.status[number]}"
                    if reference_name == "target_only" and scores.budgets[number] == "0" and mine is not None:
                        status = NOT_AT_ZERO
                    blank = dict.fromkeys(tables.OF_EFFECT, float("nan"))
                    rows.append({**of_run, **blank, "interval": "none", "verdict": "not_applicable", "status": status})
                    continue
                gains = metric.gain(mine, theirs)
                low, high = bounds(gains, kind, level)
                ours, others = grouped(index, number), grouped(other, number)
                p = significance.signed_rank(metric.gain(over_seeds(ours), over_seeds(others))) if tested else np.nan
                numbers = {
                    "delta": float(gains[0]),
                    "low": low,
                    "high": high,
                    "interval": kind,
                    "p_improve": bootstrap.probability_of_improvement(ours, others, metric.gain),
                    "p_wilcoxon": p,
                    "verdict": verdict(low, high, kind),
                }
                rows.append({**of_run, **numbers, "status": own.status[number]})
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        families.setdefault((row["reference"], row["budget"]), []).append(row)
    for family in families.values():
        for row, corrected in zip(family, significance.holm([row["p_wilcoxon"] for row in family]), strict=True):
            row["p_holm"] = corrected
    return rows


def helps_at(effects: Sequence[Mapping[str, str]], recipe: str, budget: str, headline: Mapping[str, str]) -> str:
    """The verdict on a recipe at a budget from the rows of `effects.csv`.

    It helps where the headline row helps against `target_only`, does not harm against `source_only`, and helps against
    `naive` too: a gain over a network that overfits, while the mean of the same labels does as well, is no help. It
    harms where the headline row harms against `target_only` or `source_only`.
    """
    found = {}
    for row in effects:
        matches = all(row[key] == headline[key] for key in ("target", "metric", "statistic"))
        if matches and row["recipe"] == recipe and row["budget"] == budget:
            found[row["reference"]] = row["verdict"]
    against_target, against_source = found.get("target_only", ""), found.get("source_only", "unclear")
    beats_naive = found.get("naive", "helps").startswith("helps")
    if against_target.startswith("helps") and not against_source.startswith("harms"):
        return against_target if beats_naive else "unclear"
    if against_target.startswith("harms"):
        return against_target
    return against_source if against_source.startswith("harms") else "unclear"
