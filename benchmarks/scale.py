"""How planning grows with the number of jobs: `python benchmarks/scale.py [SEEDS ...]`, some minutes.

Dry runs of the default configuration in a folder without results, with more and more seeds, and of one domain of the
largest. Processor seconds and peak memory are those of snakemake itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.apart import project_apart

SEEDS = (1, 20, 200)


def planned(folder: Path, target: str, seeds: int) -> tuple[int, float, float, float]:
    """Jobs, processor seconds, seconds and peak MB of one dry run."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2", target]
    with tempfile.TemporaryFile("w+") as output:
        before = os.times().elapsed
        process = subprocess.Popen(
            [*command, "--config", f"seeds={seeds}"], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = os.times().elapsed - before
        output.seek(0)
        text = output.read()
    if status:
        raise SystemExit(text[-3000:])
    jobs = re.search(r"^total\s+(\d+)", text, re.MULTILINE)
    return int(jobs[1]) if jobs else 0, usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Print one line a dry run."""
    asked = [int(word) for word in sys.argv[1:]] or list(SEEDS)
    runs = [*(("all", seeds) for seeds in asked), ("flux_towers", asked[-1])]
    with project_apart() as folder:
        print(f"{'target':12} {'seeds':>6} {'jobs':>7} {'CPU s':>8} {'s':>8} {'MB':>7} {'ms a job':>9}")
        for target, seeds in runs:
            jobs, cpu, seconds, memory = planned(folder, target, seeds)
            each = 1000 * cpu / max(jobs, 1)
            print(f"{target:12} {seeds:6} {jobs:7} {cpu:8.1f} {seconds:8.1f} {memory:7.0f} {each:9.1f}", flush=True)


if __name__ == "__main__":
    main()
