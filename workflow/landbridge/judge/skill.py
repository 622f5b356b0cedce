"""Skill, which can be set side by side over domains, and the ranks that follow from it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.judge.significance import ranks

CEILING = 1.0  # of every metric where higher is better: F1, IoU, accuracy, R2, KGE and their kin
UNRANKED = ("truth",)  # no method

Key = tuple[str, str]  # recipe and variant


def scale(naive: float, better: str) -> float:
    """How much of a metric makes a skill of one; NaN where the naive reference leaves nothing to gain.

    Args:
        naive: value of the naive reference.
        better: as `Metric.better` has it.
    """
    room = CEILING - naive if better == "higher" else abs(naive)
    return room if room > 0 else float("nan")


def skill(value: float, naive: float, better: str) -> float:
    """1 - loss / loss of the naive reference; of a score, (score - naive) / (ceiling - naive). 1 is perfect."""
    gain = value - naive if better == "higher" else abs(naive) - abs(value)
    return gain / scale(naive, better)


def by_domain(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[Key, float]]:
    """Skill of each recipe in each domain.

    In a scenario it is the mean over all labelled budgets (over budget 0 where there is no other), and a recipe that
    lacks one of them, or the naive reference, has none; in a domain it is the median over scenarios and models.

    Args:
        rows: `domain, scenario, model, recipe, variant, budget, skill` (None where there is none).
    """
    tables: dict[tuple[str, str], dict[tuple[str, str, str], dict[str, float]]] = {}
    for row in rows:
        if row["recipe"] not in UNRANKED:
            own = tables.setdefault((row["domain"], row["scenario"]), {})
            budgets = own.setdefault((row["model"], row["recipe"], row["variant"]), {})
            budgets[row["budget"]] = float("nan") if row["skill"] is None else row["skill"]
    found: dict[str, dict[Key, list[float]]] = {}
    for (domain, _), runs in tables.items():
        offered = dict.fromkeys(budget for budgets in runs.values() for budget in budgets)
        wanted = [budget for budget in offered if budget != "0"] or list(offered)
        of_domain = found.setdefault(domain, {})
        for (_, recipe, variant), budgets in runs.items():
            mean = float(np.mean([budgets.get(budget, float("nan")) for budget in wanted]))
            if np.isfinite(mean):
                of_domain.setdefault((recipe, variant), []).append(mean)
    return {domain: {key: statistics.median(own) for key, own in runs.items()} for domain, runs in found.items()}


def rank_rows(skills: Mapping[str, Mapping[Key, float]]) -> list[dict[str, Any]]:
    """One row for each recipe: its skill by domain, median and mean over domains, and its mean rank.

    Only recipes that stand in every domain are ranked, among themselves: a rank among others would depend on which
    those are. Best first, then those without a rank.
    """
    keys = list(dict.fromkeys(key for own in skills.values() for key in own))
    everywhere = [key for key in keys if all(key in own for own in skills.values())]
    mean_ranks: dict[Key, float] = {}
    if everywhere:
        table = np.array([[own[key] for key in everywhere] for own in skills.values()])
        mean_ranks = dict(zip(everywhere, ranks(table).mean(axis=0).tolist(), strict=True))
    rows = []
    for key in keys:
        known = [own[key] for own in skills.values() if key in own]
        rows.append(
            {
                "recipe": key[0],
                "variant": key[1],
                **{domain: own.get(key, float("nan")) for domain, own in skills.items()},
                "median_skill": statistics.median(known),
                "mean_skill": statistics.fmean(known),
                "mean_rank": mean_ranks.get(key, float("nan")),
                "domains": len(known),
            }
        )
    return sorted(rows, key=lambda row: (np.isnan(row["mean_rank"]), row["mean_rank"], -row["median_skill"]))


def columns(domains: Sequence[str]) -> tuple[str, ...]:
    """Of the table of ranks."""
    return ("recipe", "variant", *domains, "median_skill", "mean_skill", "mean_rank", "domains")
