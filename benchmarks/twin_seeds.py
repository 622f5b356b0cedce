"""The verdict on fine-tuning over ten twins: `python benchmarks/twin_seeds.py [gps_traces] [--seeds 10]`.

For each domain twins in which something can be learned, and a control in which nothing can. Runs the workflow once for
each twin in a folder of its own, some 40 to 60 seconds each on two cores.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "scripts", "config", "profiles", "envs")
RECIPES = ["naive", "source_only", "target_only", "full_finetune"]


def towers(seed: int, kind: str) -> dict[str, object]:
    """Settings of a twin of flux towers."""
    return {"datasets": {"twin_towers": {"twin": {"seed": seed, "shift": kind}}}}


def cities(seed: int, kind: str) -> dict[str, object]:
    """Settings of the twins of GPS traces; modes of the second city are drawn at random in the control."""
    first, second = {"twin": {"seed": seed}}, {"twin": {"seed": seed, "relabel": kind == "relabelled"}}
    return {
        "datasets": {"twin_city_a": first, "twin_city_b": second},
        "twin": {"twin_cities": {"budgets": [0, 50]}},
        "figures": ["audit"],
    }


# By domain: scenario, kinds of twins (the control last), settings, headline, budgets that are looked at.
STUDIES = {
    "flux_towers": (
        "twin_towers",
        ("related", "unrelated"),
        towers,
        {"target": "gpp", "metric": "rmse", "statistic": "mean"},
        ("1", "4"),
    ),
    "gps_traces": (
        "twin_cities",
        ("related", "relabelled"),
        cities,
        {"target": "label", "metric": "macro_f1.unit", "statistic": "pooled"},
        ("50",),
    ),
}


def run(domain: str, seed: int, kind: str, seeds: int = 3) -> list[dict[str, str]]:
    """Effects of one twin, with so many paired seeds of training."""
    scenario, _, settings, _, _ = STUDIES[domain]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            source = ROOT / part
            shutil.copytree(source, folder / part) if source.is_dir() else shutil.copy2(source, folder / part)
        override = {**settings(seed, kind), "recipes": RECIPES}
        changed = [f"seeds={seeds}", f"{domain}={override}"]
        command = [sys.executable, "-m", "snakemake", "--cores", "2", domain, "--config", *changed]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        with (folder / f"results/{domain}/compare/{scenario}/effects.csv").open(newline="") as handle:
            return list(csv.DictReader(handle))


def main() -> None:
    """Print one line for each twin and a count for each kind."""
    sys.path.insert(0, str(ROOT / "workflow"))
    from landbridge.judge.compare import helps_at

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", nargs="?", choices=list(STUDIES), default="flux_towers")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--kinds", nargs="+")
    arguments = parser.parse_args()
    _, kinds, _, headline, budgets = STUDIES[arguments.domain]
    for kind in arguments.kinds or kinds:
        helped = 0
        for seed in range(1, arguments.seeds + 1):
            effects = run(arguments.domain, seed, kind)
            verdicts = {budget: helps_at(effects, "full_finetune", budget, headline) for budget in budgets}
            shown = {
                row["budget"]: f"{float(row['delta']):+.3f} [{float(row['low']):+.3f}, {float(row['high']):+.3f}]"
                for row in effects
                if row["recipe"] == "full_finetune"
                and row["reference"] == "target_only"
                and row["delta"]
                and all(row[key] == value for key, value in headline.items())
            }
            helped += "helps" in verdicts.values()
            print(kind, seed, shown, verdicts, flush=True)
        print(f"{kind}: helps at {' or '.join(budgets)} in {helped} of {arguments.seeds} twins", flush=True)


if __name__ == "__main__":
    main()
