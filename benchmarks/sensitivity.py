"""Where a spread between seeds comes from: `python benchmarks/sensitivity.py [DOMAIN] [--seeds 5]`.

Varies one thing at a time and holds the other two: who is in the pool and who in the test (`split`), which labels of
the pool a budget holds (`subset`), first weights and the order of batches (`init`). Prints for each recipe and budget
the standard deviation of the headline over the seeds of each. Runs the workflow two times and once more for each
split, on the domain's first default scenario of twins, in a folder of its own; some minutes on two cores.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow")]

from landbridge.judge.bootstrap import PLAIN, draw, replicate_values, statistics_of
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import Run, Scores, by_group, read_scores
from landbridge.offered import read_config

from benchmarks.apart import run_apart

REFERENCES = ("source_only", "target_only", "full_finetune")
Values = dict[tuple[str, str], list[float]]  # of each (recipe, budget), one for each seed


def value(scores: Scores, run: Run, number: int, seed: int, headline: dict[str, str]) -> float:
    """The headline of one seed at the budget of that number, over the data as they are."""
    statistic, metric = headline["statistic"], find_metric(scores.task, headline["metric"], scores.classes)
    draws = replace(draw(scores, 0, ""), seeds=np.ones((1, 1)))
    if statistic in PLAIN:
        own = by_group(run, scores, metric, number, headline["target"])[None, [seed]]
        return float(statistics_of(own, draws, [statistic])[statistic][0])
    sums = run.sums[headline["target"]][number][[seed]]
    return float(replicate_values(sums, scores, draws, metric, [statistic])[statistic][0])


def values(scores: Scores, headline: dict[str, str]) -> Values:
    """The headline of every seed, of each recipe and budget that has one."""
    return {
        (".".join(filter(None, (run.recipe, run.variant))), budget): [
            value(scores, run, number, seed, headline) for seed in range(len(scores.seeds))
        ]
        for run in scores.runs
        for number, budget in enumerate(scores.budgets)
        if run.status[number] == "ok"
    }


def run(domain: str, scenario: str, settings: dict[str, Any], seeds: int, headline: dict[str, str]) -> Values:
    """One run of the workflow with settings of the scenario laid over its own."""
    changed = [f"seeds={seeds}", f"scenarios=['{scenario}']", f"{domain}={{'twin': {{'{scenario}': {settings}}}}}"]
    with run_apart(f"results/{domain}/compare/{scenario}/leaderboard.csv", changed) as folder:
        files = sorted((folder / f"results/{domain}/evaluate/{scenario}").glob("*.parquet"))
        return values(read_scores(files, [str(budget) for budget in settings["budgets"]]), headline)


def table_of(varied: dict[str, Values]) -> list[str]:
    """One line for each recipe and budget: mean, and the standard deviation over each thing that varied."""
    lines = [f"{'recipe':34}{'budget':>8}{'mean':>10}" + "".join(f"{f'sd of {name}':>15}" for name in varied)]
    names = sorted(set.intersection(*(set(found) for found in varied.values())))
    for name in names:
        mean = np.mean([value for found in varied.values() for value in found[name]])
        spreads = [np.std(found[name], ddof=1) for found in varied.values()]
        lines.append(f"{name[0]:34}{name[1]:>8}{mean:10.4g}" + "".join(f"{spread:15.3g}" for spread in spreads))
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domain", nargs="?", default="flux_towers")
    parser.add_argument("--scenario", help="of the tier twin; the domain's first if absent")
    parser.add_argument("--seeds", type=int, default=5, help="values of each thing that varies")
    parser.add_argument("--recipes", nargs="+", default=list(REFERENCES), help="beside the naive reference")
    parser.add_argument("--budgets", nargs="+", help="those of the scenario if absent")
    arguments = parser.parse_args()
    domain = read_config({}, []).domains[arguments.domain]
    scenario = arguments.scenario or next(iter(domain.twin))
    own = domain.twin[scenario]
    shared: dict[str, Any] = {
        "recipes": [*(name for name in domain.recipes if name.split(".")[0] == "naive"), *arguments.recipes],
        "budgets": [size if size == "all" else int(size) for size in arguments.budgets or own.budgets],
    }

    def varying(settings: dict[str, Any], seeds: int) -> Values:
        return run(arguments.domain, scenario, {**shared, **settings}, seeds, own.headline.model_dump())

    splits = [varying({"split": {"seed": seed}}, 1) for seed in range(arguments.seeds)]
    common = set.intersection(*(set(found) for found in splits))
    varied = {
        "split": {name: [found[name][0] for found in splits] for name in common},
        "subset": varying({"hold": ["init"]}, arguments.seeds),
        "init": varying({"hold": ["subset"]}, arguments.seeds),
    }
    print(*table_of(varied), sep="\n")


if __name__ == "__main__":
    main()
