"""The leak audit: what can be checked of a split before any model is trained.

A failure stops the workflow; a warning goes to the report.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.prepare import duplicates, ragged, shortcuts, windows
from landbridge.prepare.groups import EARTH_RADIUS_KM, distance_km
from landbridge.stage import StageError

log = logging.getLogger(__name__)

SAME_PLACE_KM = 1.0
DUPLICATE_ROWS = 20
DRIVER_CELL = "driver_cell"  # column of units, where a dataset has it
LABEL_ROLES = ("target", "quality", "truth")
WITHOUT_LABELS = ("target_inputs", "test_inputs")

Result = dict[str, Any]


def audit(
    parted: Dataset, files: Mapping[str, Dataset], settings: Mapping[str, Any], left_out: Sequence[Mapping[str, Any]]
) -> Result:
    """All checks of one split.

    Args:
        parted: every part in one file, with `part`, `group` and `segment`.
        files: the files that are to be written, `answers` among them.
        settings: of the scenario.
        left_out: units that are in no part, with reasons.

    Returns:
        {"counts": by part, "left_out": ..., "checks": [{check, level, groups, text}]}; level is ok, warning, failure.
    """
    checks = [
        *shared_groups(parted, settings),
        *same_places(parted, settings),
        *near_duplicates(parted, settings),
        *correlated_labels(parted, settings),
        *distance_to_training(parted),
        *time_overlap(parted, settings),
        *label_filters(parted, settings),
        *cleaned_by_labels(parted),
        *shortcuts.guesses(parted, settings),
        *reachable_answers(files),
        *label_classes(files, settings),
    ]
    for check in checks:
        if check["level"] != "ok":
            log.warning("%s: %s", check["check"], check["text"])
    return {"counts": counts(parted), "left_out": [dict(item) for item in left_out], "checks": checks}


def refuse_leaks(report: Result) -> None:
    """Stop before training where a check failed.

    Raises:
        StageError: which groups, why, and what to do.
    """
    failures = [check for check in report["checks"] if check["level"] == "failure"]
    if failures:
        log.error("audit: %s", json.dumps(report, sort_keys=True))
        lines = [f"- {check['text']}" for check in failures]
        raise StageError("the audit found leaks, so nothing is trained:\n" + "\n".join(lines))


def counts(parted: Dataset) -> dict[str, dict[str, int]]:
    """Groups, units and observations of each part."""
    part = np.asarray(parted["part"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    sizes = parted["row_size"] if "row_size" in parted else np.ones(len(part), int)
    return {
        name: {
            "groups": len(set(groups[part == name])),
            "units": int((part == name).sum()),
            "rows": int(sizes[part == name].sum()),
        }
        for name in sorted(set(part))
    }


def _result(check: str, level: str, groups: Sequence[str], text: str) -> Result:
    return {"check": check, "level": level, "groups": sorted(groups), "text": text}


def _some(names: Sequence[str], most: int = 8) -> str:
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _sides(parted: Dataset, settings: Mapping[str, Any]) -> np.ndarray:
    """(unit,) what must stay apart: every part by itself, but for parts that are one place cut in time."""
    part = np.asarray(parted["part"]).astype(str)
    if settings["split"]["rule"] == "temporal":
        return np.full(len(part), "one place", part.dtype.kind + "10")
    if settings["split"].get("source_validation") == "time":
        part = np.where(np.isin(part, ["source_train", "source_val"]), "source", part)
    if settings["budget_axis"] == "time":
        return np.where(np.isin(part, ["target_pool", "target_test"]), "target_cut", part)
    return part


def shared_groups(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No group, and no unit, stands in two parts."""
    side = _sides(parted, settings)
    found = []
    columns = {"group": "group", "unit_name": "unit", **{name: name for name in settings["split"].get("apart", ())}}
    for column, what in columns.items():
        members: dict[str, set[str]] = {}
        for name, own in zip(np.asarray(parted[column]).astype(str), side, strict=True):
            if name:  # a unit without a value shares it with none
                members.setdefault(str(name), set()).add(str(own))
        shared = [name for name, sides in members.items() if len(sides) > 1]
        level = "failure" if shared else "ok"
        text = f"no {what} stands in two parts"
        if shared:
            text = (
                f"{what} {_some(shared)} stands in more than one part; give both records one group in the reader, or "
                f"split by a column that holds them together"
            )
        found.append(_result(f"shared {what}s", level, shared, text))
    return found


def same_places(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No two units of different parts lie within a kilometre of each other."""
    if "lat" not in parted or "lon" not in parted:
        return []
    side = _sides(parted, settings)
    groups = np.asarray(parted["group"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    first, second = near_pairs(parted["lat"], parted["lon"], side, SAME_PLACE_KM)
    if settings["split"].get("simulated_at"):  # what is computed at a place says nothing of what is measured there
        of_source = np.char.startswith(side.astype(str), "source")
        alike = of_source[first] == of_source[second]
        first, second = first[alike], second[alike]
    if len(first) == 0:
        return [_result("same coordinates", "ok", [], f"no two parts have units within {SAME_PLACE_KM:g} km")]
    pairs = [f"{names[i]} ({side[i]}) and {names[j]} ({side[j]})" for i, j in zip(first, second, strict=True)]
    text = (
        f"within {SAME_PLACE_KM:g} km of each other, in different parts: {_some(pairs)}; split by a group column that "
        f"holds neighbours together"
    )
    return [_result("same coordinates", "failure", sorted({*groups[first], *groups[second]}), text)]


def near_pairs(lat: np.ndarray, lon: np.ndarray, side: np.ndarray, limit_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the units on different sides that lie nearer to each other than a limit.

    Only places within the limit in latitude are compared, and many units at one place of one side count as one.

    Args:
        lat: (unit,) degrees; places that are missing are near to none.
        lon: (unit,) degrees.
        side: (unit,) what must stay apart.
        limit_km: km along the great circle.
    """
    codes = np.unique(side, return_inverse=True)[1].ravel()
    place = np.stack([np.asarray(lat, float), np.asarray(lon, float), codes], axis=1)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    index = known[np.unique(place[known], axis=0, return_index=True)[1]]  # sorted by latitude
    north = place[index, 0]
    reach = np.searchsorted(north, north + np.degrees(limit_km / EARTH_RADIUS_KM), side="right")
    first = np.repeat(np.arange(len(index)), reach - np.arange(len(index)) - 1)
    second = ragged.ranges(np.arange(len(index)) + 1, reach)
    first, second = index[first], index[second]
    apart = codes[first] != codes[second]
    first, second = first[apart], second[apart]
    near = distance_km(place[first, 0], place[first, 1], place[second, 0], place[second, 1]) < limit_km
    return np.minimum(first, second)[near], np.maximum(first, second)[near]


def near_duplicates(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Units of different parts whose inputs and labels agree on many rows (failure), or whose inputs do (warning)."""
    side = _sides(parted, settings)
    if "row_size" not in parted:
        pairs, least, what = duplicates.equal_chips(parted, side), 1, "image"
    else:
        pairs, least, what = duplicates.agreeing_rows(parted, side, settings), DUPLICATE_ROWS, "row"
    names = np.asarray(parted["unit_name"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    copies = {pair: both for pair, (_, both) in pairs.items() if both >= least}
    alike = {pair: inputs for pair, (inputs, _) in pairs.items() if inputs >= least and pair not in copies}

    def listed(found: Mapping[tuple[int, int], int]) -> str:
        return _some([f"{names[i]} and {names[j]} ({count} {what}s)" for (i, j), count in found.items()])

    def involved(found: Mapping[tuple[int, int], int]) -> list[str]:
        return sorted({str(groups[i]) for pair in found for i in pair})

    many = f"{least} {what}" + "s" * (least > 1)
    text = f"no two units of different parts agree in inputs and labels on {many}"
    if copies:
        text = (
            f"the same record under two names, in different parts: {listed(copies)}; merge the two in the reader, or "
            f"give them one group"
        )
    found = [_result("near duplicates", "failure" if copies else "ok", involved(copies), text)]
    text = f"no two units of different parts share inputs alone on {many}"
    if alike:
        text = (
            f"{len(alike)} pairs of units in different parts have equal inputs and other labels, as where drivers were "
            f"read from one grid cell: {listed(alike)}; a group column that holds them together is stricter"
        )
    return [*found, _result("equal inputs", "warning" if alike else "ok", involved(alike), text)]


def correlated_labels(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No unit of the test has labels that go with those of a unit of another part as only one instrument's can."""
    if "row_size" not in parted or settings["task"] != "regression":
        return []
    side = _sides(parted, settings)
    part = np.asarray(parted["part"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    ticks = windows.clock(parted["time"], settings["step"])
    target = settings["targets"][-1]
    pairs = duplicates.correlated_units(parted, target, ticks, part == "target_test", side)
    text = f"no test unit's {target} correlates above {duplicates.CORRELATION} with that of another part"
    if pairs:
        listed = _some([f"{names[i]} and {names[j]} (r = {r:.3f})" for i, j, r in pairs])
        text = (
            f"{target} correlates above {duplicates.CORRELATION} over {duplicates.SHARED_STEPS} shared steps or more, "
            f"in different parts: {listed}; they are records of one instrument, so give them one group"
        )
    found = sorted({str(groups[i]) for i, _, _ in pairs} | {str(groups[j]) for _, j, _ in pairs})
    return [_result("correlated labels", "failure" if pairs else "ok", found, text)]


def distance_to_training(parted: Dataset) -> list[Result]:
    """How far the test units lie from what is trained on, and how many share a driver cell with it."""
    if "lat" not in parted or "lon" not in parted:
        return []
    part = np.asarray(parted["part"]).astype(str)
    train, test = np.isin(part, ["source_train", "source_val"]), part == "target_test"
    if not train.any() or not test.any():
        return []
    lat, lon = np.asarray(parted["lat"], float), np.asarray(parted["lon"], float)
    nearest = np.array(
        [np.nanmin(distance_km(lat[i], lon[i], lat[train], lon[train]), initial=np.inf) for i in np.flatnonzero(test)]
    )
    edges = (0, 5, 50, 200, 1000, np.inf)
    counts = np.histogram(nearest, edges)[0]
    shown = [f"{count} at {low:g} to {high:g} km" for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    text = f"nearest training unit of the {len(nearest)} test units: " + ", ".join(shown).replace(
        " to inf km", " km on"
    )
    if DRIVER_CELL in parted:
        cells = np.asarray(parted[DRIVER_CELL]).astype(str)
        shared = int(np.isin(cells[test], sorted(set(cells[train]))).sum())
        text += f"; {shared} stand in the driver cell of a training unit"
    return [{**_result("distance to training", "ok", [], text), "km": [round(float(km), 3) for km in nearest]}]


def time_overlap(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Where a group was cut in time, what is learned from ends at least a gap before its test begins."""
    before = ["target_pool"] if settings["budget_axis"] == "time" else []
    before += ["source_train", "source_val"] if settings["split"]["rule"] == "temporal" else []
    if not before:
        return []
    part = np.asarray(parted["part"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    bounds = ragged.offsets(parted["row_size"])
    ticks = windows.clock(parted["time"], settings["step"])
    gap = settings["split"]["gap"]
    filled = parted["row_size"] > 0
    broken = []
    for group in sorted(set(groups[part == "target_test"])):
        pool = np.flatnonzero((groups == group) & np.isin(part, before) & filled)
        test = np.flatnonzero((groups == group) & (part == "target_test") & filled)
        if len(pool) and len(test):
            last = max(int(ticks[bounds[i + 1] - 1]) for i in pool)
            first = min(int(ticks[bounds[i]]) for i in test)
            if first - last - 1 < gap:
                broken.append(group)
    text = f"a gap of {gap} steps lies between pool and test of every group"
    if broken:
        text = f"pool and test of {_some(broken)} lie less than {gap} steps apart; widen `gap` or mend the split rule"
    return [_result("time overlap", "failure" if broken else "ok", broken, text)]


def label_filters(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No population is chosen by its labels: of the target that is a leak, of the source it is told."""
    found = []
    for side, level in (("source", "warning"), ("target", "failure")):
        columns = [
            name
            for name in settings[side].get("where") or {}
            if name in parted and parted.variables[name].attributes.get("role") in LABEL_ROLES
        ]
        text = f"no unit of the {side} was chosen by a label"
        if columns:
            text = f"{side}: where chooses units by {_some(columns)}, a label; choose by what is known before labelling"
        found.append(_result(f"filtered by label, {side}", level if columns else "ok", [], text))
    return found


LEAKAGE = "leakage"  # column of units, where a reader knows of leaks in the data themselves


def cleaned_by_labels(parted: Dataset) -> list[Result]:
    """No unit was prepared with the help of its label, as its reader tells."""
    if LEAKAGE not in parted:
        return []
    words = np.asarray(parted[LEAKAGE]).astype(str)
    target = np.char.startswith(np.asarray(parted["part"]).astype(str), "target")
    found = []
    for side, chosen, level in (("source", ~target, "warning"), ("target", target, "failure")):
        known = sorted(set(words[chosen]) - {""})
        text = f"no unit of the {side} was prepared with the help of its label"
        if known:
            text = (
                f"units of the {side} were prepared with the help of their labels ({', '.join(known)}), so scores "
                f"flatter; take data that were cleaned without labels, or allow leaks to reproduce a published result"
            )
        found.append(_result(f"prepared by label, {side}", level if known else "ok", [], text))
    return found


def leakage(report: Result, parted: Dataset) -> str:
    """What every result of a split must be marked with: leaks of the data and checks that failed, in words."""
    words = set(np.asarray(parted[LEAKAGE]).astype(str)) - {""} if LEAKAGE in parted else set()
    words |= {check["check"] for check in report["checks"] if check["level"] == "failure"}
    return "; ".join(sorted(words))


def reachable_answers(files: Mapping[str, Dataset]) -> list[Result]:
    """Labels of test rows stand in the answers alone: no labels beside inputs, and test units nowhere else."""
    broken = []
    for name in WITHOUT_LABELS:
        dataset = files[name]
        labels = [label for role in LABEL_ROLES for label in dataset.with_role(role) if label != "valid"]
        absences = [f"{target}_absent" for target in files["source"].with_role("target")]
        labels += [absence for absence in absences if absence in dataset]
        if labels:
            broken.append(f"{name}.nc holds {', '.join(labels)}")
    tested = _members(files["test_inputs"])
    for name, dataset in files.items():
        if name in ("test_inputs", "answers"):
            continue
        if dataset.with_role("truth"):
            broken.append(f"{name}.nc holds {_some(dataset.with_role('truth'))}")
        both = [f"{unit} (segment {segment})" for unit, segment in sorted(tested & _members(dataset))]
        if both:
            broken.append(f"{name}.nc holds the test units {_some(both)}")
    text = "the labels of test rows stand in answers.nc alone"
    if broken:
        text = "; ".join(broken) + "; mend the split rule, or the role of the variable in domain.yaml"
    return [_result("answers unreachable", "failure" if broken else "ok", [], text)]


def label_classes(files: Mapping[str, Dataset], settings: Mapping[str, Any]) -> list[Result]:
    """The class that scores are given for, where it is a label, does not stand beside inputs."""
    column = settings.get("class_of") or settings["split"].get("stratify")
    beside = [name for name in WITHOUT_LABELS if "class_of" in files[name]]
    if column not in files["source"].with_role("target") or not beside:
        return [_result("class beside inputs", "ok", [], "no class that is a label stands beside inputs")]
    text = f"class_of is the label {column}, and {_some([f'{name}.nc' for name in beside])} hold it; drop it there"
    return [_result("class beside inputs", "failure", [], text)]


def _members(dataset: Dataset) -> set[tuple[str, int]]:
    return {(str(name), int(segment)) for name, segment in zip(dataset["unit_name"], dataset["segment"], strict=True)}
