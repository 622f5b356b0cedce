"""Published scores put through the judging of this project: the stage `recompute`.

A domain's `published.py` reads the authors' files into values by model, split and target; statistics over units and
their intervals are those of every other table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.io.download import verify
from landbridge.judge import bootstrap, tables
from landbridge.judge.bootstrap import Draws
from landbridge.prepare.streams import generator
from landbridge.stage import Job

COLUMNS = (
    *("model", "split", "inputs", "target", "metric", "statistic", "value", "low", "high", "interval", "units"),
    *("seeds", "file"),
)


@dataclass(frozen=True)
class Published:
    """Scores of one model in one published file.

    Attributes:
        values: by target and metric (unit,), in one order of units.
        seeds: models whose mean was scored; 1 for a single model.
    """

    model: str
    split: str
    inputs: str
    file: str
    units: list[str]
    values: Mapping[tuple[str, str], np.ndarray]
    seeds: int


def run(job: Job) -> None:
    """Input: `manifest`. Settings: `raw` as a place. Output: `table`."""
    raw = Path(job.settings["raw"])
    verify(json.loads(job.input("manifest").read_text()), raw)
    rows = [row for item in job.load("published").read(raw) for row in rows_of(item, job.settings)]
    tables.write(job.outputs["table"], COLUMNS, rows)


def rows_of(item: Published, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Statistics over the units of one file; units are resampled, one published model has no seeds to resample."""
    replicates = settings["bootstrap"]["replicates"]
    random = generator("bootstrap of published scores", len(item.units))
    drawn = random.multinomial(len(item.units), np.full(len(item.units), 1 / len(item.units)), size=replicates)
    draws = Draws("groups", np.concatenate([np.ones((1, len(item.units))), drawn]), np.ones((replicates + 1, 1)), None)
    statistics = [name for name in settings["statistics"] if name in bootstrap.PLAIN]
    for (target, metric), values in item.values.items():
        found = bootstrap.statistics_of(values[None, None], draws, statistics)
        for statistic, of_draws in found.items():
            low, high = bootstrap.interval(of_draws, settings["bootstrap"]["level"])
            yield {
                "model": item.model,
                "split": item.split,
                "inputs": item.inputs,
                "target": target,
                "metric": metric,
                "statistic": statistic,
                "value": float(of_draws[0]),
                "low": low,
                "high": high,
                "interval": "units",
                "units": len(item.units),
                "seeds": item.seeds,
                "file": item.file,
            }
