"""A synthetic dataset in the layout of a published one, with known truth."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from landbridge.prepare.streams import generator

NOISE = 0.1


def write_twin(folder: Path, dataset: str, seed: int, *, places: int = 24, days: int = 60) -> None:
    """Write the raw files; equal arguments give equal bytes.

    Args:
        folder: where to; it exists.
        dataset: name of the dataset; a part of the random streams.
        seed: of everything drawn.
        places: half of them in the east, half in the west, where the second driver counts for less.
        days: length of every record.
    """
    random = generator("twin", dataset, seed)
    rows = []
    for number in range(places):
        east = number < places // 2
        name = f"place{number:02d}"
        rows.append({"place": name, "lat": number, "lon": 10 if east else -10, "region": "east" if east else "west"})
        drivers = random.normal(size=(days, 2))
        truth = drivers @ np.array([1.0, 1.0 if east else 0.5])
        noisy = truth + NOISE * random.normal(size=days)
        table = np.column_stack([np.arange(days), noisy, drivers, truth])
        header = "day,yield,driver_1,driver_2,yield_truth"
        np.savetxt(folder / f"{name}.csv", table, fmt="%.6f", delimiter=",", header=header, comments="")
    with (folder / "places.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
