"""The per-site scores that CarbonFluxBench's authors released (Rozanov et al. 2026, arXiv 2603.09868)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from landbridge.judge.recompute import Published
from landbridge.stage import StageError

NAME = re.compile(r"(?P<model>[a-z_-]+)_(?P<split>IGBP|Koppen)_(?P<inputs>minimal|standard|full)(_ensemble)?\.csv")
METRICS = {"R2": "r2", "RMSE": "rmse", "nMAE": "nmae", "RAE": "rae"}
TARGETS = {"GPP_NT_VUT_USTAR50": "gpp", "RECO_NT_VUT_USTAR50": "reco", "NEE_VUT_USTAR50": "nee"}


def read(folder: Path) -> Iterator[Published]:
    """Scores of every file below `folder`, in the order of their names.

    Raises:
        StageError: a name, column or value that the released files do not have.
    """
    paths = sorted(folder.rglob("*.csv"))
    if not paths:
        raise StageError(f"{folder}: no CSV file; the authors' folder baselines/eval_results belongs here")
    for path in paths:
        match = NAME.fullmatch(path.name)
        if match is None:
            raise StageError(
                f"{path}: its name does not tell model, split and weather set, as lstm_IGBP_minimal.csv does"
            )
        yield _read(path, match)


def _read(path: Path, match: re.Match[str]) -> Published:
    with path.open(newline="") as handle:
        reader = csv.DictReader(handle)
        absent = [name for name in ("site", "target", *METRICS) if name not in (reader.fieldnames or [])]
        if absent:
            raise StageError(f"{path}: no column {', '.join(absent)}; it has {', '.join(reader.fieldnames or [])}")
        rows = list(reader)
    units = sorted({row["site"] for row in rows})
    found = {(row["target"], row["site"]): row for row in rows}
    if len(found) != len(rows) or len(rows) != len(units) * len(TARGETS):
        raise StageError(f"{path}: {len(rows)} rows for {len(units)} sites and three targets; each must stand once")
    values = {}
    for target, ours in TARGETS.items():
        for column, metric in METRICS.items():
            try:
                values[ours, metric] = np.array([float(found[target, site][column] or "nan") for site in units])
            except (KeyError, ValueError) as error:
                raise StageError(f"{path}: {target}, {column}: {error}; every field is a number or empty") from error
    seeds = int(rows[0].get("n_seeds") or 1) if rows else 1
    return Published(match["model"], match["split"], match["inputs"], path.name, units, values, seeds)
