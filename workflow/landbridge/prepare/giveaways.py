"""Inputs that are the label by another name: found one by one, before any training.

A number goes with a label by a correlation above 0.99. A class is given away where one number tells every two classes
apart, with an area under the ROC curve above 0.99 for each pair (Hand and Till 2001, doi:10.1023/A:1010920819831, of
whose mean the least is taken here); a number that tells one class from the rest so well may be honest, as the speed of
people who walk is, and is told as a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, Dataset
from landbridge.prepare import windows
from landbridge.prepare.findings import Result, result, some

LIMIT = 0.99  # of an absolute correlation, or of an area under the ROC curve
FEWEST = 100  # labelled rows, or units of a class, below which chance may do
SPREAD = 1e-9  # of its size, below which a column is constant
PIXELS = 200_000  # labelled pixels that are looked at, evenly spread over images


def label_in_inputs(parted: Dataset, settings: Mapping[str, Any]) -> list[Result]:
    """No single input is the label, over all parts together or inside a group.

    Of regressions: the correlation of each input with each target, pooled and in every group with 100 labelled rows or
    more. Of classes of rows or pixels: of each input there. Of classes of units and images: of
    each input's least, mean and most over the unit or image, and of the numbers of units.
    """
    of_numbers = settings["task"] == "regression"
    given = dict(_correlated(parted, settings)) if of_numbers else _told_apart(parted, settings)
    failures = {text: groups for text, (level, groups) in given.items() if level == "failure"}
    warnings = [text for text, (level, _) in given.items() if level == "warning"]
    text = "; ".join(given) or "no single input tells the label"
    if failures:
        text = (
            f"{some(sorted(failures))}; an input that is the label, or was made of it, is not there when a model is "
            f"used: take it out of `inputs:`, or make it of what is known without the label"
        )
    elif warnings:
        text = f"{some(sorted(warnings))}: is it known without the label?"
    level = "failure" if failures else "warning" if warnings else "ok"
    involved = sorted({group for groups in failures.values() for group in groups})
    return [result("label in inputs", level, involved, text)]


Given = Mapping[str, tuple[str, list[str]]]  # finding to its level and groups


def _correlated(parted: Dataset, settings: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    groups, index = np.unique(np.asarray(parted["group"]).astype(str), return_inverse=True)
    unit = windows.unit_index(parted["row_size"])
    of_row = index.ravel()[unit]
    for name in settings["inputs"]:
        column = np.asarray(parted[name], np.float64)
        for target in settings["targets"]:
            label = np.asarray(parted[target], np.float64)
            whole = correlations(column, label, np.zeros(len(label), np.int64), 1)
            inside = correlations(column, label, of_row, len(groups))
            found = np.flatnonzero(inside > LIMIT)
            if whole[0] > LIMIT:
                yield f"{name} goes with {target} (r = {whole[0]:.4f})", ("failure", [])
            elif len(found):
                text = f"{name} goes with {target} in {some(groups[found].tolist())} (r = {inside[found].max():.4f})"
                yield text, ("failure", groups[found].tolist())


def correlations(first: np.ndarray, second: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """(group,) absolute Pearson correlation over rows that have both; NaN of constants and of fewer than 100 rows.

    Args:
        first, second: (row,) float64; missing is NaN.
        group: (row,) index of the group of each row.
        groups: how many there are.
    """
    known = np.isfinite(first) & np.isfinite(second)
    x, y, group = first[known], second[known], group[known]
    count = np.bincount(group, minlength=groups)

    def mean(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.bincount(group, values, minlength=groups) / np.maximum(count, 1)
        return found

    size = [np.sqrt(mean(values**2)) for values in (x, y)]
    x, y = x - mean(x)[group], y - mean(y)[group]
    spread = [np.sqrt(mean(values**2)) for values in (x, y)]
    usable = count >= FEWEST
    for own, about in zip(spread, size, strict=True):
        usable &= own > SPREAD * about
    return np.where(usable, np.abs(mean(x * y)) / np.where(usable, spread[0] * spread[1], 1.0), np.nan)


def _told_apart(parted: Dataset, settings: Mapping[str, Any]) -> Given:
    """Findings of classes."""
    found: dict[str, tuple[str, list[str]]] = {}
    columns, label = _columns(parted, settings)
    known = label != IGNORE
    classes = [name for name in np.unique(label[known]).tolist() if np.sum(label[known] == name) >= 2]
    if len(classes) < 2 or known.sum() < FEWEST:
        return {f"fewer than {FEWEST} labels, or one class: chance may do": ("ok", [])}
    for name, values in columns:
        used = known & np.isfinite(values)
        values, own = values[used], label[used]
        pairs = [
            area(values[np.isin(own, pair)], own[np.isin(own, pair)] == pair[0]) for pair in combinations(classes, 2)
        ]
        if min(pairs) > LIMIT:
            found[f"{name} tells every two classes apart (area under the curve {min(pairs):.4f})"] = ("failure", [])
        elif len(classes) > 2:
            rest = {k: area(values, own == k) for k in classes}
            best = max(rest, key=lambda k: rest[k])
            if rest[best] > LIMIT:
                words = settings.get("classes") or []
                word = words[int(best)] if int(best) < len(words) else str(best)
                text = f"{name} tells {word} from all other classes (area under the curve {rest[best]:.4f})"
                found[text] = ("warning", [])
    return found


def area(values: np.ndarray, is_class: np.ndarray) -> float:
    """Area under the ROC curve of a number (n,) for a class (n,) bool, whichever way; 0.5 where a side is empty."""
    from scipy.stats import (
        rankdata,  # here, since its import takes longer than most splits, and a regression needs none
    )

    inside = int(is_class.sum())
    outside = len(is_class) - inside
    if not inside or not outside:
        return 0.5
    rank = float(rankdata(values)[is_class].sum()) - inside * (inside + 1) / 2
    return max(rank, inside * outside - rank) / (inside * outside)


def _columns(parted: Dataset, settings: Mapping[str, Any]) -> tuple[list[tuple[str, np.ndarray]], np.ndarray]:
    """Numbers by name, and the label, of each row, unit, image or pixel."""
    target = settings["targets"][0]
    name = target if target in parted else parted.with_role("target")[0]
    label = np.asarray(parted[name])
    if "reflectance" in parted:
        return _of_images(parted, label)
    statics = [(own, np.asarray(parted[own], np.float64)) for own in settings.get("static", ())]
    if parted.variables[name].dimensions != ("unit",):
        return [(own, np.asarray(parted[own], np.float64)) for own in settings["inputs"]], label
    unit, count = windows.unit_index(parted["row_size"]), len(label)
    columns = []
    for own in settings["inputs"]:
        values = np.asarray(parted[own], np.float64)
        known = np.isfinite(values)
        columns += list(_summaries(own, values[known], unit[known], count))
    return [*columns, *statics], label


def _summaries(name: str, values: np.ndarray, unit: np.ndarray, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Least, mean and most of each unit (unit,); NaN where a unit has nothing."""
    sizes = np.bincount(unit, minlength=count)
    least, most = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(least, unit, values)
    np.maximum.at(most, unit, values)
    mean = np.bincount(unit, values, minlength=count) / np.maximum(sizes, 1)
    for word, own in (("least", least), ("mean", mean), ("most", most)):
        yield f"{word} {name}", np.where(sizes > 0, own, np.nan)


def _of_images(parted: Dataset, label: np.ndarray) -> tuple[list[tuple[str, np.ndarray]], np.ndarray]:
    """Bands of pixels where each has a label, else of whole images."""
    images, names = parted["reflectance"], [str(name) for name in parted["band_name"]]
    seen = np.asarray(parted["valid"]) != 0
    if label.ndim == 1:
        columns = []
        for band, name in enumerate(names):
            known = seen & np.isfinite(images[:, band])
            unit = np.nonzero(known)[0]
            columns += list(_summaries(name, images[:, band][known].astype(np.float64), unit, len(label)))
        return columns, label
    every = max(1, label.size // PIXELS)
    flat = np.where(seen, label, IGNORE).reshape(-1)[::every]
    return [(name, images[:, band].reshape(-1)[::every].astype(np.float64)) for band, name in enumerate(names)], flat
