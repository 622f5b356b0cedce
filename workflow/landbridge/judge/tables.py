"""The tables of a comparison: their columns, and how numbers are written."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

LEADERBOARD = (
    *("model", "recipe", "variant", "selection", "budget", "budget_unit", "target", "metric", "statistic", "value"),
    *("low", "high", "interval", "groups", "seeds", "status", "leakage", "pretraining_exposure", "spread"),
)
LARGE = (*LEADERBOARD[:-1], "labels_for_selection", LEADERBOARD[-1])
EFFECTS = (
    *("model", "recipe", "variant", "selection", "reference", "budget", "budget_unit", "target", "metric"),
    *("statistic", "delta", "low", "high", "interval", "groups", "seeds", "p_improve", "p_wilcoxon", "p_holm"),
    *("verdict", "status", "leakage", "pretraining_exposure"),
)
OF_EFFECT = ("delta", "low", "high", "p_improve", "p_wilcoxon", "p_holm")  # numbers of an effect
LABELS = (
    *("model", "recipe", "variant", "selection", "target", "metric", "statistic", "budget", "n_equivalent", "saved"),
    *("ratio", "low", "high", "censored", "area", "area_low", "area_high", "status", "leakage"),
)
COST = (
    *("model", "recipe", "variant", "selection", "fold", "seed", "stage", "seconds", "search_seconds", "peak_mb"),
    *("device", "trained_parameters", "total_parameters", "fits", "labels_used", "labels_for_selection"),
    *("bytes_to_ship", "objective", "shared", "effective_sample_size", "effective_share"),
)


def number(value: Any) -> str:
    """A number with six significant digits, so that tables are equal from run to run; nothing for NaN."""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return f"{value:.6g}" if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    return str(value)


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV with exactly these columns."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([number(row[column]) for column in columns])


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a table, as text."""
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def as_float(text: str) -> float:
    """A number of a table; NaN where nothing stands."""
    return float(text) if text else float("nan")
