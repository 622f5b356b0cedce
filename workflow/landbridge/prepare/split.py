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

from landbridge.contract import Dataset, Variable, expand, stamps, time_unit
from landbridge.io import netcdf
from landbridge.prepare import answers, audit, columns, join, overlap, plant, pools, ragged, windows
from landbridge.prepare.answers import INDEX
from landbridge.prepare.audit import LABEL_ROLES, WITHOUT_LABELS
from landbridge.prepare.population import PARTS, Population, Stretch
from landbridge.prepare.scaling import rows_hash
from landbridge.prepare.split_rules import RULES
from landbridge.stage import Job, StageError

log = logging.getLogger(__name__)

FILES = {
    "source": ("source_train", "source_val"),
    "target_inputs": ("target_unlabelled",),
    "target_labels": ("target_pool",),
    "validation_labels": ("target_val",),
    "test_inputs": ("target_test",),
}


@dataclass(frozen=True)
class Parted:
    """All parts of a scenario as one file, with a part for each unit; and what was left out, with reasons."""

    dataset: Dataset
    left_out: list[dict[str, Any]]


def run(job: Job) -> None:
    """Inputs: `source`, `target` (harmonised, perhaps the same file). Outputs: the files of `FILES`, `answers`,
    `truth`, `split` and `audit`.
    """
    fold = int(job.wildcards["fold"])
    source = netcdf.read(job.input("source"))
    settings = {**job.settings, "inputs": expand(job.settings["inputs"], source.variables)}
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
    files = {}
    for name, parts in FILES.items():
        chosen = ragged.select_units(parted.dataset, np.isin(part_of, parts))
        unwanted = _labels_of(chosen, settings) if name in WITHOUT_LABELS else chosen.with_role("truth")
        files[name] = ragged.with_variables(ragged.drop(chosen, unwanted), {}, **common, rows_hash=rows_hash([chosen]))
    test = ragged.select_units(parted.dataset, part_of == "target_test")
    rows = answers.prediction_rows(test, settings)
    files["test_inputs"] = answers.with_rows(files["test_inputs"], test, rows, settings)
    scored, counts, not_scored = answers.scored_rows(test, rows, settings)
    if not scored.any():
        raise StageError(
            f"no row of the test can be scored, of {len(rows)} predicted: {counts}; lower min_scored or score_from, or "
            f"take a wider target population"
        )
    answer, truth = answers.answer_files(test, rows, scored, files["test_inputs"].attributes, settings)
    report = audit.audit(parted.dataset, {**files, "answers": answer}, settings, [*parted.left_out, *not_scored])
    report |= {"scenario": settings["scenario"], "fold": fold, "split_hash": common["split_hash"], "rows": counts}
    report["rule"] = settings["split"]["rule"]
    report["leakage"] = audit.leakage(report, parted.dataset)
    answer, truth = (ragged.with_variables(own, {}, leakage=report["leakage"]) for own in (answer, truth))
    if not settings["split"].get("allow_leaks"):
        audit.refuse_leaks(report)

    for name, dataset in {**files, "answers": answer, "truth": truth}.items():
        netcdf.write(job.outputs[name], dataset)
    Path(job.outputs["split"]).write_text(table)
    Path(job.outputs["audit"]).write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")


def _labels_of(dataset: Dataset, settings: Mapping[str, Any]) -> list[str]:
    """Variables that tell of labels: they do not stand beside inputs."""
    found = [name for role in LABEL_ROLES for name in dataset.with_role(role) if name != "valid"]  # valid: pixels seen
    found += [f"{name}_absent" for name in settings["targets"]]
    if class_column(settings) in found:
        found.append("class_of")
    return found


def class_column(settings: Mapping[str, Any]) -> str | None:
    """Column whose values scores are also given for."""
    return settings.get("class_of") or settings["split"].get("stratify")


# -- populations ------------------------------------------------------------------------------------------------


def part(source: Dataset, target: Dataset, settings: Mapping[str, Any], fold: int) -> Parted:
    """Both populations in one file, with the variables `group`, `class_of`, `part` and `segment` on each unit.

    A group with a unit of the target is a group of the target: its units of the source take no part.

    Raises:
        StageError: an unknown column or rule, a population without units, or files that do not go together.
    """
    rule = settings["split"]["rule"]
    if rule not in RULES:
        raise StageError(f"split: rule '{rule}' is not known; write {', '.join(RULES)}")
    if settings["kind"] == "series" and not settings.get("window"):
        raise StageError("window: is missing, and series are cut into windows; write for example {length: 30}")
    left_out: list[dict[str, Any]] = []
    if settings["source"] == settings["target"] and not settings["split"].get("simulated_at"):
        both = _population(_needed(target, settings), "target", settings, left_out)
        is_target = None
    else:
        both, is_target = _two_populations(source, target, settings, left_out)
    population = _describe(both, is_target, settings)
    rule_settings = {
        **settings["split"],
        "budget_axis": settings["budget_axis"],
        "length": (settings.get("window") or {"length": 1})["length"],
        "tick_of_year": lambda year: _tick_of_year(both, year, settings["step"]),
    }
    stretches = sorted(
        RULES[rule](population, rule_settings, fold), key=lambda stretch: (stretch.unit, stretch.segment)
    )
    if settings["split"].get("simulated_at") and settings["budget_axis"] != "time":
        stretches = overlap.without_simulated_tests(both, stretches, settings, left_out)
    parted = _apply(both, population, stretches, settings)
    if settings["budget_axis"] == "time":
        parted = pools.whole_pools(parted, settings, left_out)
    return Parted(plant.planted(parted, settings, fold), left_out)


def _two_populations(
    source: Dataset, target: Dataset, settings: Mapping[str, Any], left_out: list[dict[str, Any]]
) -> tuple[Dataset, np.ndarray]:
    """Both populations in one file, and which of its units are target."""
    chosen_source = _population(_needed(source, settings), "source", settings, left_out)
    chosen_target = _population(_needed(target, settings), "target", settings, left_out)
    chosen_source, chosen_target = overlap.without_common_groups(chosen_source, chosen_target, settings, left_out)
    if settings["source"]["dataset"] != settings["target"]["dataset"]:
        chosen_source, chosen_target = join.told_apart(chosen_source, chosen_target, settings)
    both = join.join(chosen_source, chosen_target)
    return both, np.arange(len(both["unit_name"])) >= len(chosen_source["unit_name"])


def _tick_of_year(dataset: Dataset, year: int, step: str) -> int:
    """Tick of the first step of a calendar year."""
    unit = time_unit(dataset)[0]
    begin = np.array([f"{year}-01-01"], f"datetime64[{unit}]").astype(np.int64)
    return int(windows.clock(begin, step)[0])


def _needed(dataset: Dataset, settings: Mapping[str, Any]) -> Dataset:
    return ragged.drop(dataset, set(dataset.variables) - _needed_variables(dataset, settings))


def _needed_variables(dataset: Dataset, settings: Mapping[str, Any]) -> set[str]:
    """Variables that any later stage may open: those on units, and of those on rows what the scenario names."""
    rows = {"obs", "y"}
    kept = {name for name, variable in dataset.variables.items() if not rows & set(variable.dimensions)}
    kept |= {"time", "reflectance", "valid", *settings["inputs"], *settings["targets"]}
    kept |= {f"{name}_truth" for name in settings["targets"]}
    kept |= {*(settings.get("product") or {}).values(), *settings.get("shown", ())}
    if settings["split"].get("by"):
        kept.add(settings["split"]["by"])
    if settings.get("quality"):
        kept.add(settings["quality"]["variable"])
    return kept


def _population(dataset: Dataset, side: str, settings: Mapping[str, Any], left_out: list[dict[str, Any]]) -> Dataset:
    """Units of one side: those that `where` names and that hold enough labelled rows."""
    chosen = np.ones(len(dataset["unit_name"]), bool)
    where = settings[side].get("where") or {}
    for column, values in where.items():
        found = columns.column(dataset, column, f"{side}: where")
        if not np.isin(found, [str(value) for value in values]).any():
            present = ", ".join(f"{value} ({count})" for value, count in sorted(Counter(found.tolist()).items()))
            raise StageError(
                f"{side}: where {column} is {', '.join(map(str, values))} finds no unit; there are {present}"
            )
        chosen &= np.isin(found, [str(value) for value in values])
    if not chosen.any():
        raise StageError(f"{side}: no unit meets all of `where:` {where}")
    missing = [name for name in (*settings["inputs"], *settings["targets"]) if name not in dataset]
    if missing and settings["kind"] != "chips":
        raise StageError(f"{side}: the harmonised data hold no {', '.join(missing)}; mend `inputs:` or `targets:`")
    enough = answers.scorable_per_unit(dataset, settings) >= settings["min_scored"]
    if (chosen & ~enough).any():
        names = np.asarray(dataset["unit_name"])[chosen & ~enough].tolist()
        reason = f"{side}: fewer than {settings['min_scored']} rows with a full window and labels"
        left_out.append({"reason": reason, "units": names})
    if not (chosen & enough).any():
        raise StageError(
            f"{side}: no unit has {settings['min_scored']} rows with a full window and labels; lower min_scored"
        )
    return ragged.select_units(dataset, chosen & enough)


def _describe(both: Dataset, is_target: np.ndarray | None, settings: Mapping[str, Any]) -> Population:
    names = np.asarray(both["unit_name"]).astype(str)
    groups = columns.groups_of(both, settings)
    stratify = settings["split"].get("stratify")
    classes = columns.column(both, stratify, "split: stratify") if stratify else np.full(len(names), "")
    start, stop = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    if "row_size" in both:
        bounds = ragged.offsets(both["row_size"])
        ticks = windows.clock(both["time"], settings["step"])
        start, stop = ticks[bounds[:-1]], ticks[bounds[1:] - 1]
    lat, lon = (np.asarray(both[name], float) if name in both else None for name in ("lat", "lon"))
    by = _by(both, settings["split"].get("by"))
    return Population(names.tolist(), groups.tolist(), classes.tolist(), is_target, start, stop, lat, lon, by)


def _by(both: Dataset, name: str | None) -> np.ndarray | None:
    """(unit,) a column of units as it is, or the mean of a variable on `obs`."""
    if name is None:
        return None
    if name not in both:
        raise StageError(f"split: by: the data hold no '{name}'")
    values = np.asarray(both[name])
    if both.variables[name].dimensions != ("obs",):
        return values if values.dtype.kind in "fiu" else values.astype(str)
    known = np.isfinite(values)
    unit = windows.unit_index(both["row_size"])
    sums = np.bincount(unit, np.where(known, values, 0.0), minlength=len(both["row_size"]))
    return sums / np.maximum(np.bincount(unit, known, minlength=len(sums)), 1)


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
    column = class_column(settings)
    classes = columns.column(parted, column, "worst_class_of") if column else np.full(len(units), "")
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


def split_table(dataset: Dataset) -> str:
    """`split.csv`: one line for each unit and segment, sorted; dates are empty where there is no time."""
    lines = []
    names = np.asarray(dataset["unit_name"]).astype(str)
    bounds = ragged.offsets(dataset["row_size"]) if "row_size" in dataset else None
    time = stamps(dataset) if bounds is not None else np.zeros(0)
    for index, name in enumerate(names):
        start = stop = ""
        if bounds is not None and bounds[index + 1] > bounds[index]:
            ends = time[[bounds[index], bounds[index + 1] - 1]]
            start, stop = str(ends[0]), str(ends[1])
        part_name = str(dataset["part"][index])
        assert part_name in PARTS
        lines.append((name, int(dataset["segment"][index]), str(dataset["group"][index]), part_name, start, stop))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["unit", "segment", "group", "part", "start", "end"])
    writer.writerows(sorted(lines))
    return text.getvalue()
