"""Records that stand in two parts under two names, found by hashing rounded rows of one time, not by comparing all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, Dataset
from landbridge.prepare import windows

RELATIVE_ROUNDING = 2e-3  # of a variable's standard deviation: two values closer than this are the same number
ABSOLUTE_ROUNDING = 5e-4  # of variables such as reflectance, which vary little and are written with four digits
MOST_ROUNDING = 2e-2  # of the standard deviation, so that a flux in kg m-2 s-1 does not round to nothing
KEYS = 3  # inputs that rows are hashed by; the others are compared afterwards
NEIGHBOURS = 8  # rows of one hash that each row is compared with
SAMPLE = 100_000  # rows by which the inputs with the most different values are chosen

Pairs = dict[tuple[int, int], tuple[int, int]]


def agreeing_rows(parted: Dataset, side: np.ndarray, settings: Mapping[str, Any]) -> Pairs:
    """How many rows of one time agree, within the rounding, for pairs of units that must stay apart.

    Args:
        parted: series of all parts.
        side: (unit,) what must stay apart.
        settings: of the scenario; names its inputs and targets.

    Returns:
        by pair of units: rows that agree in all inputs, and those of them that agree in all labels as well.
    """
    unit = windows.unit_index(parted["row_size"])
    code = np.unique(side, return_inverse=True)[1].ravel()[unit] if len(unit) else np.zeros(0, np.int64)
    complete = np.ones(len(unit), bool)
    for name in settings["inputs"]:
        complete &= np.isfinite(parted[name])
    rows = np.flatnonzero(complete)
    rounding = {name: _rounding(parted[name][rows]) for name in settings["inputs"]}
    varying = [name for name, step in rounding.items() if step > 0]
    if not varying:
        return {}
    first, second = _candidates(
        parted, rows, code, _most_different(parted, rows, varying, rounding), rounding, settings
    )
    for name in varying:
        values = parted[name]
        close = np.abs(values[first].astype(np.float64) - values[second]) <= rounding[name]
        first, second = first[close], second[close]
    same = _labels_agree(parted, first, second, unit, settings)
    low, high = np.minimum(unit[first], unit[second]), np.maximum(unit[first], unit[second])
    alike = Counter(zip(low.tolist(), high.tolist(), strict=True))
    both = Counter(zip(low[same].tolist(), high[same].tolist(), strict=True))
    return {pair: (count, both[pair]) for pair, count in sorted(alike.items())}


def _rounding(values: np.ndarray) -> float:
    """Difference below which two values of a variable are the same number; 0 of a constant."""
    spread = float(np.std(values, dtype=np.float64)) if len(values) else 0.0
    return max(RELATIVE_ROUNDING * spread, min(ABSOLUTE_ROUNDING, MOST_ROUNDING * spread))


def _most_different(
    parted: Dataset, rows: np.ndarray, names: Sequence[str], rounding: Mapping[str, float]
) -> list[str]:
    """The inputs by which rows are told apart best."""
    sample = rows[:: max(1, len(rows) // SAMPLE)]
    different = {name: len(np.unique(np.floor(parted[name][sample] / rounding[name]))) for name in names}
    return sorted(names, key=lambda name: (-different[name], name))[:KEYS]


def _candidates(
    parted: Dataset,
    rows: np.ndarray,
    code: np.ndarray,
    keys: Sequence[str],
    rounding: Mapping[str, float],
    settings: Mapping[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of one time on different sides that may agree in the keys.

    Cells are twice the rounding wide, and each key has two grids, half a cell apart: two values nearer than the
    rounding share a cell of one of them.
    """
    time = parted["time"][rows]
    # Rows of one cell are sorted by a label, so that copies stand beside each other there too.
    by_label = _first_label(parted, rows, settings)
    found = [np.zeros(0, np.int64)]
    for shifts in product((0.0, 0.5), repeat=len(keys)):
        digest = time.astype(np.uint64)
        for name, shift in zip(keys, shifts, strict=True):
            cell = np.floor(parted[name][rows].astype(np.float64) / (2 * rounding[name]) + shift).astype(np.int64)
            digest = _mix(digest ^ _mix(cell.astype(np.uint64)))
        order = np.lexsort((rows, by_label, digest))
        for distance in range(1, NEIGHBOURS + 1):
            here, there = order[:-distance], order[distance:]
            near = digest[here] == digest[there]
            if not near.any():
                break
            here, there = rows[here[near]], rows[there[near]]
            apart = (code[here] != code[there]) & (parted["time"][here] == parted["time"][there])
            here, there = here[apart], there[apart]
            found.append(np.minimum(here, there) * len(code) + np.maximum(here, there))
    pairs = np.unique(np.concatenate(found))
    return pairs // max(len(code), 1), pairs % max(len(code), 1)


def _mix(values: np.ndarray) -> np.ndarray:
    """(n,) uint64 well mixed (the finaliser of SplitMix64; Steele et al. 2014, doi:10.1145/2714064.2660195)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _on_rows(parted: Dataset, name: str, rows: np.ndarray, unit: np.ndarray) -> np.ndarray:
    variable = parted.variables[name]
    return variable.values[rows] if variable.dimensions == ("obs",) else variable.values[unit[rows]]


def _first_label(parted: Dataset, rows: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    return _on_rows(parted, settings["targets"][0], rows, windows.unit_index(parted["row_size"]))


def _labels_agree(
    parted: Dataset, first: np.ndarray, second: np.ndarray, unit: np.ndarray, settings: Mapping[str, Any]
) -> np.ndarray:
    """(pair,) bool: every label of one row is that of the other, and one of them at least is there.

    Of targets that may be off one has to be on: that all are off at the same power is no sign of one record.
    """
    on_from = settings.get("on_from") or {}
    same, present = np.ones(len(first), bool), np.zeros(len(first), bool)
    for name in settings["targets"]:
        here, there = _on_rows(parted, name, first, unit), _on_rows(parted, name, second, unit)
        if parted[name].dtype.kind == "f":
            known = parted[name][np.isfinite(parted[name])]
            here, there = here.astype(np.float64), there.astype(np.float64)
            same &= (np.abs(here - there) <= _rounding(known)) | (np.isnan(here) & np.isnan(there))
            told = here >= on_from[name] if name in on_from else np.isfinite(here)
            present |= told & np.isfinite(there)
        else:
            same &= here == there
            present |= (here == there) & (here != IGNORE)
    return same & present


def fewer_labels(parted: Dataset, pairs: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """(pair,) labelled rows of that unit of each pair which has fewer; infinite of images."""
    if "row_size" not in parted:
        return np.full(len(pairs), np.inf)
    unit = windows.unit_index(parted["row_size"])
    labelled = np.zeros(len(parted["row_size"]))
    for name in settings["targets"]:
        own = parted[name]
        known = np.isfinite(own) if own.dtype.kind == "f" else own != IGNORE
        on_rows = known if parted.variables[name].dimensions == ("obs",) else known[unit]
        labelled = np.maximum(labelled, np.bincount(unit, on_rows, minlength=len(labelled)))
    return np.maximum(labelled[pairs].min(axis=1), 1) if len(pairs) else np.zeros(0)


BLOCKS = 8  # along a side of an image, whose means are compared
SAME_IMAGE = 0.995  # correlation of block means: of one image in two encodings; noise over water goes to 0
SAME_LEVEL = 0.01  # reflectance that the means of the bands may differ by
FLAT = 1e-6  # length of the block means about their mean, below which an image shows nothing
ROWS = 512  # images that are compared with all others at a time


def copied_chips(parted: Dataset, side: np.ndarray) -> Pairs:
    """Images of one scene, in whatever encoding, on different sides: by pair (1, 1 where the label is equal, else 0).

    Two images are one where the means of 8 x 8 blocks go together band by band and the bands have the same level.
    """
    shape, level = _shapes_of_images(parted["reflectance"])
    label = parted["label" if "label" in parted else parted.with_role("target")[0]]
    codes = np.unique(side, return_inverse=True)[1].ravel()
    pairs = {}
    for begin in range(0, len(shape), ROWS):
        alike = shape[begin : begin + ROWS] @ shape[begin:].T > SAME_IMAGE
        for row, other in np.argwhere(alike).tolist():
            i, j = begin + row, begin + other
            if i < j and codes[i] != codes[j] and np.abs(level[i] - level[j]).max() < SAME_LEVEL:
                pairs[i, j] = (1, int(np.array_equal(label[i], label[j])))
    return dict(sorted(pairs.items()))


def _shapes_of_images(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Block means about each band's mean, of length one, (image, band * block); and the means, (image, band).

    An image of one value has no shape: its vector is zero, so that it is a copy of none.
    """
    count, bands, height, width = images.shape
    edges = [np.unique(np.linspace(0, length, BLOCKS + 1).astype(int)[:-1]) for length in (height, width)]
    shape = np.zeros((count, bands * len(edges[0]) * len(edges[1])), np.float32)
    level = np.zeros((count, bands))
    for number, image in enumerate(images):
        known = np.isfinite(image)
        sums, sizes = np.where(known, image, 0.0).astype(np.float64), known.astype(np.float64)
        total = np.maximum(sizes.sum(axis=(1, 2)), 1)
        level[number] = sums.sum(axis=(1, 2)) / total
        for axis, own in ((1, edges[0]), (2, edges[1])):
            sums, sizes = np.add.reduceat(sums, own, axis), np.add.reduceat(sizes, own, axis)
        means = np.where(sizes > 0, sums / np.maximum(sizes, 1) - level[number][:, None, None], 0.0).ravel()
        length = float(np.sqrt((means**2).sum()))
        if length > FLAT:
            shape[number] = means / length
    return shape, level


CORRELATION = 0.98  # of labels on shared steps: of one instrument, or of records of it by two networks
OF_CHANGES = 0.8  # of their changes from step to step, which two places of one climate do not share
SHARED_STEPS = 100
LARGEST_TABLE = 50_000_000  # values; beyond it pairs are not compared


def correlated_units(
    parted: Dataset, target: str, ticks: np.ndarray, tested: np.ndarray, side: np.ndarray
) -> list[tuple[int, int, float]]:
    """Pairs of a test unit and a unit of another side whose labels correlate as only one instrument's do.

    Args:
        parted: series of all parts.
        target: label to correlate.
        ticks: (obs,) time in steps.
        tested: (unit,) bool.
        side: (unit,) what must stay apart.

    Returns:
        (test unit, other unit, correlation).
    """
    units = len(parted["row_size"])
    unit = windows.unit_index(parted["row_size"])
    if not tested[unit].any():
        return []
    start, stop = ticks[tested[unit]].min(), ticks[tested[unit]].max()
    span = int(stop - start) + 1
    if span * units > LARGEST_TABLE or span < SHARED_STEPS:
        return []
    shared = (ticks >= start) & (ticks <= stop)
    table = np.full((span, units), np.nan, np.float32)
    table[ticks[shared] - start, unit[shared]] = parted[target][shared]
    first, second = np.nonzero(tested)[0], np.arange(units)
    level = _correlations(table, first)
    change = _correlations(np.diff(table, axis=0), first)
    apart = side[first][:, None] != side[second][None, :]
    found = np.argwhere(apart & (level > CORRELATION) & (change > OF_CHANGES))
    return [(int(first[i]), int(j), float(level[i, j])) for i, j in found]


def _correlations(table: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(chosen, unit) Pearson correlations of columns over rows that both have; NaN where these are too few."""
    known = np.isfinite(table).astype(np.float64)
    centred = np.nan_to_num(table - np.nan_to_num(np.nanmean(np.where(known.any(0), table, 0.0), axis=0)), nan=0.0)
    values = centred.astype(np.float64)
    own, mine = values[:, chosen], known[:, chosen]
    n = mine.T @ known
    sum_x, sum_y = own.T @ known, mine.T @ values
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = own.T @ values - sum_x * sum_y / n
        spread_x = (own**2).T @ known - sum_x**2 / n
        spread_y = mine.T @ values**2 - sum_y**2 / n
        correlation = covariance / np.sqrt(spread_x * spread_y)
    return np.where((n >= SHARED_STEPS) & (spread_x > 0) & (spread_y > 0), correlation, np.nan)
