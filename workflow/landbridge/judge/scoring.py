"""Sums of one recipe's predictions against the answers, by target, unit and block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from landbridge.contract import IGNORE, Dataset, time_unit
from landbridge.judge.metrics import calibration, confusion, intervals, regression
from landbridge.judge.scales import averaged, rows_per_day, voted
from landbridge.prepare.temperature import scaled
from landbridge.stage import StageError

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


def score(
    answers: Answers,
    values: np.ndarray,
    settings: Mapping[str, Any],
    head: Mapping[str, Any],
    offsets: np.ndarray | None = None,
    temperature: float = float("nan"),
) -> pa.Table:
    """Sums of each target, unit and block of one budget; NaN sums where the status is not ok.

    Args:
        answers: of one fold.
        values: predictions.
        settings: of the scenario; `intervals` asks for sums of intervals or of scaled probabilities too.
        head: columns that all rows share.
        offsets: (target, quantile) or (row, target, quantile) distances of quantiles from predictions of numbers.
        temperature: of probabilities.
    """
    ok = head["status"] == "ok"
    used = answers.scorable
    cells = len(answers.cells)
    targets = settings["targets"] if settings["task"] == "regression" else ["label"]
    tables = []
    for number, target in enumerate(targets):
        if settings["task"] == "regression":
            own = None if offsets is None else offsets[..., number, :]
            names, found = _regression_sums(answers, values[:, number] if ok else None, number, settings, cells, own)
        else:
            names, found = _class_sums(answers, values, used, settings, cells, temperature)
            if not ok:
                found[:, 1:] = np.nan
        # Cells are the same for all targets, also where one of them has no label: its sums are 0 there.
        kept = np.bincount(answers.cell[used], minlength=cells) > 0
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
    answers: Answers,
    predicted: np.ndarray | None,
    number: int,
    settings: Mapping[str, Any],
    cells: int,
    offsets: np.ndarray | None,
) -> tuple[Sequence[str], np.ndarray]:
    """Names and sums (cell, sum) of one target, at every scale that a metric names."""
    used = answers.scorable & np.isfinite(answers.labels[:, number])
    label = answers.labels[used, number]
    pair = np.stack([label, predicted[used] if predicted is not None else np.zeros(len(label))], axis=1)
    cell, unit = answers.cell[used], answers.row_unit[used]
    names, found = list(regression.SUMS), [regression.sums(pair[:, 0], pair[:, 1], cell, unit, cells)]
    on_from = (settings.get("on_from") or {}).get(settings["targets"][number])
    if on_from is not None:
        names += regression.STATES
        found.append(regression.states(pair[:, 0] >= on_from, pair[:, 1] >= on_from, cell, cells))
    if settings.get("intervals"):
        quantiles = None if offsets is None else pair[:, 1:] + (offsets[used] if offsets.ndim == 2 else offsets)
        if quantiles is not None and on_from is not None:  # nothing that is on or off lies below off
            quantiles = np.maximum(quantiles, 0)
        names += intervals.SUMS
        found.append(intervals.sums(pair[:, 0], pair[:, 1], quantiles, cell, cells))
    for scale in settings.get("scales", ()):
        if answers.row_time is None:
            raise StageError(f"metrics at the scale {scale} need rows with a time; take them out of `metrics:`")
        days = np.asarray(answers.row_time, np.int64)[used] // answers.ticks_per_day
        means, of_unit, of_cell = averaged(scale, pair, unit, days, cell, rows_per_day(settings["step"]))
        names += [f"{name}.{scale}" for name in regression.SUMS]
        found.append(regression.sums(means[:, 0], means[:, 1], of_cell, of_unit, cells))
    sums = np.concatenate(found, axis=1)
    if predicted is None:
        of_prediction = [place for place, name in enumerate(names) if name.split(".")[0] not in regression.OF_LABELS]
        sums[:, of_prediction] = np.nan
    return names, sums


def _class_sums(
    answers: Answers,
    values: np.ndarray,
    used: np.ndarray,
    settings: Mapping[str, Any],
    cells: int,
    temperature: float,
) -> tuple[Sequence[str], np.ndarray]:
    """Names and sums (cell, sum) of rows or pixels, and of the votes of units where a metric names them."""
    names = (*confusion.sum_names(len(settings["classes"])), *calibration.SUMS)
    label, cell, unit = answers.labels[used], answers.cell[used], answers.row_unit[used]
    values = values[used]
    if settings["task"] == "segmentation":
        cell = np.broadcast_to(cell[:, None, None], label.shape)
        values = np.moveaxis(np.log(np.maximum(values, LEAST_PROBABILITY)), 1, -1)  # (row, y, x, class)
    known = label != IGNORE
    label, cell, values = label[known].astype(np.int64), cell[known], values[known]
    values = np.nan_to_num(values, nan=0.0)
    found = [_of_rows(label, values, cell, cells)]
    of_rows = names
    if settings.get("intervals"):
        kept = ("n", "nll", *calibration.SUMS)
        names = (*names, *(f"{name}{calibration.SCALED}" for name in kept))
        own = np.zeros((cells, len(kept)))
        if temperature > 0:
            at_temperature = scaled(np.maximum(values, np.log(LEAST_PROBABILITY)), temperature)
            own = _of_rows(label, at_temperature, cell, cells)[:, [of_rows.index(name) for name in kept]]
        found.append(own)
    if "unit" in settings.get("scales", ()):
        votes, label, cell, _ = voted(values, label, unit[known], cell)
        found.append(_of_rows(label, votes, cell, cells))
        names = (*names, *(f"{name}.unit" for name in of_rows))
    return names, np.concatenate(found, axis=1)


def _of_rows(label: np.ndarray, values: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    """Counts of classes, then sums of the calibration, (cell, sum) of log-probabilities (row, class)."""
    nll = -np.maximum(values[np.arange(len(label)), label], np.log(LEAST_PROBABILITY))
    predicted = values.argmax(axis=-1)
    counts = confusion.sums(label, predicted, nll, cell, cells, values.shape[-1])
    return np.concatenate([counts, calibration.sums(label, predicted, values, cell, cells)], axis=1)
