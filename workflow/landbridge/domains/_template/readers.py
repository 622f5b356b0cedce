"""Readers of the domain's datasets: raw files to units with canonical names and units."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit


def read_places(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Places of `places.csv`, each with a file of its own, in the order of their names.

    Args:
        folder: of the raw files.
        settings: `reader_settings` of the dataset.
        counts: gets what was read and what was dropped.
    """
    with (folder / "places.csv").open(newline="") as handle:
        places = sorted(csv.DictReader(handle), key=lambda row: row["place"])
    counts["places"] += len(places)
    for row in places:
        table = np.genfromtxt(folder / f"{row['place']}.csv", delimiter=",", names=True)
        time = np.datetime64("2020-01-01") + table["day"].astype(int)
        values = {name: table[name].astype(np.float32) for name in ("yield", "driver_1", "driver_2", "yield_truth")}
        static = {"lat": float(row["lat"]), "lon": float(row["lon"]), "region": row["region"], "place": row["place"]}
        yield Unit(row["place"], time, values, static)


READERS = {"places": read_places}
