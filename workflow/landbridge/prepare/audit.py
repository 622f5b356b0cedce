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
from landbridge.prepare import duplicates, footprints, giveaways, places, ragged, shortcuts, windows
from landbridge.prepare.findings import Result, comparable, result, sides, some
from landbridge.stage import StageError

log = logging.getLogger(__name__)

DUPLICATE_ROWS = 20
SAME_RECORD = 0.5  # share of the labelled rows of a unit that makes even a simulated record a copy of it
LABEL_ROLES = ("target", "quality", "truth")
WITHOUT_LABELS = ("target_inputs", "test_inputs")


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
        *places.same_places(parted, settings),
        *footprints.overlapping_footprints(parted, settings),
        *footprints.one_level(parted),
        *near_duplicates(parted, settings),
        *correlated_labels(parted, settings),
        *places.neighbours(parted, settings),
        *places.distance_to_training(parted, settings),
        *places.simulated_at_the_test(parted, settings),
        *time_overlap(parted, settings),
        *label_filters(parted, settings),
        *cleaned_by_labels(parted),
        *giveaways.label_in_inputs(parted, settings),
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


def shared_groups(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No group, and no unit, stands in two parts."""
    side = sides(parted, settings)
    found = []
    columns = {"group": "group", "unit_name": "unit", **{name: name for name in settings["split"].get("apart", ())}}
    for column, what in columns.items():
        members: dict[str, set[str]] = {}
        for name, own in zip(np.asarray(parted[column]).astype(str), side, strict=True):
            if name:  # a unit without a value shares it with none
                members.setdefault(str(name), set()).add(str(own))
        shared = [name for name, found_in in members.items() if len(found_in) > 1]
        level = "failure" if shared else "ok"
        text = f"no {what} stands in two parts"
        if shared:
            text = (
                f"{what} {some(shared)} stands in more than one part; give both records one group in the reader, or "
                f"split by a column that holds them together"
            )
        found.append(result(f"shared {what}s", level, shared, text))
    return found


def near_duplicates(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Units of different parts whose inputs and labels agree on many rows (failure), or whose inputs do (warning)."""
    side = sides(parted, settings)
    if "row_size" not in parted:
        pairs, least, what = duplicates.copied_chips(parted, side), 1, "image"
    else:
        pairs, least, what = duplicates.agreeing_rows(parted, side, settings), DUPLICATE_ROWS, "row"
    ends = np.array(list(pairs), int).reshape(-1, 2)
    compared = comparable(side, ends[:, 0], ends[:, 1], settings)
    # A simulation may agree with a tower here and there, such as where nothing is emitted, but not with a test tower
    # day for day.
    tested = (np.asarray(parted["part"]).astype(str)[ends] == "target_test").any(axis=1)
    agreeing = np.array([both for _, both in pairs.values()], int)
    compared |= tested & (agreeing >= np.maximum(least, SAME_RECORD * duplicates.fewer_labels(parted, ends, settings)))
    pairs = {pair: found for (pair, found), kept in zip(pairs.items(), compared, strict=True) if kept}
    names = np.asarray(parted["unit_name"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    copies = {pair: both for pair, (_, both) in pairs.items() if both >= least}
    alike = {pair: inputs for pair, (inputs, _) in pairs.items() if inputs >= least and pair not in copies}

    def listed(found: Mapping[tuple[int, int], int]) -> str:
        return some([f"{names[i]} and {names[j]} ({count} {what}s)" for (i, j), count in found.items()])

    def involved(found: Mapping[tuple[int, int], int]) -> list[str]:
        return sorted({str(groups[i]) for pair in found for i in pair})

    many = f"{least} {what}" + "s" * (least > 1)
    text = f"no two units of different parts agree in inputs and labels on {many}"
    if copies:
        text = (
            f"the same record under two names, in different parts: {listed(copies)}; merge the two in the reader, or "
            f"give them one group"
        )
    found = [result("near duplicates", "failure" if copies else "ok", involved(copies), text)]
    text = f"no two units of different parts share inputs alone on {many}"
    if alike:
        text = (
            f"{len(alike)} pairs of units in different parts have equal inputs and other labels, as where drivers were "
            f"read from one grid cell: {listed(alike)}; a group column that holds them together is stricter"
        )
    return [*found, result("equal inputs", "warning" if alike else "ok", involved(alike), text)]


def correlated_labels(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No unit of the test has labels that go with those of a unit of another part as only one instrument's can."""
    if "row_size" not in parted or settings["task"] != "regression":
        return []
    side = sides(parted, settings)
    part = np.asarray(parted["part"]).astype(str)
    names = np.asarray(parted["unit_name"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    ticks = windows.clock(parted["time"], settings["step"])
    target = settings["targets"][-1]
    found_pairs = duplicates.correlated_units(parted, target, ticks, part == "target_test", side)
    pairs = [(i, j, r) for i, j, r in found_pairs if comparable(side, np.array([i]), np.array([j]), settings)[0]]
    text = f"no test unit's {target} correlates above {duplicates.CORRELATION} with that of another part"
    if pairs:
        listed = some([f"{names[i]} and {names[j]} (r = {r:.3f})" for i, j, r in pairs])
        text = (
            f"{target} correlates above {duplicates.CORRELATION} over {duplicates.SHARED_STEPS} shared steps or more, "
            f"in different parts: {listed}; they are records of one instrument, so give them one group"
        )
    found = sorted({str(groups[i]) for i, _, _ in pairs} | {str(groups[j]) for _, j, _ in pairs})
    return [result("correlated labels", "failure" if pairs else "ok", found, text)]


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
        text = f"pool and test of {some(broken)} lie less than {gap} steps apart; widen `gap` or mend the split rule"
    return [result("time overlap", "failure" if broken else "ok", broken, text)]


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
            text = f"{side}: where chooses units by {some(columns)}, a label; choose by what is known before labelling"
        found.append(result(f"filtered by label, {side}", level if columns else "ok", [], text))
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
        found.append(result(f"prepared by label, {side}", level if known else "ok", [], text))
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
            broken.append(f"{name}.nc holds {some(dataset.with_role('truth'))}")
        both = [f"{unit} (segment {segment})" for unit, segment in sorted(tested & _members(dataset))]
        if both:
            broken.append(f"{name}.nc holds the test units {some(both)}")
    text = "the labels of test rows stand in answers.nc alone"
    if broken:
        text = "; ".join(broken) + "; mend the split rule, or the role of the variable in domain.yaml"
    return [result("answers unreachable", "failure" if broken else "ok", [], text)]


def label_classes(files: Mapping[str, Dataset], settings: Mapping[str, Any]) -> list[Result]:
    """The class that scores are given for, where it is a label, does not stand beside inputs."""
    column = settings.get("class_of") or settings["split"].get("stratify")
    beside = [name for name in WITHOUT_LABELS if "class_of" in files[name]]
    if column not in files["source"].with_role("target") or not beside:
        return [result("class beside inputs", "ok", [], "no class that is a label stands beside inputs")]
    text = f"class_of is the label {column}, and {some([f'{name}.nc' for name in beside])} hold it; drop it there"
    return [result("class beside inputs", "failure", [], text)]


def _members(dataset: Dataset) -> set[tuple[str, int]]:
    return {(str(name), int(segment)) for name, segment in zip(dataset["unit_name"], dataset["segment"], strict=True)}
