"""Part the groups of a scenario before anything is fitted: the stage `split`.

The labels of the test units leave in `answers.nc` and are absent, not masked, from every other file. Which rows are
scored is decided here, once, for all recipes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import CONVENTIONS, IGNORE, Dataset, Variable
from landbridge.io import netcdf
from landbridge.prepare import audit, ragged, windows
from landbridge.prepare.scaling import rows_hash
from landbridge.prepare.split_rules import PARTS, RULES, Population, Stretch
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

FILES = {
    "source": ("source_train", "source_val"),
    "target_inputs": ("target_unlabelled",),
    "target_labels": ("target_pool",),
    "validation_labels": ("target_val",),
    "test_inputs": ("target_test",),
}
WITHOUT_LABELS = ("target_inputs", "test_inputs")
INDEX = {"role": "index"}


@dataclass(frozen=True)
class Parted:
    """All parts of a scenario as one file, with a part for each unit; and what was left out, with reasons."""

    dataset: Dataset
    left_out: list[dict[str, Any]]


def run(job: Job) -> None:
    """Inputs: `source`, `target` (harmonised, perhaps the same file). Outputs: the files of `FILES`, `answers`,
    `truth`, `split` and `audit`.
    """
    settings = job.settings
    fold = int(job.wildcards["fold"])
    source = netcdf.read(job.input("source"))
    target = source if job.inputs["source"] == job.inputs["target"] else netcdf.read(job.input("target"))
    parted = part(source, target, settings, fold)
    part_of = np.asarray(parted.dataset["part"]).astype(str)
    table = split_table(parted.dataset)
    source_train = ragged.select_units(parted.dataset, part_of == "source_train")
    common = {
        "split_hash": hashlib.sha256(table.encode()).hexdigest(),
        "source_rows_hash": rows_hash([source_train]),
        "scenario": settings["scenario"],
        "fold": fold,
    }
    files: dict[str, Dataset] = {}
    for name, parts in FILES.items():
        chosen = ragged.select_units(parted.dataset, np.isin(part_of, parts))
        unwanted = list(chosen.with_role("truth"))
        if name in WITHOUT_LABELS:
            unwanted += [*chosen.with_role("target"), *chosen.with_role("quality")]
            unwanted = [variable for variable in unwanted if variable != "valid"]  # of chips: which pixels were seen
        attributes = {**common, "rows_hash": rows_hash([chosen])}
        files[name] = ragged.with_variables(ragged.drop(chosen, unwanted), {}, **attributes)
    test = ragged.select_units(parted.dataset, part_of == "target_test")
    rows = prediction_rows(test, settings)
    files["test_inputs"] = _with_rows(files["test_inputs"], test, rows, settings)
    answers, truth = answer_files(test, rows, files["test_inputs"].attributes, settings)
    report = audit.audit(parted.dataset, {**files, "answers": answers}, settings, parted.left_out)
    report |= {"scenario": settings["scenario"], "fold": fold, "split_hash": common["split_hash"]}
    audit.refuse_leaks(report)

    for name, dataset in {**files, "answers": answers, "truth": truth}.items():
        netcdf.write(job.outputs[name], dataset)
    Path(job.outputs["split"]).write_text(table)
    Path(job.outputs["audit"]).write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")


# -- populations ------------------------------------------------------------------------------------------------


def part(source: Dataset, target: Dataset, settings: Mapping[str, Any], fold: int) -> Parted:
    """Both populations in one file, with the variables `group`, `class_of`, `part` and `segment` on each unit.

    Raises:
        StageError: an unknown column or rule, or a population without units.
    """
    left_out: list[dict[str, Any]] = []
    needed = _needed_variables(source, settings)
    chosen_source = _population(ragged.drop(source, set(source.variables) - needed), "source", settings, left_out)
    chosen_target = _population(ragged.drop(target, set(target.variables) - needed), "target", settings, left_out)
    target_groups = set(_groups(chosen_target, settings))
    shared = np.isin(_groups(chosen_source, settings), sorted(target_groups))
    if shared.any():
        names = np.asarray(chosen_source["unit_name"])[shared].tolist()
        left_out.append({"reason": "source unit in a group of the target", "units": names})
        chosen_source = ragged.select_units(chosen_source, ~shared)
    both = _join(chosen_source, chosen_target)
    is_target = np.arange(len(both["unit_name"])) >= len(chosen_source["unit_name"])
    population = _describe(both, is_target, settings)
    rule = settings["split"]["rule"]
    if rule not in RULES:
        raise StageError(f"split: rule '{rule}' is not known; write {', '.join(RULES)}")
    rule_settings = {
        **settings["split"],
        "budget_axis": settings["budget_axis"],
        "length": (settings.get("window") or {"length": 1})["length"],
    }
    stretches = sorted(
        RULES[rule](population, rule_settings, fold), key=lambda stretch: (stretch.unit, stretch.segment)
    )
    return Parted(_apply(both, population, stretches, settings), left_out)


def _needed_variables(dataset: Dataset, settings: Mapping[str, Any]) -> set[str]:
    """Variables that any later stage may open: those on units, and of those on rows what the scenario names."""
    rows = {"obs", "y"}
    kept = {name for name, variable in dataset.variables.items() if not rows & set(variable.dimensions)}
    kept |= {"time", "reflectance", "valid", *settings["inputs"], *settings["targets"]}
    kept |= {f"{name}_truth" for name in settings["targets"]}
    if settings.get("quality"):
        kept.add(settings["quality"]["variable"])
    return kept


def _column(dataset: Dataset, name: str, where: str) -> np.ndarray:
    if name not in dataset:
        columns = [key for key, variable in dataset.variables.items() if variable.dimensions == ("unit",)]
        raise StageError(f"{where}: no column '{name}'; the dataset has {', '.join(columns)}")
    return np.asarray(dataset[name]).astype(str)


def _population(dataset: Dataset, side: str, settings: Mapping[str, Any], left_out: list[dict[str, Any]]) -> Dataset:
    """Units of one side: those that `where` names and that hold enough labelled rows."""
    chosen = np.ones(len(dataset["unit_name"]), bool)
    where = settings[side].get("where") or {}
    for column, values in where.items():
        found = _column(dataset, column, f"{side}: where")
        if not np.isin(found, [str(value) for value in values]).any():
            present = ", ".join(f"{value} ({count})" for value, count in sorted(Counter(found.tolist()).items()))
            raise StageError(
                f"{side}: where {column} is {', '.join(map(str, values))} finds no unit; there are {present}"
            )
        chosen &= np.isin(found, [str(value) for value in values])
    if not chosen.any():
        raise StageError(f"{side}: no unit meets all of `where:` {where}")
    enough = _scorable_per_unit(dataset, settings) >= settings["min_scored"]
    if (chosen & ~enough).any():
        names = np.asarray(dataset["unit_name"])[chosen & ~enough].tolist()
        reason = f"{side}: fewer than {settings['min_scored']} rows with a full window and labels"
        left_out.append({"reason": reason, "units": names})
    if not (chosen & enough).any():
        raise StageError(
            f"{side}: no unit has {settings['min_scored']} rows with a full window and labels; lower min_scored"
        )
    return ragged.select_units(dataset, chosen & enough)


def _groups(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(unit,) group: the scenario's column, or several joined."""
    named = settings["split"]["group"]
    columns = [_column(dataset, name, "split: group") for name in ([named] if isinstance(named, str) else named)]
    return np.asarray(["/".join(parts) for parts in zip(*columns, strict=True)])


def _join(first: Dataset, second: Dataset) -> Dataset:
    """Two files end to end; variables that one of them lacks are left out."""
    joined = {}
    for name, variable in first.variables.items():
        if name not in second:
            continue
        other = second.variables[name]
        along_units = bool(variable.dimensions) and variable.dimensions[0] in ("unit", "obs")
        values = np.concatenate([variable.values, other.values]) if along_units else variable.values
        joined[name] = Variable(variable.dimensions, values, variable.attributes)
    return Dataset(joined, first.attributes)


def _describe(both: Dataset, is_target: np.ndarray, settings: Mapping[str, Any]) -> Population:
    names = np.asarray(both["unit_name"]).astype(str)
    groups = _groups(both, settings)
    stratify = settings["split"].get("stratify")
    classes = _column(both, stratify, "split: stratify") if stratify else np.full(len(names), "")
    start, stop = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    if "row_size" in both:
        bounds = ragged.offsets(both["row_size"])
        ticks = windows.clock(both["time"], settings["step"])
        start, stop = ticks[bounds[:-1]], ticks[bounds[1:] - 1]
    return Population(names.tolist(), groups.tolist(), classes.tolist(), is_target, start, stop)


def _apply(both: Dataset, population: Population, stretches: Sequence[Stretch], settings: Mapping[str, Any]) -> Dataset:
    """One unit of the result for each stretch."""
    units = np.asarray([stretch.unit for stretch in stretches])
    if "row_size" in both:
        bounds = ragged.offsets(both["row_size"])
        ticks = windows.clock(both["time"], settings["step"])
        starts, stops = [], []
        for stretch in stretches:
            own = ticks[bounds[stretch.unit] : bounds[stretch.unit + 1]]
            first = 0 if stretch.start is None else int(np.searchsorted(own, stretch.start))
            last = len(own) if stretch.stop is None else int(np.searchsorted(own, stretch.stop, side="right"))
            starts.append(bounds[stretch.unit] + first)
            stops.append(bounds[stretch.unit] + max(first, last))
        parted = ragged.cut(both, units, np.asarray(starts), np.asarray(stops))
    else:
        parted = ragged.select_units(both, units)
    column = settings.get("class_of") or settings["split"].get("stratify")
    classes = _column(parted, column, "worst_class_of") if column else np.full(len(units), "")
    groups = np.asarray(population.groups)[units]
    added = {
        "group": Variable(
            ("unit",), groups, {"long_name": "what is never split between training and scoring", **INDEX}
        ),
        "class_of": Variable(("unit",), classes, {"long_name": "class that scores are also given for", **INDEX}),
        "part": Variable(
            ("unit",), np.asarray([s.part for s in stretches]), {"long_name": "part of the split", **INDEX}
        ),
        "segment": Variable(
            ("unit",),
            np.asarray([s.segment for s in stretches], np.int32),
            {"long_name": "stretch of a unit that was cut in time", **INDEX},
        ),
    }
    return ragged.with_variables(parted, added)


# -- rows that are predicted and scored ---------------------------------------------------------------------------


def prediction_rows(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(row,) last observation of every complete window, or the index of every chip; labels play no part."""
    if settings["kind"] == "chips":
        return np.arange(len(dataset["unit_name"]))
    window = settings["window"]
    return windows.complete_windows(
        dataset, settings["inputs"], window["length"], window["predict_stride"], settings["step"]
    )


def scorable_rows(dataset: Dataset, rows: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """(row,) bool: every target is there and the quality is that of `score_from` at least."""
    if settings["task"] != "regression":
        labels = _row_labels(dataset, rows, settings["targets"][0])
        return (labels != IGNORE).reshape(len(rows), -1).any(axis=1)
    present = np.ones(len(rows), bool)
    for name in settings["targets"]:
        present &= np.isfinite(dataset[name][rows])
    quality = settings.get("quality")
    if quality:
        present &= dataset[quality["variable"]][rows] >= quality["score_from"]
    return present


def _row_labels(dataset: Dataset, rows: np.ndarray, target: str) -> np.ndarray:
    """Labels of rows: of the observation that a window ends at, of the chip, or of the window's unit."""
    variable = dataset.variables[target]
    if variable.dimensions[0] == "unit" and "row_size" in dataset:
        return variable.values[windows.unit_index(dataset["row_size"])[rows]]
    return variable.values[rows]


def _row_units(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    return (windows.unit_index(dataset["row_size"])[rows] if "row_size" in dataset else rows).astype(np.int32)


def _scorable_per_unit(dataset: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    missing = [name for name in (*settings["inputs"], *settings["targets"]) if name not in dataset]
    if missing and settings["kind"] != "chips":
        raise StageError(
            f"the harmonised data hold no {', '.join(missing)}; mend `inputs:` or `targets:` of the scenario"
        )
    rows = prediction_rows(dataset, settings)
    scorable = rows[scorable_rows(dataset, rows, settings)]
    return np.bincount(_row_units(dataset, scorable), minlength=len(dataset["unit_name"]))


def _with_rows(inputs: Dataset, test: Dataset, rows: np.ndarray, settings: Mapping[str, Any]) -> Dataset:
    """`test_inputs.nc` with its table of rows and that table's hash."""
    row_unit = _row_units(test, rows)
    names = np.asarray(test["unit_name"]).astype(str)
    digest = hashlib.sha256()
    for name, segment in zip(names, test["segment"], strict=True):
        digest.update(f"{name}\0{int(segment)}\n".encode())
    digest.update(row_unit.astype("<i4").tobytes())
    added = {"row_unit": Variable(("row",), row_unit, {"long_name": "unit of the row to predict", **INDEX})}
    if "row_size" in test:
        digest.update(test["time"][rows].astype("<i8").tobytes())
        ends = {"long_name": "last observation of the window of the row to predict", **INDEX}
        added["row_end"] = Variable(("row",), rows.astype(np.int64), ends)
    row_of = "window" if "row_size" in test else "unit"
    return ragged.with_variables(inputs, added, row_of=row_of, rows_table_hash=digest.hexdigest())


def answer_files(
    test: Dataset, rows: np.ndarray, attributes: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Dataset, Dataset]:
    """Labels of the rows, with which of them are scored; and the noise-free truth, of which there may be none."""
    row_unit = _row_units(test, rows)
    scorable = scorable_rows(test, rows, settings)
    variables = {
        name: test.variables[name]
        for name in ("unit_name", "group", "class_of", "segment", "lat", "lon")
        if name in test
    }
    variables["row_unit"] = Variable(("row",), row_unit, {"long_name": "unit of the row", **INDEX})
    flag = {"long_name": "whether the row is scored", **INDEX}
    variables["scorable"] = Variable(("row",), scorable.astype(np.int8), flag)
    if "row_size" in test:
        time = test.variables["time"]
        variables["row_time"] = Variable(("row",), time.values[rows], {**time.attributes, "role": "index"})
        blocks = _blocks(time.values[rows], str(time.attributes["units"]), settings["block"])
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
        labels = _row_labels(test, rows, name)
        dimensions = ("row", "y", "x") if labels.ndim == 3 else ("row",)
        variables["label"] = Variable(dimensions, labels, test.variables[name].attributes)
        if f"{name}_truth" in test:
            truth["label"] = Variable(
                dimensions, _row_labels(test, rows, f"{name}_truth"), test.variables[name].attributes
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


def _blocks(time: np.ndarray, units: str, block: Any) -> np.ndarray:
    """(row,) int32: the calendar year, or stretches of a number of days."""
    days = np.asarray(time, np.int64) // (1 if units.startswith("days") else 86400)
    if block == "year":
        return (days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970).astype(np.int32)
    return (days // int(block)).astype(np.int32)


def split_table(dataset: Dataset) -> str:
    """`split.csv`: one line for each unit and segment, sorted; dates are empty where there is no time."""
    lines = []
    names = np.asarray(dataset["unit_name"]).astype(str)
    bounds = ragged.offsets(dataset["row_size"]) if "row_size" in dataset else None
    for index, name in enumerate(names):
        start = stop = ""
        if bounds is not None and bounds[index + 1] > bounds[index]:
            unit = "D" if str(dataset.variables["time"].attributes["units"]).startswith("days") else "s"
            ends = dataset["time"][[bounds[index], bounds[index + 1] - 1]].astype(f"datetime64[{unit}]")
            start, stop = str(ends[0]), str(ends[1])
        part_name = str(dataset["part"][index])
        assert part_name in PARTS
        lines.append((name, int(dataset["segment"][index]), str(dataset["group"][index]), part_name, start, stop))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["unit", "segment", "group", "part", "start", "end"])
    writer.writerows(sorted(lines))
    return text.getvalue()
