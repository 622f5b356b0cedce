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
    *("worst_model", "worst_budget", "distance_correlation", "distance_low", "distance_high"),
)
# These bring nothing over from a source, and neither do variants of that name; memory_of_place holds none either.
NO_TRANSFER = ("naive", "memory_of_place", "product", "sampling_only", "target_only", "truth")
OWN_LABELS = "target"
FEWEST_DISTANCES = 4  # three points have a Spearman correlation of -1, -0.5, 0.5 or 1


def recipe_rows(
    pairs: Sequence[Mapping[str, Any]],
    replicates: int,
    level: float,
    distances: Mapping[tuple[str, str], float] | None = None,
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
        distances: from source to target, by domain and scenario, where they are known.
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
        away = [pair for pair in own if (pair["domain"], pair["scenario"]) in (distances or {})]
        rho, rho_low, rho_high = distance_correlation(
            [(distances or {})[pair["domain"], pair["scenario"]] for pair in away],
            [pair["skill_gain"] for pair in away],
            [(pair["domain"], pair["scenario"]) for pair in away],
            replicates=replicates,
            level=level,
        )
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
                "distance_correlation": rho,
                "distance_low": rho_low,
                "distance_high": rho_high,
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
    weights = _drawn(clusters, replicates, FEWEST_GROUPS)
    if weights is None:
        return float("nan"), float("nan")
    if flagged.min() == flagged.max():
        room = 1 - ((1 - level) / 2) ** (1 / len(set(clusters)))
        return (0.0, room) if flagged.max() == 0 else (1 - room, 1.0)
    return interval(weights @ flagged / weights.sum(axis=1), level)


def _drawn(clusters: Sequence[Hashable], replicates: int, fewest: int) -> np.ndarray | None:
    """(replicate + 1, pair) how often each pair is drawn with its cluster; None if there are too few clusters."""
    names = list(dict.fromkeys(clusters))
    if len(names) < fewest:
        return None
    random = generator("bootstrap", "negative transfer")
    counts = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates)
    counts = np.concatenate([np.ones((1, len(names)), int), counts])
    return counts[:, [names.index(cluster) for cluster in clusters]]


def distance_correlation(
    distances: Sequence[float],
    gains: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    replicates: int = 2000,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Spearman correlation of gains with the distance between source and target, and its bootstrap interval.

    Args:
        distances: of each pair of a source and a target.
        gains: of the same pairs over training from scratch; a pair with a NaN is left out.
        clusters: what is drawn as one, such as the scenario that several pairs belong to; each pair by itself if None.
        replicates: of the bootstrap.
        level: of the interval.

    Returns:
        the correlation, and the bounds of its interval; NaN where fewer than four distances differ.
    """
    known = np.isfinite(distances) & np.isfinite(gains)
    x, y = np.asarray(distances, float)[known], np.asarray(gains, float)[known]
    if len(set(x.tolist())) < FEWEST_DISTANCES:
        return (float("nan"),) * 3
    own = list(range(len(known))) if clusters is None else list(clusters)
    weights = _drawn([own[place] for place in np.flatnonzero(known)], replicates, FEWEST_DISTANCES)
    if weights is None:
        return (float("nan"),) * 3
    found = np.array([_spearman(x, y, of_replicate) for of_replicate in weights])
    return (float(found[0]), *interval(found, level))


def _spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Correlation of ranks, ties averaged, each pair as often as its weight says; NaN where one side is all equal."""
    from scipy.stats import rankdata

    ranked = np.stack([rankdata(np.repeat(values, weights)) for values in (x, y)])
    ranked -= ranked.mean(axis=1, keepdims=True)
    spread = np.sqrt((ranked**2).sum(axis=1)).prod()
    return float((ranked[0] * ranked[1]).sum() / spread) if spread > 0 else float("nan")
