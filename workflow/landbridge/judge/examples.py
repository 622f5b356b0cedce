"""The rows that figures may see: labels beside predictions of the best, the median and the worst unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.contract import CONVENTIONS, IGNORE, PROBABILITY_SCALE, Dataset, Variable
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scores import CELL, HEAD, MACRO, mean_of_targets
from landbridge.judge.scoring import Answers, score

INDEX = {"role": "index"}


def examples(
    answers: Sequence[Answers],
    files: Sequence[Dataset],
    shown: Mapping[int, tuple[str, np.ndarray]],
    settings: Mapping[str, Any],
) -> Dataset:
    """Best, median and worst unit of the first seed at its largest budget: labels beside predictions of its rows.

    Where the headline is the mean over the targets, the best, median and worst block of a unit, with all targets.
    Of images one of each group of the first fold, see `_images`. These are the only labels that figures see. Of fewer
    than three units none is shown twice.

    Args:
        answers, files: of each fold.
        shown: by fold, the budget and its predictions; of folds that ended with another budget than the first, none
            are taken.
        settings: of the scenario.
    """
    attributes = {"Conventions": CONVENTIONS, "kind": "examples", "task": settings["task"]}
    if not shown:
        return Dataset({}, attributes)
    first = min(shown)
    budget = shown[first][0]
    if settings["task"] == "segmentation":
        found = _images(answers[first], shown[first][1])
        return Dataset(found, {**attributes, "budget": budget, "target": "label"})
    macro = settings["headline"]["target"] == MACRO
    targets = list(settings["targets"]) if macro else [settings["headline"]["target"]]
    candidates = []
    for fold in sorted(fold for fold, (own_budget, _) in shown.items() if own_budget == budget):
        own, values = answers[fold], shown[fold][1]
        of_row = own.cells[own.cell] if macro else np.stack([own.row_unit, np.zeros_like(own.row_unit)], axis=1)
        kinds, scores = _example_scores(own, values, of_row, targets, settings)
        candidates += [
            (score_, fold, np.flatnonzero((of_row == kind).all(axis=1) & own.scorable))
            for kind, score_ in zip(kinds, scores, strict=True)
        ]
    order = np.argsort([-candidate[0] for candidate in candidates], kind="stable")
    picked: dict[str, int] = {}
    for rank, place in zip(("best", "median", "worst"), (0, len(order) // 2, -1), strict=True):
        if len(order) and int(order[place]) not in picked.values():
            picked[rank] = int(order[place])
    parts = [
        _rows(rank, answers[fold], files[fold], shown[fold][1], member, targets, settings)
        for rank, (_, fold, member) in ((rank, candidates[place]) for rank, place in picked.items())
    ]
    if not parts:
        return Dataset({}, attributes)
    names = list(parts[0])
    found = {
        name: replace(parts[0][name], values=np.concatenate([part[name].values for part in parts])) for name in names
    }
    if macro and settings["task"] == "regression":
        found["target_name"] = Variable(("target",), np.asarray(targets), {"long_name": "target", **INDEX})
    return Dataset(found, {**attributes, "budget": budget, "target": settings["headline"]["target"]})


def _rows(
    rank: str,
    own: Answers,
    file: Dataset,
    values: np.ndarray,
    member: np.ndarray,
    targets: Sequence[str],
    settings: Mapping[str, Any],
) -> dict[str, Variable]:
    """The rows `member` of one unit: its rank and name, time, label and prediction."""
    names = np.array(own.units["unit"])
    about = {"long_name": "best, median or worst unit", **INDEX}
    found: dict[str, Variable] = {
        "rank": Variable(("row",), np.full(len(member), rank), about),
        "unit_name": Variable(("row",), names[own.row_unit[member]], {"long_name": "unit of the row", **INDEX}),
    }
    if own.row_time is not None:
        found["time"] = Variable(("row",), own.row_time[member], file.variables["row_time"].attributes)
    if settings["task"] == "regression":
        numbers = [list(settings["targets"]).index(name) for name in targets]
        for name, array in (("label", own.labels), ("prediction", values)):
            if settings["headline"]["target"] == MACRO:
                of_targets = {"long_name": f"{name} of each target", "role": "target"}
                found[name] = Variable(("row", "target"), array[member][:, numbers], of_targets)
            else:
                units_of = dict(file.variables[targets[0]].attributes)
                found[name] = Variable(("row",), array[member, numbers[0]], units_of)
        return found
    for name, array, meaning in (
        ("label", own.labels[member], "class"),
        ("prediction", values[member].argmax(axis=1), "predicted class"),
    ):
        found[name] = Variable(("row",), array.astype(np.uint8), {"long_name": meaning, "role": "target"})
    return found


def _example_scores(
    own: Answers, values: np.ndarray, of_row: np.ndarray, targets: Sequence[str], settings: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """What examples are chosen from, (n, 2) unit and block, and how good each is (n,), by the headline's metric."""
    cells, cell = np.unique(of_row, axis=0, return_inverse=True)
    head = {"fold": 0, "seed": 0, "budget": "", "budget_size": 0, "selection": "", "status": "ok"}
    table = score(replace(own, cells=cells, cell=cell.ravel()), values, settings, head)
    metric = find_metric(settings["task"], settings["headline"]["metric"], settings.get("classes") or ())
    sums = [name for name in table.column_names if name not in (*HEAD, *CELL)]
    of_target = np.array(table["target"].to_pylist())
    each = [metric.function({name: table[name].to_numpy()[of_target == word] for name in sums}) for word in targets]
    scores = mean_of_targets(each)
    gains = np.where(np.isfinite(scores), metric.gain(scores, np.zeros_like(scores)), -np.inf)
    rows = np.bincount(cell.ravel()[own.scorable], minlength=len(cells))
    kept = rows > 0
    # Of blocks those alone that are half as long as the longest at least: an hour between two gaps shows nothing.
    enough = rows[kept] >= (rows.max(initial=0) / 2 if settings["headline"]["target"] == MACRO else 0)
    return cells[kept][enough], gains[enough]


def _images(own: Answers, values: np.ndarray) -> dict[str, Variable]:
    """Labels beside probabilities of the last class, of the image in each group that holds most pixels of it.

    Which image that is depends on the answers alone, so examples of two recipes show the same ones.
    """
    sought = own.scorable[:, None, None] & (own.labels == values.shape[1] - 1)
    group = np.array(own.units["group"])[own.row_unit]
    most = sought.sum(axis=(1, 2))
    picked = np.array(
        [members[np.argmax(most[members])] for name in np.unique(group) for members in [np.flatnonzero(group == name)]]
    )
    names = np.array(own.units["unit"])[own.row_unit[picked]]
    probability = np.where(np.isfinite(values[picked, -1]), np.rint(values[picked, -1] * PROBABILITY_SCALE), IGNORE)
    return {
        "unit_name": Variable(("row",), names, {"long_name": "unit of the row", **INDEX}),
        "group": Variable(("row",), group[picked], {"long_name": "group of the row", **INDEX}),
        "label": Variable(("row", "y", "x"), own.labels[picked], {"long_name": "class", "role": "target"}),
        "prediction": Variable(
            ("row", "y", "x"),
            probability.astype(np.uint8),
            {"long_name": "probability of the last class", "scale_factor": 1 / PROBABILITY_SCALE, "role": "target"},
        ),
    }
