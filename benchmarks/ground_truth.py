"""What recipes do where it is known what they must do: `python benchmarks/ground_truth.py [SCENARIO ...] [--seeds 10]`.

Prints the table of `docs/ground_truth.md`: of every claim the least margin that is asked, and the least, the median and
the largest that were seen. Some ten seconds a seed on one core.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

import numpy as np

from tests.ground_truth import run
from tests.ground_truth_scenarios import SCENARIOS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS), metavar="SCENARIO")
    parser.add_argument("--seeds", type=int, default=10)
    chosen = parser.parse_args()
    unknown = [name for name in chosen.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"{', '.join(unknown)} is not known; write {', '.join(SCENARIOS)}")
    print("| scenario | claim | asked | least | median | largest | held |")
    print("|---|---|---|---|---|---|---|")
    for name in chosen.scenarios:
        with tempfile.TemporaryDirectory() as folder:
            found = [run(SCENARIOS[name], seed, Path(folder) / str(seed)) for seed in range(chosen.seeds)]
        for claim in SCENARIOS[name].claims:
            margins = np.array([claim.margin(own) for own in found])
            held = f"{(margins >= claim.least).sum()} of {len(margins)}"
            numbers = " | ".join(f"{value:.2f}" for value in (margins.min(), np.median(margins), margins.max()))
            print(f"| `{name}` | {claim.text} | {claim.least:g} | {numbers} | {held} |", flush=True)


if __name__ == "__main__":
    main()
