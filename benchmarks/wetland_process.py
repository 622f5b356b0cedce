"""Speed of the wetland model: `python benchmarks/wetland_process.py`.

Runs 10,000 site-years as many sites, as a mix and as few sites with long records; prints medians of several runs and
the peak of memory. The target is 10 s.
"""

import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))
REPEATS = 3
SHAPES = ((10_000, 1), (1_000, 10), (250, 40))  # sites, years


def seconds(sites: int, years: int) -> float:
    """Median time of a run; making the drivers is not counted."""
    from landbridge.domains.wetland_methane import process, wetlands
    from landbridge.domains.wetland_methane.quantities import Drivers

    types = [list(wetlands.read_numbers()["types"])[number % 6] for number in range(sites)]
    day = np.arange(wetlands.YEAR * years) % wetlands.YEAR + 1.0
    northern = wetlands.northern_day(day, np.full(sites, 60.0))
    air = 3 + 14 * np.cos(2 * np.pi * (northern - wetlands.WARMEST) / wetlands.YEAR)
    grown = wetlands.growth(northern)
    drivers = Drivers(air, wetlands.usual_water_table(types, northern), grown, wetlands.npp(types, grown, air))
    parameters = wetlands.reference_parameters(types)
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        process.run(drivers, parameters)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


if __name__ == "__main__":
    for sites, years in SHAPES:
        taken = seconds(sites, years)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{sites:6} sites x {years:2} years: {taken:.2f} s, peak so far {peak:.2f} GiB")
