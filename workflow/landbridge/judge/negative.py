"""Negative transfer: how often, how surely and how badly a recipe does worse than training from scratch."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.judge.bootstrap import FEWEST_GROUPS, interval
from landbridge.prepare.streams import generator

COLUMNS = (
    *("recipe", "variant", "pairs", "tested", "flagged", "rate", "low", "high", "interval", "targets"),
    *("share_below_zero", "worst_delta", "worst_skill", "worst_metric", "worst_domain", "worst_scenario"),
    *("worst_model", "worst_budget"),
)
# These bring nothing over from a source, and neither do variants of that name; memory_of_place holds none either.
NO_TRANSFER = ("naive", "memory_of_place", "product", "sampling_only", "target_only", "truth")
OWN_LABELS = "target"


def recipe_rows(
    pairs: Sequence[Mapping[str, Any]],
    replicates: int,
    level: float,
) -> list[dict[str, Any]]:
    """Negative transfer of each recipe over all pairs of a scenario (with its model) and a labelled budget.

    A pair is flagged if the whole interval of its headline difference from training from scratch lies below zero; the
    rate is over the pairs that have an interval. Its own interval draws target populations, since pairs that share one
    are not independent, and there is none with fewer than five of them. The share below zero asks no interval.

    Args:
        pairs: `domain, scenario, target_population, model, recipe, variant, budget, metric`, and the numbers `delta`,
            `low`, `high` and `skill_gain`, NaN where there is none.
        replicates: of the bootstrap.
        level: of the interval.
    """
    by_recipe: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for pair in pairs:
        of_transfer = pair["recipe"] not in NO_TRANSFER and pair["variant"] != OWN_LABELS
        if of_transfer and pair["budget"] != "0" and math.isfinite(pair["delta"]):
            by_recipe.setdefault((pair["recipe"], pair["variant"]), []).append(pair)
    rows = []
    for (recipe, variant), own in by_recipe.items():
        tested = [pair for pair in own if math.isfinite(pair["high"])]
        flagged = np.array([pair["high"] < 0 for pair in tested], float)
        targets = [str(pair["target_population"]) for pair in tested]
        low, high = rate_interval(flagged, targets, replicates, level)
        # Differences of several metrics are compared by what they are of the naive reference's own room.
        worst = min(own, key=lambda pair: (_or_infinity(pair["skill_gain"]), pair["delta"]))
        rows.append(
            {
                "recipe": recipe,
                "variant": variant,
                "pairs": len(own),
                "tested": len(tested),
                "flagged": int(flagged.sum()),
                "rate": float(flagged.mean()) if len(tested) else float("nan"),
                "low": low,
                "high": high,
                "interval": "none" if math.isnan(low) else "targets",
                "targets": len(set(targets)),
                "share_below_zero": float(np.mean([pair["delta"] < 0 for pair in own])),
                "worst_delta": worst["delta"],
                "worst_skill": worst["skill_gain"],
                **{f"worst_{key}": worst[key] for key in ("metric", "domain", "scenario", "model", "budget")},
            }
        )
    return rows


def _or_infinity(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def rate_interval(
    flagged: np.ndarray, clusters: Sequence[Hashable], replicates: int, level: float
) -> tuple[float, float]:
    """Percentile interval of a rate, its pairs drawn in whole clusters; NaN with fewer than five clusters.

    Where no pair is flagged, or all are, every draw is alike and says nothing: there it is the exact interval (Clopper
    and Pearson 1934) of as many independent pairs as there are clusters.

    Args:
        flagged: (pair,) 0 or 1.
        clusters: of each pair, the target that it shares with others.
        replicates: of the bootstrap.
        level: of the interval.
    """
    weights = _drawn(clusters, replicates)
    if weights is None:
        return float("nan"), float("nan")
    if flagged.min() == flagged.max():
        room = 1 - ((1 - level) / 2) ** (1 / len(set(clusters)))
        return (0.0, room) if flagged.max() == 0 else (1 - room, 1.0)
    return interval(weights @ flagged / weights.sum(axis=1), level)


def _drawn(clusters: Sequence[Hashable], replicates: int) -> np.ndarray | None:
    """(replicate + 1, pair) how often each pair is drawn with its cluster; None if there are too few clusters."""
    names = list(dict.fromkeys(clusters))
    if len(names) < FEWEST_GROUPS:
        return None
    random = generator("bootstrap", "negative transfer")
    counts = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates)
    counts = np.concatenate([np.ones((1, len(names)), int), counts])
    return counts[:, [names.index(cluster) for cluster in clusters]]
