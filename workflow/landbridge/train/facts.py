"""What rows of a population tell beside its windows: when and where they lie, how often classes and uses occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from landbridge.contract import stamps
from landbridge.io import mapped
from landbridge.methods.given import NotApplicable
from landbridge.prepare import windows

if TYPE_CHECKING:
    from landbridge.train.samples import Samples, Windows


def months(samples: Samples, observations: np.ndarray) -> np.ndarray | None:
    """(row,) month 1..12 of observations (row,); None where rows have no calendar."""
    if samples.chips or samples.task != "regression":
        return None
    return windows.months(stamps(samples.dataset)[observations])


def places(samples: Samples, observations: np.ndarray) -> np.ndarray:
    """(row, 5) of observations (row,): the place as a point of the unit sphere, sine and cosine of the day of the year.

    Raises:
        NotApplicable: no regression on series, or units have no `lat` and `lon`.
    """
    if samples.chips or samples.task != "regression" or "lat" not in samples.dataset:
        raise NotApplicable("needs series with a calendar, whose units have lat and lon")
    unit = samples.unit[observations]
    lat, lon = (np.radians(np.asarray(samples.dataset[name], float))[unit] for name in ("lat", "lon"))
    phase = 2 * np.pi * windows.share_of_year(stamps(samples.dataset)[observations])
    columns = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat), np.sin(phase), np.cos(phase))
    return np.stack(columns, axis=1)


def product(samples: Samples, observations: np.ndarray) -> np.ndarray:
    """(row, target) of an existing product at observations (row,).

    Raises:
        NotApplicable: the scenario names none for some target, or the product has no value at some row.
    """
    named, targets = samples.layout.product, samples.layout.targets
    if not named:
        raise NotApplicable("the scenario names no product")
    absent = [name for name in named.values() if name not in samples.dataset]
    if absent:
        raise NotApplicable(f"the data hold no {', '.join(absent)}")
    if any(name not in named for name in targets):
        raise NotApplicable("the product lacks " + ", ".join(name for name in targets if name not in named))
    values = np.stack([samples.dataset[named[name]][observations] for name in targets], axis=1)
    lost = int(np.isnan(values).any(axis=1).sum())
    if lost:
        raise NotApplicable(f"the product has no value at {lost} of {len(values)} rows")
    return values


def uses(samples: Samples) -> np.ndarray:
    """(target,) how often each target goes on, among all labels.

    Raises:
        NotApplicable: targets without an off state.
    """
    if not samples.layout.on_from:
        raise NotApplicable("needs targets that are on or off")
    least = np.array([samples.layout.on_from[name] for name in samples.layout.targets])
    labels, found = samples.labels[0], np.zeros(len(least), np.int64)
    for rows in mapped.blocks(len(labels), labels[:1].nbytes):
        begin = max(rows.start - 1, 0)
        on = np.nan_to_num(labels[begin : rows.stop]) >= least  # (obs, target)
        unit = samples.unit[begin : rows.stop]
        before = on[:-1] & (unit[1:] == unit[:-1])[:, None]
        found += (on[1:] & ~before).sum(axis=0) + (on[0] if rows.start == 0 else 0)
    return found


def class_factors(samples: Samples) -> np.ndarray:
    """(unit,) float32 factors that give the classes of each column of `class_weights` the same total weight.

    N / (K n_c) of N labelled rows, K classes and n_c rows of the unit's class; products over columns.
    """
    weights = samples.labels[1].reshape(len(samples.labels[1]), -1)
    rows = np.zeros(len(samples.dataset["unit_name"]), np.int64)
    for part in mapped.blocks(len(weights), weights[:1].nbytes):
        labelled = np.any(weights[part] > 0, axis=1)
        rows += np.bincount(samples.unit[part][labelled], minlength=len(rows))
    factors = np.ones(len(rows), np.float64)
    for column in samples.layout.class_weights:
        classes, index = np.unique(np.asarray(samples.dataset[column]).astype(str), return_inverse=True)
        counts = np.bincount(index, rows, minlength=len(classes))
        factors *= (rows.sum() / ((counts > 0).sum() * np.maximum(counts, 1)))[index]
    return factors.astype(np.float32)


def steps_and_means(samples: Samples, chosen: Windows) -> np.ndarray:
    """(window, column) float32 of windows of series: their scored step, means over the window, static numbers."""
    ends, sizes = chosen.arrays()
    values = samples.values
    sums = mapped.empty_beside(values, (len(values) + 1, values.shape[1]), np.float64)  # before each row
    sums[0] = 0
    for rows in mapped.blocks(len(values), 8 * values.shape[1]):
        known = np.nan_to_num(values[rows].astype(np.float64))
        running = np.cumsum(np.concatenate([sums[rows.start][None], known]), axis=0)
        sums[rows.start + 1 : rows.stop + 1] = running[1:]
    means = (sums[ends + 1] - sums[ends + 1 - sizes]) / sizes[:, None]
    own = np.nan_to_num(values[ends - samples.layout.lookahead].astype(np.float64))
    return np.concatenate([own, means, samples.static[samples.unit[ends]]], axis=1).astype(np.float32)
