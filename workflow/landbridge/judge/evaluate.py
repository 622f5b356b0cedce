"""Score the predictions of one recipe against the answers: the stage `evaluate`.

The only stage that sees the labels of test units. What it writes are sums that can be added up again; every metric
is computed from them later.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landbridge.contract import CONVENTIONS, IGNORE, PROBABILITY_SCALE, Dataset, Variable, time_unit
from landbridge.io import netcdf
from landbridge.judge.metrics import confusion, regression
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scales import averaged, voted
from landbridge.judge.scores import CELL, HEAD
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

NAMES = {"regression": "prediction", "classification": "log_probability", "segmentation": "probability"}
LEAST_PROBABILITY = 1e-6  # of the true class, before its logarithm


@dataclass(frozen=True)
class Answers:
    """Labels of one fold and the cells (unit, block) that their rows fall into.

    Attributes:
        labels: (row, target) of a regression, else (row,) or (row, y, x) classes.
        scorable: (row,) bool.
        cell: (row,) index into `cells`; of a row that is not scored it means nothing.
        cells: (cell, 2) unit and block.
        ticks_per_day: of `row_time`.
        units: name, group and class of each unit.
        hash: of the table of rows.
    """

    labels: np.ndarray
    scorable: np.ndarray
    row_unit: np.ndarray
    row_time: np.ndarray | None
    cell: np.ndarray
    cells: np.ndarray
    units: dict[str, list[str]]
    hash: str
    ticks_per_day: int = 1


def open_answers(dataset: Dataset, settings: Mapping[str, Any]) -> Answers:
    """Answers, or the truth in the place of predictions, of one fold."""
    if settings["task"] == "regression":
        labels = np.stack([dataset[name].astype(np.float64) for name in settings["targets"]], axis=1)
    else:
        labels = dataset["label"]
    row_unit = dataset["row_unit"].astype(np.int64)
    keys = np.stack([row_unit, dataset["block"].astype(np.int64)], axis=1)
    cells, cell = np.unique(keys, axis=0, return_inverse=True)
    names = [str(name) for name in dataset["unit_name"]]
    return Answers(
        labels=labels,
        scorable=dataset["scorable"].astype(bool),
        row_unit=row_unit,
        row_time=dataset["row_time"] if "row_time" in dataset.variables else None,
        cell=cell.ravel(),
        cells=cells,
        units={
            "unit": names,
            "group": [str(name) for name in dataset["group"]],
            "class_of": [str(name) for name in dataset["class_of"]],
        },
        hash=str(dataset.attributes["rows_table_hash"]),
        ticks_per_day=time_unit(dataset, "row_time")[1] if "row_time" in dataset else 1,
    )


def run(job: Job) -> None:
    """Inputs: `predictions` (all folds and seeds; none for the truth), `answers`, `truth` (one a fold). Outputs:
    `scores`, `examples`.
    """
    settings = job.settings
    answer_files = [netcdf.read(path) for path in job.input_list("answers")]
    answers = [open_answers(dataset, settings) for dataset in answer_files]
    by_hash = {own.hash: fold for fold, own in enumerate(answers)}
    tables: list[pa.Table] = []
    shown: tuple[int, np.ndarray, str] | None = None
    if settings["recipe"] == "truth":
        for fold, path in enumerate(job.input_list("truth")):
            values = _truth_values(netcdf.read(path), settings)
            head = {"fold": fold, "seed": 0, "budget": "", "budget_size": 0, "selection": "", "status": "ok"}
            tables.append(score(answers[fold], values, settings, head))
            shown = shown or (fold, values, "")
    for path in job.input_list("predictions"):
        dataset = netcdf.read(path)
        fold, seed = _fold_and_seed(path.name)
        expected = by_hash.get(str(dataset.attributes["rows_table_hash"]))
        if expected is None or answers[expected].hash != answers[fold].hash:
            raise StageError(
                f"{path}: predicts other rows than the answers of fold {fold} hold; delete it and run again"
            )
        for number, label in enumerate(dataset["budget"].tolist()):
            status = str(dataset["status"][number])
            head = {
                "fold": fold,
                "seed": seed,
                "budget": str(label),
                "budget_size": int(dataset["budget_size"][number]),
                "selection": str(dataset["selection"][number]),
                "status": status,
            }
            values = _values(dataset, number, settings, path, len(answers[fold].row_unit), status)
            tables.append(score(answers[fold], values, settings, head))
            if status == "ok" and seed == 0 and fold == 0:
                shown = (fold, values, str(label))
    table = pa.concat_tables(tables)
    notes = {
        "task": settings["task"],
        "targets": list(settings["targets"]),
        "classes": list(settings.get("classes") or []),
        "leakage": _leakage(answer_files),
    }
    pq.write_table(
        table.replace_schema_metadata({"landbridge": json.dumps(notes, sort_keys=True)}), job.outputs["scores"]
    )
    netcdf.write(job.outputs["examples"], examples(answers, answer_files, shown, settings))


def _leakage(answer_files: Sequence[Dataset]) -> str:
    """What some fold is marked with, each leak once."""
    words = {word for own in answer_files for word in str(own.attributes.get("leakage", "")).split("; ")}
    return "; ".join(sorted(words - {""}))


def _fold_and_seed(name: str) -> tuple[int, int]:
    fold, seed = name.removesuffix(".nc").split("-")
    return int(fold.removeprefix("fold")), int(seed.removeprefix("seed"))


def _truth_values(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """The noise-free truth in the shape of predictions."""
    if settings["task"] == "regression":
        return np.stack([dataset[name].astype(np.float64) for name in settings["targets"]], axis=1)
    classes = np.arange(len(settings["classes"]))
    one_hot = np.moveaxis((dataset["label"][..., None] == classes).astype(np.float64), -1, 1)
    return np.log(np.maximum(one_hot, LEAST_PROBABILITY)) if settings["task"] == "classification" else one_hot


def _values(
    dataset: Dataset, number: int, settings: Mapping[str, Any], path: Any, rows: int, status: str
) -> np.ndarray:
    """Predictions of one budget: (row, target), log-probabilities (row, class) or probabilities (row, class, y, x)."""
    raw = dataset[NAMES[settings["task"]]][number]
    if len(raw) != rows:
        raise StageError(f"{path}: {len(raw)} predictions for {rows} rows; none may be missing and none extra")
    if settings["task"] == "segmentation":
        if status == "ok" and (raw == IGNORE).any():
            raise StageError(f"{path}: a prediction is missing")
        return raw.astype(np.float64) / PROBABILITY_SCALE
    if status == "ok" and not np.isfinite(raw).all():
        raise StageError(
            f"{path}: {int((~np.isfinite(raw)).any(axis=-1).sum())} predictions are NaN; a model must predict every row"
        )
    return raw.astype(np.float64)


def score(answers: Answers, values: np.ndarray, settings: Mapping[str, Any], head: Mapping[str, Any]) -> pa.Table:
    """Sums of each target, unit and block of one budget; NaN sums where the status is not ok."""
    ok = head["status"] == "ok"
    used = answers.scorable
    cells = len(answers.cells)
    targets = settings["targets"] if settings["task"] == "regression" else ["label"]
    tables = []
    for number, target in enumerate(targets):
        if settings["task"] == "regression":
            names, found = _regression_sums(answers, values[:, number] if ok else None, number, settings, cells)
        else:
            names, found = _class_sums(answers, values, used, settings, cells)
            if not ok:
                found[:, 1:] = np.nan
        kept = found[:, 0] > 0
        unit = answers.cells[kept, 0]
        count = int(kept.sum())
        columns: dict[str, Any] = {
            "model": [settings["model"]] * count,
            "recipe": [settings["recipe"]] * count,
            "variant": [settings["variant"]] * count,
            **{name: [value] * count for name, value in head.items()},
            "target": [target] * count,
            **{name: [members[index] for index in unit] for name, members in answers.units.items()},
            "block": answers.cells[kept, 1],
        }
        arrays = {name: pa.array(column) for name, column in columns.items()}
        arrays |= {name: pa.array(found[kept, index]) for index, name in enumerate(names)}
        tables.append(pa.table(arrays))
    return pa.concat_tables(tables)


def _regression_sums(
    answers: Answers, predicted: np.ndarray | None, number: int, settings: Mapping[str, Any], cells: int
) -> tuple[Sequence[str], np.ndarray]:
    """Names and sums (cell, sum) of one target, at every scale that a metric names."""
    used = answers.scorable
    label = answers.labels[used, number]
    pair = np.stack([label, predicted[used] if predicted is not None else np.zeros(len(label))], axis=1)
    cell, unit = answers.cell[used], answers.row_unit[used]
    names, found = list(regression.SUMS), [regression.sums(pair[:, 0], pair[:, 1], cell, unit, cells)]
    for scale in settings.get("scales", ()):
        if answers.row_time is None:
            raise StageError(f"metrics at the scale {scale} need rows with a time; take them out of `metrics:`")
        days = np.asarray(answers.row_time, np.int64)[used] // answers.ticks_per_day
        means, of_unit, of_cell = averaged(scale, pair, unit, days, cell, settings["step"] != "month")
        names += [f"{name}.{scale}" for name in regression.SUMS]
        found.append(regression.sums(means[:, 0], means[:, 1], of_cell, of_unit, cells))
    for sums in found if predicted is None else ():
        sums[:, 3:8] = np.nan
    return names, np.concatenate(found, axis=1)


def _class_sums(
    answers: Answers, values: np.ndarray, used: np.ndarray, settings: Mapping[str, Any], cells: int
) -> tuple[Sequence[str], np.ndarray]:
    """Names and sums (cell, sum) of rows or pixels, and of the votes of units where a metric names them."""
    names = confusion.sum_names(len(settings["classes"]))
    label, cell, unit = answers.labels[used], answers.cell[used], answers.row_unit[used]
    values = values[used]
    if settings["task"] == "segmentation":
        cell = np.broadcast_to(cell[:, None, None], label.shape)
        values = np.moveaxis(np.log(np.maximum(values, LEAST_PROBABILITY)), 1, -1)  # (row, y, x, class)
    known = label != IGNORE
    label, cell, values = label[known].astype(np.int64), cell[known], values[known]
    values = np.nan_to_num(values, nan=0.0)
    found = [_of_rows(label, values, cell, cells)]
    if "unit" in settings.get("scales", ()):
        votes, label, cell, _ = voted(values, label, unit[known], cell)
        found.append(_of_rows(label, votes, cell, cells))
        names = (*names, *(f"{name}.unit" for name in names))
    return names, np.concatenate(found, axis=1)


def _of_rows(label: np.ndarray, values: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    nll = -np.maximum(values[np.arange(len(label)), label], np.log(LEAST_PROBABILITY))
    return confusion.sums(label, values.argmax(axis=-1), nll, cell, cells, values.shape[-1])


def examples(
    answers: Sequence[Answers],
    files: Sequence[Dataset],
    shown: tuple[int, np.ndarray, str] | None,
    settings: Mapping[str, Any],
) -> Dataset:
    """Best, median and worst unit of the first seed at its largest budget: labels beside predictions of its rows.

    These are the only labels that figures see.
    """
    attributes = {"Conventions": CONVENTIONS, "kind": "examples", "task": settings["task"]}
    if shown is None or settings["task"] == "segmentation":
        return Dataset({}, attributes)
    fold, values, budget = shown
    own = answers[fold]
    head = {"fold": fold, "seed": 0, "budget": budget, "budget_size": 0, "selection": "", "status": "ok"}
    table = score(own, values, settings, head)
    headline = settings["headline"]
    metric = find_metric(settings["task"], headline["metric"], settings.get("classes") or ())
    wanted = np.array(table["target"].to_pylist()) == headline["target"]
    units = np.array(table["unit"].to_pylist())[wanted]
    sums = [name for name in table.column_names if name not in (*HEAD, *CELL)]
    names = np.unique(units)
    totals = {name: np.array([table[name].to_numpy()[wanted][units == unit].sum() for unit in names]) for name in sums}
    scores = metric.function(totals)
    order = np.argsort(
        np.where(np.isfinite(scores), metric.gain(scores, np.zeros_like(scores)), -np.inf), kind="stable"
    )[::-1]
    places = [order[0], order[len(order) // 2], order[-1]] if len(order) else []
    rows, ranks = [], []
    all_names = np.array(own.units["unit"])
    for rank, place in zip(("best", "median", "worst"), places, strict=False):
        member = np.flatnonzero((all_names[own.row_unit] == names[place]) & own.scorable)
        rows.append(member)
        ranks += [rank] * len(member)
    picked = np.concatenate(rows) if rows else np.zeros(0, int)
    index = {"role": "index"}
    found = {
        "rank": Variable(("row",), np.asarray(ranks, dtype=str), {"long_name": "best, median or worst unit", **index}),
        "unit_name": Variable(("row",), all_names[own.row_unit[picked]], {"long_name": "unit of the row", **index}),
    }
    if own.row_time is not None:
        found["time"] = Variable(("row",), own.row_time[picked], files[fold].variables["row_time"].attributes)
    if settings["task"] == "regression":
        number = list(settings["targets"]).index(headline["target"])
        units_of = dict(files[fold].variables[headline["target"]].attributes)
        found["label"] = Variable(("row",), own.labels[picked, number], units_of)
        found["prediction"] = Variable(("row",), values[picked, number], units_of)
    else:
        found["label"] = Variable(
            ("row",), own.labels[picked].astype(np.uint8), {"long_name": "class", "role": "target"}
        )
        predicted = values[picked].argmax(axis=1).astype(np.uint8)
        found["prediction"] = Variable(("row",), predicted, {"long_name": "predicted class", "role": "target"})
    return Dataset(found, {**attributes, "budget": budget, "target": headline["target"]})
