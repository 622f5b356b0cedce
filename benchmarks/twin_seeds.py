"""The verdict on fine-tuning over ten twins of each shift: `python benchmarks/twin_seeds.py [--seeds 10]`.

Runs the workflow once for each twin in a folder of its own; some 40 seconds each on two cores.
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
HEADLINE = {"target": "gpp", "metric": "rmse", "statistic": "mean"}


def run(seed: int, shift: str) -> list[dict[str, str]]:
    """Effects of one twin."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            source = ROOT / part
            shutil.copytree(source, folder / part) if source.is_dir() else shutil.copy2(source, folder / part)
        override = {"datasets": {"twin_towers": {"twin": {"seed": seed, "shift": shift}}}, "recipes": RECIPES}
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            "2",
            "flux_towers",
            "--config",
            f"flux_towers={override}",
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        with (folder / "results/flux_towers/compare/twin_towers/effects.csv").open(newline="") as handle:
            return list(csv.DictReader(handle))


def main() -> None:
    """Print one line for each twin and a count for each shift."""
    sys.path.insert(0, str(ROOT / "workflow"))
    from landbridge.judge.compare import helps_at

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--shifts", nargs="+", default=["related", "unrelated"])
    arguments = parser.parse_args()
    for shift in arguments.shifts:
        helped = 0
        for seed in range(1, arguments.seeds + 1):
            effects = run(seed, shift)
            verdicts = {budget: helps_at(effects, "full_finetune", budget, HEADLINE) for budget in ("1", "4")}
            shown = {
                row["budget"]: f"{float(row['delta']):+.2f} [{float(row['low']):+.2f}, {float(row['high']):+.2f}]"
                for row in effects
                if row["recipe"] == "full_finetune"
                and row["reference"] == "target_only"
                and row["delta"]
                and all(row[key] == value for key, value in HEADLINE.items())
            }
            helped += "helps" in verdicts.values()
            print(shift, seed, shown, verdicts, flush=True)
        print(f"{shift}: helps at 1 or 4 labelled groups in {helped} of {arguments.seeds} twins", flush=True)


if __name__ == "__main__":
    main()
