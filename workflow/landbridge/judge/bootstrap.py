"""Hierarchical bootstrap over independent groups and paired seeds, with the same draws for every recipe.

Per replicate test groups are drawn with replacement, then seeds; one model of a seed scores all groups, so the seeds
drawn are shared by all groups (crossed). With fewer than five groups, blocks are drawn inside each group instead.
The first replicate is the data as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from landbridge.judge.metrics.metric import Metric
from landbridge.judge.scores import Scores, as_sums, group_sums
from landbridge.prepare.streams import generator

FEWEST_GROUPS = 5
QUANTILES = {"median": 0.5, "q10": 0.1, "q25": 0.25, "q75": 0.75, "q90": 0.9}
PLAIN = ("mean", *QUANTILES, "iqm", "share_below_zero")
CHUNK = 64  # replicates whose runs are weighed at once
STATISTICS = (*PLAIN, "worst_class", "pooled")


@dataclass(frozen=True)
class Draws:
    """Weights of each replicate; the first row is all ones.

    Attributes:
        interval: "groups", "blocks" or "none".
        groups: (replicate, group).
        seeds: (replicate, seed).
        cells: (replicate, cell) where blocks are drawn, else None.
    """

    interval: str
    groups: np.ndarray
    seeds: np.ndarray
    cells: np.ndarray | None


def _counts(random: np.random.Generator, replicates: int, size: int) -> np.ndarray:
    """(replicate + 1, size) how often each of `size` is drawn in `size` draws; the first row is all ones."""
    drawn = random.multinomial(size, np.full(size, 1 / size), size=replicates)
    return np.concatenate([np.ones((1, size)), drawn])


def draw(scores: Scores, replicates: int, scenario: str) -> Draws:
    """Draws for one scenario, equal for all of its recipes, targets and metrics."""
    groups, seeds = len(scores.groups), len(scores.seeds)
    random = generator("bootstrap", scenario)
    of_seeds = _counts(random, replicates, seeds)
    if groups >= FEWEST_GROUPS:
        return Draws("groups", _counts(random, replicates, groups), of_seeds, None)
    cells = np.ones((replicates + 1, len(scores.group_of_cell)))
    sizes = np.bincount(scores.group_of_cell, minlength=groups)
    for group in range(groups):
        own = np.flatnonzero(scores.group_of_cell == group)
        cells[:, own] = _counts(random, replicates, len(own))
    interval = "blocks" if sizes.min(initial=2) > 1 else "none"
    return Draws(interval, np.ones((replicates + 1, groups)), of_seeds, cells)


def replicate_values(
    array: np.ndarray, scores: Scores, draws: Draws, metric: Metric, statistics: Sequence[str]
) -> dict[str, np.ndarray]:
    """Every statistic of one run, budget and target in every replicate.

    Args:
        array: (seed, cell, sum).

    Returns:
        by statistic (replicate,), NaN where it is not defined.
    """
    if draws.cells is None:
        values = metric.function(as_sums(group_sums(array, scores), scores.names))[None]  # (1, seed, group)
    else:
        one_hot = scores.group_of_cell[None, :] == np.arange(len(scores.groups))[:, None]
        summed = np.stack([np.tensordot(draws.cells * own, array, (1, 1)) for own in one_hot], axis=2)
        values = metric.function(as_sums(summed, scores.names))  # (replicate, seed, group)
    found = statistics_of(values, draws, [name for name in statistics if name in PLAIN])
    for statistic in statistics:
        if statistic == "pooled":
            found[statistic] = _pooled(array, scores, draws, metric)
        elif statistic == "worst_class":
            found[statistic] = _worst_class(values, scores, draws, metric)
    return {name: found[name] for name in statistics}


def statistics_of(values: np.ndarray, draws: Draws, statistics: Sequence[str]) -> dict[str, np.ndarray]:
    """Statistics over groups, which need the groups' values alone, in every replicate.

    Args:
        values: (replicate or 1, seed, group) of a metric.
        statistics: of `PLAIN`.

    Returns:
        by statistic (replicate,).
    """
    found: dict[str, np.ndarray] = {}
    shares = [name for name in statistics if name in QUANTILES]
    quantiles = _quantiles(values, draws.groups, [QUANTILES[name] for name in shares]) if shares else []
    found |= {name: _over_seeds(own, draws.seeds) for name, own in zip(shares, quantiles, strict=True)}
    for statistic in (name for name in statistics if name not in QUANTILES):
        if statistic == "share_below_zero":
            below = np.where(np.isfinite(values), (values < 0).astype(float), np.nan)
            found[statistic] = _over_seeds(_mean(below, draws.groups), draws.seeds)
        elif statistic == "iqm":
            found[statistic] = _interquartile_mean(values, draws)
        else:
            found[statistic] = _over_seeds(_mean(values, draws.groups), draws.seeds)
    return found


def _over_seeds(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean (replicate,) of (replicate, seed)."""
    return _ratio((np.nan_to_num(values) * weights).sum(1), (np.isfinite(values) * weights).sum(1))


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over groups: (replicate or 1, seed, group) and (replicate, group) to (replicate, seed)."""
    defined = np.isfinite(values)
    if len(values) == 1:
        return _ratio(weights @ np.nan_to_num(values[0]).T, weights @ defined[0].T.astype(float))
    return _ratio((np.nan_to_num(values) * weights[:, None]).sum(2), (defined * weights[:, None]).sum(2))


def _interquartile_mean(values: np.ndarray, draws: Draws) -> np.ndarray:
    """Mean of the middle half of the runs, which are pairs of a seed and a group (Agarwal et al. 2021, section 4.3).

    A run counts as often as its seed and its group were drawn; those that straddle a quartile count by their part
    inside. Runs without a value are left out.

    Args:
        values: (replicate or 1, seed, group).

    Returns:
        (replicate,).
    """
    found = np.full(len(draws.groups), np.nan)
    runs = values.reshape(len(values), -1)  # (replicate or 1, run)
    defined = np.isfinite(runs)
    order = np.argsort(np.where(defined, runs, np.inf), axis=1, kind="stable")
    seed, group = np.divmod(order, values.shape[2])
    ordered = np.take_along_axis(np.where(defined, runs, 0.0), order, 1)
    counts = np.take_along_axis(defined, order, 1)
    for first in range(0, len(found), CHUNK):  # what one chunk needs stays near the processor
        here = slice(first, first + CHUNK)
        if len(runs) == 1:
            weights = draws.seeds[here][:, seed[0]] * draws.groups[here][:, group[0]] * counts
            own = ordered
        else:
            weights = np.take_along_axis(draws.seeds[here], seed[here], 1)
            weights = weights * np.take_along_axis(draws.groups[here], group[here], 1) * counts[here]
            own = ordered[here]
        reached = np.cumsum(weights, axis=1)
        total = reached[:, -1:].copy()
        np.clip(reached, total / 4, 3 * total / 4, out=reached)
        inside = np.diff(reached, axis=1, prepend=total / 4)
        found[here] = _ratio((inside * own).sum(1), total[:, 0] / 2)
    return found


def _quantiles(values: np.ndarray, weights: np.ndarray, shares: Sequence[float]) -> list[np.ndarray]:
    """Quantiles over the drawn groups, linear between order statistics: (replicate, seed) for each share.

    A group that was drawn w times counts w times; groups without a value are left out.
    """
    replicates, seeds = len(weights), values.shape[1]
    found = [np.full((replicates, seeds), np.nan) for _ in shares]
    for seed in range(seeds):
        own = np.broadcast_to(values[:, seed], weights.shape) if len(values) > 1 else values[:, seed]
        order = np.argsort(own, axis=1, kind="stable")  # NaN stand last
        ordered = np.take_along_axis(own, order, 1)
        counted = weights[:, order[0]] if len(own) == 1 else np.take_along_axis(weights, order, 1)
        reached = (counted * np.isfinite(ordered)).cumsum(1)
        total = reached[:, -1]
        for quantile, share in zip(found, shares, strict=True):
            place = share * np.maximum(total - 1, 0)
            low, high = np.floor(place), np.ceil(place)
            ends = []
            for rank in (low, high):
                index = np.minimum((reached <= rank[:, None]).sum(1), own.shape[1] - 1)
                ends.append(ordered[0, index] if len(own) == 1 else ordered[np.arange(replicates), index])
            value = ends[0] + (ends[1] - ends[0]) * (place - low)
            quantile[:, seed] = np.where(total > 0, value, np.nan)
    return found


def _worst_class(values: np.ndarray, scores: Scores, draws: Draws, metric: Metric) -> np.ndarray:
    """The worst of the classes' means; a class that a replicate has not drawn does not count there."""
    classes = np.asarray(scores.class_of_group)
    means = []
    for name in sorted(set(scores.class_of_group)):
        own = classes == name
        means.append(_over_seeds(_mean(values[:, :, own], draws.groups[:, own]), draws.seeds))
    table = np.stack(means, axis=1)
    gains = metric.gain(table, np.zeros_like(table))
    worst = np.where(np.isfinite(gains), gains, np.inf).argmin(axis=1)
    return table[np.arange(len(table)), worst]


def _pooled(array: np.ndarray, scores: Scores, draws: Draws, metric: Metric) -> np.ndarray:
    """The metric of all groups' sums together, seed by seed: counts are added up again in every replicate."""
    weights = draws.cells
    if weights is None:  # whole groups are drawn, so their cells are added up once
        weights, array = draws.groups, group_sums(array, scores)
    summed = np.tensordot(weights, array, (1, 1))  # (replicate, seed, sum); as a product of matrices, which is fast
    return _over_seeds(metric.function(as_sums(summed, scores.names)), draws.seeds)


def interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of replicates (the first of them is the point and left out); NaN replicates do not count."""
    usable = values[1:][~np.isnan(values[1:])]
    if len(usable) == 0:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(usable, [tail, 1 - tail], method="inverted_cdf" if np.isinf(usable).any() else "linear")
    return float(low), float(high)


def probability_of_improvement(better: np.ndarray, reference: np.ndarray, gain: Callable[..., np.ndarray]) -> float:
    """P(A > B) over all pairs of seeds, half for a tie, of each group, then averaged.

    Args:
        better, reference: (seed, group) values of a metric.
        gain: of two arrays, positive where the first is better.
    """
    difference = gain(better[:, None], reference[None])  # (seed, seed, group)
    won = np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))
    defined = np.isfinite(difference)
    by_group = _ratio((won * defined).sum((0, 1)), defined.sum((0, 1)))
    return float(np.nanmean(by_group)) if np.isfinite(by_group).any() else float("nan")
