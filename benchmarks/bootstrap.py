"""Speed of the bootstrap: `python benchmarks/bootstrap.py [--statistics mean iqm pooled]`.

2,000 replicates over 200 groups x 5 seeds x 20 recipes x 5 budgets: the draws, every replicate of the statistics, and
the intervals of each recipe and of its difference from one reference. The target is 10 s for the mean. Prints seconds
by statistic.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from landbridge.judge import bootstrap
from landbridge.judge.metrics import regression
from landbridge.judge.scores import Run, Scores

REPLICATES, GROUPS, SEEDS, RECIPES, BUDGETS = 2000, 200, 5, 20, 5
STATISTICS = ("mean", "median", "iqm", "pooled")


def made() -> Scores:
    """Errors of made-up recipes: every group and every seed has a level of its own."""
    random = np.random.default_rng(1)
    shape = (BUDGETS, SEEDS, GROUPS)
    level = 1 + 0.2 * random.normal(size=(1, 1, GROUPS)) + 0.05 * random.normal(size=(1, SEEDS, 1))
    runs = []
    for number in range(RECIPES):
        sums = np.zeros((*shape, len(regression.SUMS)))
        sums[..., regression.SUMS.index("n")] = 100
        squared = (level + 0.1 * random.normal(size=shape)) ** 2
        sums[..., regression.SUMS.index("sum_sq_error")] = 100 * squared
        runs.append(Run("m", f"r{number}", "", {"y": sums}, ["fixed"] * BUDGETS, ["ok"] * BUDGETS, [1] * BUDGETS))
    groups = [f"g{number:03d}" for number in range(GROUPS)]
    names, budgets = tuple(regression.SUMS), [str(2**number) for number in range(BUDGETS)]
    return Scores(
        runs, names, ["y"], budgets, groups, ["c"] * GROUPS, np.arange(GROUPS), list(range(SEEDS)), "regression"
    )


def seconds(scores: Scores, statistic: str) -> float:
    """Wall time of all that a table needs of one statistic."""
    begun = time.perf_counter()
    metric = regression.METRICS["rmse"]
    draws = bootstrap.draw(scores, REPLICATES, "benchmark")
    for number in range(BUDGETS):
        arrays = [own.sums["y"][number] for own in scores.runs]
        found = [bootstrap.replicate_values(a, scores, draws, metric, [statistic])[statistic] for a in arrays]
        for values in found:
            bootstrap.interval(values, 0.95)
            bootstrap.interval(metric.gain(values, found[0]), 0.95)
    return time.perf_counter() - begun


def main() -> None:
    """Every statistic in turn."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--statistics", nargs="+", choices=bootstrap.STATISTICS, default=list(STATISTICS))
    scores = made()
    for statistic in parser.parse_args().statistics:
        print(f"{statistic:8} {seconds(scores, statistic):6.2f} s")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
