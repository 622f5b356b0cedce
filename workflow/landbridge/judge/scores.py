"""Scores of all recipes of a scenario as one array of sums, aligned over budgets, seeds, groups and blocks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landbridge.judge.metrics.metric import Metric
from landbridge.stage import StageError

REFERENCE = ("none", "naive")
MACRO = "macro"  # in the place of a target: the mean over all targets
HEAD = (
    *("model", "recipe", "variant", "selection", "status", "budget", "budget_size", "fold", "seed", "target"),
    "spread",
)
CELL = ("unit", "group", "class_of", "block")


@dataclass(frozen=True, eq=False)
class Run:
    """One recipe with one model.

    Attributes:
        model, recipe, variant: its names; where one variant is compared by several selection rules, a rule that was
            asked for follows the variant after a dot, as in the configuration.
        sums: by target, (budget, seed, cell, sum); NaN where the recipe was not applicable.
        selection, status, size: by budget.
        spread: by budget, where intervals or the temperature come from; nothing where nobody asked.
        rule: the selection rule in its variant, if there is one.
        leakage: leaks that are known of the data, the split or the recipe, in words.
    """

    model: str
    recipe: str
    variant: str
    sums: dict[str, np.ndarray]
    selection: list[str]
    status: list[str]
    size: list[int]
    spread: list[str] = field(default_factory=list)
    rule: str = ""
    leakage: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Model, recipe and variant."""
        return self.model, self.recipe, self.variant


@dataclass(frozen=True)
class Scores:
    """All runs of a scenario.

    Attributes:
        runs: every recipe; the truth, if known, is one of them, equal for all budgets.
        names: of the sums.
        group_of_cell: (cell,) index into `groups`.
        unit_of_cell: (cell,) name of the unit.
        class_of_group: class of each group (of its first unit).
        classes: names of the classes, in their order.
    """

    runs: list[Run]
    names: tuple[str, ...]
    targets: list[str]
    budgets: list[str]
    groups: list[str]
    class_of_group: list[str]
    group_of_cell: np.ndarray
    seeds: list[int]
    task: str
    unit_of_cell: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)

    def find(self, recipe: str, model: str, variant: str | None = None) -> Run | None:
        """The run of a reference recipe for a model, of any if that one has none; by its default rule if it ran."""
        fitting = [run for run in self.runs if run.recipe == recipe and variant in (None, run.variant)]
        fitting.sort(key=lambda run: run.rule != "")
        return next((run for run in fitting if run.model == model), fitting[0] if fitting else None)


def read_scores(paths: Sequence[Path], budgets: Sequence[str]) -> Scores:
    """Read and align the scores of all recipes, see `aligned`."""
    return aligned({path: pq.read_table(path) for path in paths}, budgets)


def aligned(tables: Mapping[Path, pa.Table], budgets: Sequence[str]) -> Scores:
    """Scores of recipes as one array of sums.

    Failed budgets are filled with the sums of the naive reference at that budget; they keep their status.

    Args:
        tables: by their file, with its notes.
        budgets: in the order of the scenario.

    Raises:
        StageError: recipes that were scored on different units.
    """
    notes = json.loads(next(iter(tables.values())).schema.metadata[b"landbridge"])
    columns = next(iter(tables.values())).column_names
    names = tuple(name for name in columns if name not in (*HEAD, *CELL))
    cells, groups, classes = _cells(tables)
    targets = list(notes["targets"]) if notes["task"] == "regression" else ["label"]
    seeds = sorted({seed for table in tables.values() for seed in table["seed"].to_pylist() if seed is not None})
    present = {text for table in tables.values() for text in table["budget"].to_pylist()}
    kept = [budget for budget in budgets if budget in present]
    runs = _told_apart({path: _run(path, table, names, cells, targets, kept, seeds) for path, table in tables.items()})
    group_index = {group: index for index, group in enumerate(groups)}
    scores = Scores(
        runs=runs,
        names=names,
        targets=targets,
        budgets=kept,
        groups=groups,
        class_of_group=[classes[group] for group in groups],
        group_of_cell=np.array([group_index[cell[1]] for cell in cells], int),
        seeds=seeds,
        task=notes["task"],
        unit_of_cell=[cell[0] for cell in cells],
        classes=list(notes.get("classes", [])),
        sizes={budget: max(run.size[number] for run in runs) for number, budget in enumerate(kept)},
    )
    _fill_failures(scores)
    return scores


def _cells(tables: Mapping[Path, pa.Table]) -> tuple[list[tuple[str, str, int]], list[str], dict[str, str]]:
    """All (unit, group, block), sorted, the groups, and the class of each."""
    found: set[tuple[str, str, int]] = set()
    classes: dict[str, str] = {}
    for table in tables.values():
        distinct = table.select(list(CELL)).group_by(list(CELL)).aggregate([]).to_pylist()
        found |= {(row["unit"], row["group"], row["block"]) for row in distinct}
        for row in sorted(distinct, key=lambda row: row["unit"]):
            classes.setdefault(row["group"], row["class_of"])
    return sorted(found), sorted({cell[1] for cell in found}), classes


def _run(
    path: Path,
    table: pa.Table,
    names: tuple[str, ...],
    cells: list[tuple[str, str, int]],
    targets: list[str],
    budgets: list[str],
    seeds: list[int],
) -> Run:
    cell_index = {cell: index for index, cell in enumerate(cells)}
    triples = zip(table["unit"].to_pylist(), table["group"].to_pylist(), table["block"].to_pylist(), strict=True)
    cell = np.array([cell_index[triple] for triple in triples], int)
    values = np.stack([table[name].to_numpy(zero_copy_only=False).astype(float) for name in names], axis=1)
    seed = np.searchsorted(seeds, table["seed"].to_numpy())
    budget_text = np.array(table["budget"].to_pylist(), object)
    target_text = np.array(table["target"].to_pylist(), object)
    everywhere = budget_text == ""  # the truth: one set of sums for every budget and seed
    sums = {}
    for target in targets:
        array = np.zeros((len(budgets), len(seeds), len(cells), len(names)))
        filled = np.zeros(array.shape[:3], bool)
        for number, budget in enumerate(budgets):
            for rows in (np.flatnonzero((target_text == target) & ((budget_text == budget) | everywhere)),):
                if everywhere.any():
                    array[number, :, cell[rows]] = values[rows][:, None]
                    filled[number, :, cell[rows]] = True
                else:
                    array[number, seed[rows], cell[rows]] = values[rows]
                    filled[number, seed[rows], cell[rows]] = True
        if not filled.all():
            raise StageError(f"{path}: scored on other units than the other recipes; delete the scores and run again")
        sums[target] = array
    heads: dict[str, tuple[str, str, int]] = {}
    for text, status, selection, size in zip(
        *(table[name].to_pylist() for name in ("budget", "status", "selection", "budget_size")), strict=True
    ):
        worst = heads.get(text)
        if worst is None or (worst[0] == "ok" and status != "ok"):
            heads[text] = (status, selection or (worst[1] if worst else ""), size)
    first = {name: table[name][0].as_py() for name in ("model", "recipe", "variant")}
    own = [heads.get(budget, heads.get("", ("not_applicable: no such budget", "", 0))) for budget in budgets]
    notes = json.loads(table.schema.metadata[b"landbridge"])
    return Run(
        **first,
        sums=sums,
        status=[o[0] for o in own],
        selection=[o[1] for o in own],
        size=[o[2] for o in own],
        leakage=str(notes.get("leakage", "")),
        spread=[_spread(table, budget) for budget in budgets],
    )


def _spread(table: pa.Table, budget: str) -> str:
    """What the folds and seeds of a budget say of their spread, each text once."""
    if "spread" not in table.column_names:
        return ""
    pairs = zip(table["budget"].to_pylist(), table["spread"].to_pylist(), strict=True)
    return " | ".join(sorted({text for own, text in pairs if own == budget and text}))


def _told_apart(runs: Mapping[Path, Run]) -> list[Run]:
    """Runs, those of one name by the selection rule in the name of their file, `{model}-{id}[.variant][.selection]`."""
    counts = Counter(run.key for run in runs.values())
    found = []
    for path, run in runs.items():
        words = path.stem.split(".")[1:]
        if counts[run.key] > 1 and words and words[-1] != run.variant:
            run = replace(run, variant=".".join(filter(None, (run.variant, words[-1]))), rule=words[-1])
        found.append(run)
    return found


def _fill_failures(scores: Scores) -> None:
    naive = scores.find(REFERENCE[1], REFERENCE[0])
    for run in scores.runs:
        for number, status in enumerate(run.status):
            if not status.startswith("failed"):
                continue
            for target, array in run.sums.items():
                broken = np.isnan(array[number]).any(axis=(1, 2))  # seeds
                if naive is not None:
                    array[number, broken] = naive.sums[target][number, broken]


def group_sums(array: np.ndarray, scores: Scores) -> np.ndarray:
    """(..., cell, sum) added up to (..., group, sum)."""
    one_hot = (scores.group_of_cell[None, :] == np.arange(len(scores.groups))[:, None]).astype(float)
    return np.einsum("gc,...ck->...gk", one_hot, array)


def by_group(own: Run, scores: Scores, metric: Metric, number: int, target: str) -> np.ndarray:
    """(seed, group) values of a metric at the budget of that number; of `macro` the mean over targets that have one."""
    if target == MACRO:
        return mean_of_targets([by_group(own, scores, metric, number, name) for name in scores.targets])
    return metric.function(as_sums(group_sums(own.sums[target][number], scores), scores.names))


def mean_of_targets(values: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over arrays of equal shape, one for each target; a target without a value, as absent there, is left out."""
    return over_seeds(np.stack(values))


def over_seeds(stacked: np.ndarray) -> np.ndarray:
    """Mean over the first axis, such as seeds; what has no value is left out, and NaN is what has none at all."""
    known = np.isfinite(stacked)
    return np.where(known.any(0), np.where(known, stacked, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def as_sums(array: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """(..., sum) to the mapping that metrics take."""
    return {name: array[..., index] for index, name in enumerate(names)}
