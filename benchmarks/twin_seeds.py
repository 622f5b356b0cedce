"""The verdict on a recipe over ten twins: `python benchmarks/twin_seeds.py [DOMAIN] [--seeds 10]`.

For each domain twins in which something can be learned, and a control in which nothing can. Runs the workflow once for
each twin in a folder of its own, some 40 seconds to three minutes each on two cores. For smart meters also how much of
the way from the source model to training from scratch on all labels one labelled day goes.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow")]

from landbridge.judge import tables
from landbridge.judge.effects import helps_at

from benchmarks.apart import run_apart

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Study:
    """What is asked of the twins of a domain.

    Attributes:
        scenario: that is run.
        kinds: of twins, the control last.
        settings: overrides of the domain for (seed, kind).
        headline: rows that are looked at.
        recipe: that is judged.
        budgets: at which.
        reference_budget: of training from scratch, where the share of the way towards it is told.
        naive: the naive reference.
        rival: a recipe whose score is told beside that of the recipe, at the first budget; higher is better.
        beaten: recipe of which it is told, budget by budget, in how many twins the judged one misses by less.
    """

    scenario: str
    kinds: tuple[str, ...]
    settings: Callable[[int, str], dict[str, Any]]
    headline: dict[str, str]
    recipe: str
    budgets: tuple[str, ...]
    reference_budget: str | None = None
    naive: str = "naive"
    rival: str | None = None
    beaten: str | None = None


def towers(seed: int, kind: str) -> dict[str, Any]:
    """Settings of a twin of flux towers."""
    return {"datasets": {"twin_towers": {"twin": {"seed": seed, "shift": kind}}}}


def cities(seed: int, kind: str) -> dict[str, Any]:
    """Settings of the twins of GPS traces; modes of the second city are drawn at random in the control."""
    first, second = {"twin": {"seed": seed}}, {"twin": {"seed": seed, "relabel": kind == "relabelled"}}
    return {
        "datasets": {"twin_city_a": first, "twin_city_b": second},
        "twin": {"twin_cities": {"budgets": [0, 50]}},
        "figures": ["audit"],
    }


def homes(seed: int, kind: str) -> dict[str, Any]:
    """Settings of the twins of smart meters; in the control British mains tell nothing of the appliances."""
    first, second = {"twin": {"seed": seed}}, {"twin": {"seed": seed, "unrelated": kind == "unrelated"}}
    return {
        "datasets": {"twin_homes_us": first, "twin_homes_uk": second},
        "twin": {"twin_homes_embedding": {"budgets": [0, 1] if kind == "unrelated" else [0, 1, "all"]}},
        "figures": ["audit"],
    }


def fires(seed: int, kind: str) -> dict[str, Any]:
    """Settings of a twin of fires; in the control burned ground of the peatland looks like nothing in the source."""
    return {
        "datasets": {"twin_fires": {"twin": {"seed": seed, "shift": kind}}},
        "twin": {"twin_fires": {"budgets": [0, 2]}},
        "figures": ["audit"],
        "maps": [],
    }


def wetlands(seed: int, kind: str) -> dict[str, Any]:
    """Settings of a twin of wetlands; in the control the simulator knows nothing of the towers."""
    return {"datasets": {"twin_wetlands": {"twin": {"seed": seed, "shift": kind}}}, "figures": ["audit"]}


STUDIES = {
    "flux_towers": Study(
        "twin_towers",
        ("related", "unrelated"),
        towers,
        {"target": "gpp", "metric": "rmse", "statistic": "mean"},
        "full_finetune",
        ("1", "4"),
    ),
    "gps_traces": Study(
        "twin_cities",
        ("related", "relabelled"),
        cities,
        {"target": "label", "metric": "macro_f1.unit", "statistic": "pooled"},
        "full_finetune",
        ("50",),
    ),
    "satellite_imagery": Study(
        "twin_fires",
        ("related", "unrelated"),
        fires,
        {"target": "label", "metric": "iou", "statistic": "pooled"},
        "full_finetune",
        ("2",),
        rival="index_threshold.target",
    ),
    "wetland_methane": Study(
        "twin_wetlands",
        ("related", "unrelated"),
        wetlands,
        {"target": "ch4_flux", "metric": "rmse", "statistic": "median"},
        "residual_over_simulator",
        ("1", "2", "4", "all"),
        beaten="source_only",
    ),
    "smart_meters": Study(
        "twin_homes_embedding",
        ("related", "unrelated"),
        homes,
        {"target": "macro", "metric": "mae", "statistic": "mean"},
        "embedding_only",
        ("1",),
        reference_budget="all",
        naive="naive.zero",
    ),
}


def run(domain: str, seed: int, kind: str, seeds: int = 3) -> tuple[Rows, Rows]:
    """Effects and leaderboard of one twin, with so many paired seeds of training."""
    study = STUDIES[domain]
    own = study.settings(seed, kind)
    recipes = [study.naive, "source_only", "target_only", study.recipe, *([study.rival] if study.rival else [])]
    own.setdefault("twin", {}).setdefault(study.scenario, {})["recipes"] = recipes
    changed = [f"seeds={seeds}", f"scenarios=['{study.scenario}']", f"{domain}={own}"]
    compared = f"results/{domain}/compare/{study.scenario}"
    with run_apart(f"{compared}/effects.csv", changed) as folder:  # no figures: nobody would see them
        return tables.read(folder / compared / "effects.csv"), tables.read(folder / compared / "leaderboard.csv")


def value_of(leaderboard: Rows, study: Study, recipe: str, budget: str) -> float:
    """The headline's value of a recipe, perhaps with a variant, at a budget."""
    name, _, variant = recipe.partition(".")
    wanted = {**study.headline, "recipe": name, "budget": budget}
    found = [row for row in leaderboard if wanted.items() <= row.items() and variant in ("", row["variant"])]
    return float(found[0]["value"])


def share_of_the_way(leaderboard: Rows, study: Study, budget: str) -> float:
    """How much of the way from the source model to training from scratch on all labels a recipe goes, by the headline.

    NaN where training from scratch is no better than the source model.
    """
    source = value_of(leaderboard, study, "source_only", budget)
    scratch = value_of(leaderboard, study, "target_only", str(study.reference_budget))
    own = value_of(leaderboard, study, study.recipe, budget)
    return (source - own) / (source - scratch) if scratch < source else float("nan")


def gains(effects: Rows, study: Study, reference: str) -> dict[str, float]:
    """By budget, how much better than another recipe the judged one is, by the headline; NaN where it has no score."""
    wanted = {**study.headline, "recipe": study.recipe, "reference": reference}
    rows = {row["budget"]: row["delta"] for row in effects if wanted.items() <= row.items()}
    return {budget: float(rows[budget] or "nan") for budget in study.budgets}


def main() -> None:
    """Print one line for each twin and a count for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", nargs="?", choices=list(STUDIES), default="flux_towers")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="seed of the first twin")
    parser.add_argument("--training-seeds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+")
    arguments = parser.parse_args()
    study = STUDIES[arguments.domain]
    for kind in arguments.kinds or study.kinds:
        helped, halfway, won = 0, 0, 0
        better = dict.fromkeys(study.budgets, 0)
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            effects, leaderboard = run(arguments.domain, seed, kind, arguments.training_seeds)
            verdicts = {budget: helps_at(effects, study.recipe, budget, study.headline) for budget in study.budgets}
            shown = {
                f"{row['reference']} at {row['budget']}": f"{float(row['delta']):+.3f} "
                f"[{float(row['low']):+.3f}, {float(row['high']):+.3f}]"
                for row in effects
                if row["recipe"] == study.recipe
                and row["reference"] in ("target_only", "source_only")
                and row["budget"] in study.budgets
                and row["delta"]
                and all(row[key] == value for key, value in study.headline.items())
            }
            helped += "helps" in verdicts.values()
            line = [kind, seed, shown, verdicts]
            if study.beaten:
                better = {at: better[at] + (gain > 0) for at, gain in gains(effects, study, study.beaten).items()}
            if study.reference_budget and kind == study.kinds[0]:
                share = share_of_the_way(leaderboard, study, study.budgets[0])
                halfway += share >= 0.5
                line.append(f"{share:.2f} of the way to scratch with {study.reference_budget}")
            if study.rival:
                own, other = (
                    value_of(leaderboard, study, name, study.budgets[0]) for name in (study.recipe, study.rival)
                )
                won += own > other
                line.append(f"{study.recipe} {own:.2f}, {study.rival} {other:.2f}")
            print(*line, flush=True)
        at = f"at {' or '.join(study.budgets)}"
        print(f"{kind}: {study.recipe} helps {at} in {helped} of {arguments.seeds} twins", flush=True)
        if study.beaten:
            counts = ", ".join(f"{count} at {budget}" for budget, count in better.items())
            print(f"{kind}: {study.recipe} beats {study.beaten} in {counts} of {arguments.seeds} twins", flush=True)
        if study.reference_budget and kind == study.kinds[0]:
            print(f"{kind}: at least half of the way in {halfway} of {arguments.seeds}", flush=True)
        if study.rival:
            print(f"{kind}: better than {study.rival} in {won} of {arguments.seeds}", flush=True)


if __name__ == "__main__":
    main()
