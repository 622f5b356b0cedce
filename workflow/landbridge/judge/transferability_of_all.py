"""Does a measure that is known before training tell which scenarios gain? The stage `summarise_transferability`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.judge import tables
from landbridge.judge.tables import as_float
from landbridge.judge.transferability import rank_correlation
from landbridge.stage import Job

COLUMNS = (
    *("measure", "expected", "recipe", "variant", "spearman", "low", "high", "pairs", "targets", "domains"),
    "status",
)
EXPECTED = {"leep": "+", "logme": "+"}  # sign; distances and shifts are larger where less should be gained

Values = dict[tuple[str, str, str], float]  # (domain, scenario, model) to a number


def run(job: Job) -> None:
    """Inputs: `summary`, and `measures` of each scenario. Output: `table`."""
    of_measures: dict[str, Values] = {}
    for path in job.input_list("measures"):  # {domain}/transferability/{scenario}.csv
        for row in tables.read(path):
            if not row["group"]:
                pair = (path.parent.parent.name, path.stem, row["model"])
                of_measures.setdefault(row["measure"], {})[pair] = as_float(row["value"])
    gains = largest_gains(tables.read(job.input("summary")))
    targets = {(own["domain"], own["scenario"]): own["target"] for own in job.settings["scenarios"]}
    rows = [
        pair_row(measure, values, recipe, own, targets, job.settings)
        for measure, values in of_measures.items()
        for recipe, own in gains.items()
    ]
    tables.write(job.outputs["table"], COLUMNS, rows)


def largest_gains(summary: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], Values]:
    """By recipe and variant, the relative gain over `target_only` of each pair at its largest budget that has one.

    Relative to the score of `target_only`, since scenarios have metrics and units of their own.
    """
    found: dict[tuple[str, str], Values] = {}
    for row in summary:  # budgets stand in order, so the last one that has a gain is kept
        if row["model"] != "none" and row["relative_gain"]:
            pair = (row["domain"], row["scenario"], row["model"])
            found.setdefault((row["recipe"], row["variant"]), {})[pair] = as_float(row["relative_gain"])
    return found


def pair_row(
    measure: str,
    values: Values,
    recipe: tuple[str, str],
    gains: Values,
    targets: Mapping[tuple[str, str], str],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """How one measure ranks the gain of one recipe over pairs.

    The interval draws target datasets with all of their pairs, which are not independent of each other.

    Args:
        values, gains: by pair.
        recipe: its name and variant.
        targets: target dataset of each domain and scenario.
        settings: the tier, and of `rank_correlation`.
    """
    pairs = [pair for pair in gains if np.isfinite(values.get(pair, float("nan")))]
    clusters = [f"{pair[0]}/{targets[pair[:2]]}" for pair in pairs]
    found = rank_correlation(
        np.array([values[pair] for pair in pairs], float),
        np.array([gains[pair] for pair in pairs], float),
        np.array(clusters, str),
        "pairs",
        settings,
        ["rank of pairs", settings["tier"]],
    )
    return {
        "measure": measure,
        "expected": EXPECTED.get(measure, "-"),
        "recipe": recipe[0],
        "variant": recipe[1],
        **found,
        "targets": len(set(clusters)),
        "domains": len({domain for domain, _, _ in pairs}),
    }
