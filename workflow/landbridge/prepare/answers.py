"""Which rows of the test are predicted and scored, and the two files that hold their labels: answers and truth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from landbridge.contract import CONVENTIONS, IGNORE, Dataset, Variable, stamps
from landbridge.prepare import ragged, windows

INDEX = {"role": "index"}


def prediction_windows(dataset: Dataset, settings: Mapping[str, Any]) -> windows.Rows:
    """Rows to predict, with their windows."""
    return windows.rows_to_predict(dataset, settings["inputs"], settings["window"], settings["step"])


def prediction_rows(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(row,) observation of every row to predict, or the index of every chip."""
    if settings["kind"] == "chips":
        return np.arange(len(dataset["unit_name"]))
    return prediction_windows(dataset, settings).observations


def labelled_rows(dataset: Dataset, rows: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """(row,) bool: every target of a regression is there, with `partial_labels` one; or a class at one pixel."""
    if settings["task"] != "regression":
        labels = row_labels(dataset, rows, settings["targets"][0])
        return (labels != IGNORE).reshape(len(rows), -1).any(axis=1)
    present = np.stack([np.isfinite(dataset[name][rows]) for name in settings["targets"]])
    return np.asarray(present.any(axis=0) if settings.get("partial_labels") else present.all(axis=0))


def scorable_rows(dataset: Dataset, rows: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """(row,) bool: labelled, and of the quality `score_from` at least."""
    present = labelled_rows(dataset, rows, settings)
    quality = settings.get("quality")
    if quality:
        present &= dataset[quality["variable"]][rows] >= quality["score_from"]
    return present


def row_labels(dataset: Dataset, rows: np.ndarray, target: str) -> np.ndarray:
    """Labels of rows: of the observation that a window ends at, of the chip, or of the window's unit."""
    variable = dataset.variables[target]
    if variable.dimensions[0] == "unit" and "row_size" in dataset:
        return variable.values[windows.unit_index(dataset["row_size"])[rows]]
    return variable.values[rows]


def row_units(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """(row,) int32 unit of each row."""
    return (windows.unit_index(dataset["row_size"])[rows] if "row_size" in dataset else rows).astype(np.int32)


def scorable_per_unit(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(unit,) number of rows that could be scored."""
    rows = prediction_rows(dataset, settings)
    scorable = rows[scorable_rows(dataset, rows, settings)]
    return np.bincount(row_units(dataset, scorable), minlength=len(dataset["unit_name"]))


def scored_rows(
    test: Dataset, rows: np.ndarray, settings: Mapping[str, Any]
) -> tuple[np.ndarray, dict[str, int], list[dict[str, Any]]]:
    """Which rows are scored, the counts of those that are not, and the units without a score.

    A unit with fewer than `min_scored` scorable rows has no score: the metrics of so few rows mean nothing.

    Returns:
        (row,) bool; counts by reason; {"reason", "units"} of units that are predicted and not scored.
    """
    labelled = labelled_rows(test, rows, settings)
    scorable = scorable_rows(test, rows, settings)
    row_unit = row_units(test, rows)
    units = len(test["unit_name"])
    per_unit = np.bincount(row_unit[scorable], minlength=units)
    few = per_unit < settings["min_scored"]
    scored = scorable & ~few[row_unit]
    counts = {
        "observations": int(test["row_size"].sum()) if "row_size" in test else units,
        "predicted": len(rows),
        "without labels": int((~labelled).sum()),
        "of too low quality": int((labelled & ~scorable).sum()),
        "in units with too few": int((scorable & ~scored).sum()),
        "scored": int(scored.sum()),
    }
    if not few.any():
        return scored, counts, []
    names = np.asarray(test["unit_name"])[few].tolist()
    reason = f"test: fewer than {settings['min_scored']} scorable rows; predicted, not scored"
    return scored, counts, [{"reason": reason, "units": names}]


def with_rows(inputs: Dataset, test: Dataset, rows: np.ndarray, settings: Mapping[str, Any]) -> Dataset:
    """`test_inputs.nc` with its table of rows and that table's hash."""
    row_unit = row_units(test, rows)
    names = np.asarray(test["unit_name"]).astype(str)
    digest = hashlib.sha256()
    for name, segment in zip(names, test["segment"], strict=True):
        digest.update(f"{name}\0{int(segment)}\n".encode())
    digest.update(row_unit.astype("<i4").tobytes())
    added = {"row_unit": Variable(("row",), row_unit, {"long_name": "unit of the row to predict", **INDEX})}
    if "row_size" in test:
        digest.update(test["time"][rows].astype("<i8").tobytes())
        own = prediction_windows(test, settings)
        for name, values, meaning in (
            ("row_end", own.ends.astype(np.int64), "last observation of the window of the row to predict"),
            ("row_length", own.sizes.astype(np.int32), "observations of the window of the row to predict"),
            ("row_back", own.back.astype(np.int32), "observations from the row to predict to the end of its window"),
        ):
            added[name] = Variable(("row",), values, {"long_name": meaning, **INDEX})
    row_of = "window" if "row_size" in test else "unit"
    return ragged.with_variables(inputs, added, row_of=row_of, rows_table_hash=digest.hexdigest())


def answer_files(
    test: Dataset, rows: np.ndarray, scored: np.ndarray, attributes: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Dataset, Dataset]:
    """Labels of the rows, with which of them are scored; and the noise-free truth, of which there may be none.

    Args:
        test: units of the test part, labels and truth included.
        rows: of `prediction_rows`.
        scored: (row,) bool.
        attributes: global attributes of `test_inputs.nc`.
        settings: of the scenario.
    """
    row_unit = row_units(test, rows)
    variables = {
        name: test.variables[name]
        for name in ("unit_name", "group", "class_of", "segment", "lat", "lon")
        if name in test
    }
    variables["row_unit"] = Variable(("row",), row_unit, {"long_name": "unit of the row", **INDEX})
    flag = {"long_name": "whether the row is scored", **INDEX}
    variables["scorable"] = Variable(("row",), scored.astype(np.int8), flag)
    if "row_size" in test:
        time = test.variables["time"]
        variables["row_time"] = Variable(("row",), time.values[rows], {**time.attributes, "role": "index"})
        blocks = blocks_of(stamps(test)[rows], settings["block"])
    else:
        blocks = np.zeros(len(rows), np.int32)
    variables["block"] = Variable(("row",), blocks, {"long_name": "block of time inside the unit", **INDEX})
    shared = dict(variables)
    truth = dict(shared)
    if settings["task"] == "regression":
        for name in settings["targets"]:
            variables[name] = Variable(("row",), test[name][rows], test.variables[name].attributes)
            if f"{name}_truth" in test:
                truth[name] = Variable(
                    ("row",), test[f"{name}_truth"][rows], test.variables[f"{name}_truth"].attributes
                )
    else:
        name = settings["targets"][0]
        labels = row_labels(test, rows, name)
        dimensions = ("row", "y", "x") if labels.ndim == 3 else ("row",)
        variables["label"] = Variable(dimensions, labels, test.variables[name].attributes)
        if f"{name}_truth" in test:
            truth["label"] = Variable(
                dimensions, row_labels(test, rows, f"{name}_truth"), test.variables[name].attributes
            )
    common = {
        "Conventions": CONVENTIONS,
        "kind": "answers",
        "task": settings["task"],
        "targets": " ".join(settings["targets"]),
        "classes": " ".join(settings.get("classes") or []),
        "rows_table_hash": attributes["rows_table_hash"],
        "split_hash": attributes["split_hash"],
    }
    return Dataset(variables, common), Dataset(truth, common)


def blocks_of(time: np.ndarray, block: Any) -> np.ndarray:
    """(row,) int32 of datetime64: the calendar year, or stretches of a number of days."""
    if block == "year":
        return (time.astype("datetime64[Y]").astype(np.int64) + 1970).astype(np.int32)
    return (time.astype("datetime64[D]").astype(np.int64) // int(block)).astype(np.int32)
