"""Scores of every unit of the test, for those who look at single sites, trips or images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.judge import tables
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scales import split_name
from landbridge.judge.scores import Scores, as_sums

# n_seeds: models whose mean prediction was scored, always one here; seeds: single models whose scores were averaged.
RUN_COLUMNS = (
    *("target", "model", "split_type", "n_seeds", "recipe", "variant", "budget", "group", "seeds", "n", "leakage"),
)


def write_units(path: Path, scores: Scores, tests: Sequence[Dataset], settings: Mapping[str, Any]) -> None:
    """Scores of every unit, mean over seeds, for each target, recipe and budget.

    The first columns are those of `unit_columns`: columns of units (`unit_name`, `group` and others), or metrics.
    """
    named = dict(settings.get("unit_columns") or {})
    metrics = settings["metrics"]
    of_rows = {name: name for name in metrics if not split_name(name)[1]}
    columns = named or {"unit": "unit_name", "class": "class_of", **of_rows}
    functions = {name: find_metric(scores.task, name, scores.classes) for name in columns.values() if name in metrics}
    units = sorted(set(scores.unit_of_cell))
    about = _about_units(tests, [name for name in columns.values() if name not in functions])
    one_hot = (np.array(scores.unit_of_cell)[None, :] == np.array(units)[:, None]).astype(float)
    group_of = dict(zip(scores.unit_of_cell, (scores.groups[index] for index in scores.group_of_cell), strict=True))
    rows = []
    for own in scores.runs:
        for number, budget in enumerate(scores.budgets):
            if own.status[number].startswith("not_applicable") or own.recipe == "truth":
                continue
            for target in scores.targets:
                sums = np.einsum("uc,sck->suk", one_hot, own.sums[target][number])
                values = {name: f.function(as_sums(sums, scores.names)).mean(axis=0) for name, f in functions.items()}
                counted = sums[0, :, scores.names.index("n")] if "n" in scores.names else sums[0].sum(axis=-1)
                head: dict[str, Any] = {
                    "target": target,
                    "model": own.model,
                    "recipe": own.recipe,
                    "variant": own.variant,
                    "leakage": own.leakage,
                }
                head |= {"budget": budget, "split_type": settings["scenario"], "n_seeds": 1, "seeds": len(scores.seeds)}
                for place, unit in enumerate(units):
                    words = {
                        column: float(values[name][place]) if name in functions else about[unit].get(name, "")
                        for column, name in columns.items()
                    }
                    rows.append({**words, **head, "group": group_of[unit], "n": int(counted[place])})
    tables.write(path, [*columns, *RUN_COLUMNS], rows)


def _about_units(tests: Sequence[Dataset], names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Columns of test units by the unit's name; empty where a dataset of the domain does not have one."""
    found: dict[str, dict[str, str]] = {}
    for test in tests:
        for index, unit in enumerate(np.asarray(test["unit_name"]).astype(str).tolist()):
            found[unit] = {name: str(test[name][index]) if name in test else "" for name in names}
    return found
