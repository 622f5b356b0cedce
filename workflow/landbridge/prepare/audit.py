"""The leak audit: what can be checked of a split before any model is trained.

A failure stops the workflow; a warning goes to the report.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.contract import Dataset
from landbridge.prepare import ragged, windows
from landbridge.prepare.groups import pairwise_km
from landbridge.stage import StageError

log = logging.getLogger(__name__)

SAME_PLACE_KM = 1.0
DUPLICATE_ROWS = 20
RELATIVE_ROUNDING = 2e-3  # of a variable's standard deviation: two values closer than this are the same number
ABSOLUTE_ROUNDING = 5e-4
NEIGHBOURS = 3  # rows compared with each row once those of one time are sorted by their label

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
        *time_overlap(parted, settings),
        *reachable_answers(files),
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
        raise StageError(
            "the audit found leaks, so nothing is trained:\n" + "\n".join(f"- {check['text']}" for check in failures)
        )


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
    """(unit,) what must stay apart: every part by itself; on a time axis a group's pool and test may be one place."""
    part = np.asarray(parted["part"]).astype(str)
    if settings["budget_axis"] == "time":
        return np.where(np.isin(part, ["target_pool", "target_test"]), "target_cut", part)
    return part


def shared_groups(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No group, and no unit, stands in two parts."""
    side = _sides(parted, settings)
    found = []
    for column, what in (("group", "group"), ("unit_name", "unit")):
        members: dict[str, set[str]] = {}
        for name, own in zip(np.asarray(parted[column]).astype(str), side, strict=True):
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
    near = pairwise_km(parted["lat"], parted["lon"]) < SAME_PLACE_KM
    near &= side[:, None] != side[None, :]
    first, second = np.nonzero(np.triu(near, 1))
    names = np.asarray(parted["unit_name"]).astype(str)
    pairs = [f"{names[i]} ({side[i]}) and {names[j]} ({side[j]})" for i, j in zip(first, second, strict=True)]
    if not pairs:
        return [_result("same coordinates", "ok", [], f"no two parts have units within {SAME_PLACE_KM:g} km")]
    groups = np.asarray(parted["group"]).astype(str)
    text = (
        f"within {SAME_PLACE_KM:g} km of each other, in different parts: {_some(pairs)}; split by a group column that "
        f"holds neighbours together"
    )
    return [_result("same coordinates", "failure", list({*groups[first], *groups[second]}), text)]


def near_duplicates(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Units of different parts whose inputs and labels agree on many days (failure), or whose inputs do (warning)."""
    if "row_size" not in parted:
        return []
    side = _sides(parted, settings)
    names = np.asarray(parted["unit_name"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    unit = windows.unit_index(parted["row_size"])
    found = []
    on_rows = [name for name in settings["targets"] if parted.variables[name].dimensions == ("obs",)]
    if on_rows and settings["task"] == "regression":
        pairs = _agreeing_pairs(parted, unit, side, [on_rows[0], *on_rows[1:], *settings["inputs"]])
        copies = {pair: count for pair, count in pairs.items() if count >= DUPLICATE_ROWS}
        text = f"no two units of different parts agree in inputs and labels on {DUPLICATE_ROWS} rows"
        if copies:
            listed = [f"{names[i]} and {names[j]} ({count} rows)" for (i, j), count in sorted(copies.items())]
            text = f"the same record under two names, in different parts: {_some(listed)}; merge them in the reader"
        involved = [groups[i] for pair in copies for i in pair]
        found.append(_result("near duplicates", "failure" if copies else "ok", involved, text))
    pairs = _equal_inputs(parted, unit, side, settings["inputs"])
    twins = {pair: count for pair, count in pairs.items() if count >= DUPLICATE_ROWS}
    text = f"no two units of different parts share inputs on {DUPLICATE_ROWS} rows"
    if twins:
        listed = [f"{names[i]} and {names[j]} ({count} rows)" for (i, j), count in sorted(twins.items())]
        text = f"{len(twins)} pairs of units in different parts have equal inputs (one driver cell?): {_some(listed)}"
    involved = [groups[i] for pair in twins for i in pair]
    found.append(_result("equal inputs", "warning" if twins else "ok", involved, text))
    return found


def _agreeing_pairs(
    parted: Dataset, unit: np.ndarray, side: np.ndarray, columns: Sequence[str]
) -> Counter[tuple[int, int]]:
    """How many rows of one time agree, within the rounding, for pairs of units in different parts.

    Rows of one time are sorted by the first column, so that copies stand beside each other: n log n, not n^2.
    """
    first = parted[columns[0]].astype(np.float64)
    usable = np.flatnonzero(np.isfinite(first))
    order = usable[np.lexsort((first[usable], parted["time"][usable]))]
    time = parted["time"][order]
    found: Counter[tuple[int, int]] = Counter()
    for distance in range(1, NEIGHBOURS + 1):
        here, there = order[:-distance], order[distance:]
        same = (time[:-distance] == time[distance:]) & (side[unit[here]] != side[unit[there]])
        here, there = here[same], there[same]
        for name in columns:
            values = parted[name].astype(np.float64)
            rounding = max(RELATIVE_ROUNDING * float(np.nanstd(values)), ABSOLUTE_ROUNDING)
            difference = np.abs(values[here] - values[there])
            close = (difference <= rounding) | (np.isnan(values[here]) & np.isnan(values[there]))
            here, there = here[close], there[close]
        low, high = np.minimum(unit[here], unit[there]), np.maximum(unit[here], unit[there])
        found.update(zip(low.tolist(), high.tolist(), strict=True))
    return found


def _equal_inputs(
    parted: Dataset, unit: np.ndarray, side: np.ndarray, inputs: Sequence[str]
) -> Counter[tuple[int, int]]:
    """How many rows of one time have byte-identical inputs, for pairs of units in different parts."""
    values = np.stack([parted[name].astype(np.float32) for name in inputs], axis=1)
    usable = np.flatnonzero(np.isfinite(values).all(axis=1))
    rows = np.ascontiguousarray(values[usable]).view(np.uint32).astype(np.uint64)
    # A polynomial hash of each row: equal rows get equal numbers, and 64 bits make other collisions negligible.
    digest = parted["time"][usable].astype(np.uint64)
    for column in rows.T:
        digest = (digest * np.uint64(6364136223846793005) + column) ^ (digest >> np.uint64(29))
    order = np.argsort(digest, kind="stable")
    digest, members = digest[order], unit[usable][order]
    found: Counter[tuple[int, int]] = Counter()
    for distance in range(1, NEIGHBOURS + 1):
        here, there = members[:-distance], members[distance:]
        same = (digest[:-distance] == digest[distance:]) & (side[here] != side[there])
        low, high = np.minimum(here[same], there[same]), np.maximum(here[same], there[same])
        found.update(zip(low.tolist(), high.tolist(), strict=True))
    return found


def time_overlap(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """Where a group was cut in time, its pool ends at least a gap before its test begins."""
    if settings["budget_axis"] != "time":
        return []
    part = np.asarray(parted["part"]).astype(str)
    groups = np.asarray(parted["group"]).astype(str)
    bounds = ragged.offsets(parted["row_size"])
    ticks = windows.clock(parted["time"], settings["step"])
    gap = settings["split"]["gap"]
    filled = parted["row_size"] > 0
    broken = []
    for group in sorted(set(groups[part == "target_test"])):
        pool = np.flatnonzero((groups == group) & (part == "target_pool") & filled)
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


def reachable_answers(files: Mapping[str, Dataset]) -> list[Result]:
    """Labels of test rows stand in the answers alone: no labels beside inputs, and test units nowhere else."""
    broken = []
    for name in ("target_inputs", "test_inputs"):
        labels = [
            variable
            for role in ("target", "truth", "quality")
            for variable in files[name].with_role(role)
            if variable != "valid"
        ]
        if labels:
            broken.append(f"{name}.nc holds {', '.join(labels)}")
    tested = _members(files["test_inputs"])
    for name, dataset in files.items():
        if name in ("test_inputs", "answers"):
            continue
        if dataset.with_role("truth"):
            broken.append(f"{name}.nc holds {', '.join(dataset.with_role('truth'))}")
        both = tested & _members(dataset)
        if both:
            broken.append(
                f"{name}.nc holds the test units {_some([f'{unit} (segment {segment})' for unit, segment in both])}"
            )
    text = (
        "; ".join(broken) + "; mend the split rule" if broken else "the labels of test rows stand in answers.nc alone"
    )
    return [_result("answers unreachable", "failure" if broken else "ok", [], text)]


def _members(dataset: Dataset) -> set[tuple[str, int]]:
    return {(str(name), int(segment)) for name, segment in zip(dataset["unit_name"], dataset["segment"], strict=True)}
