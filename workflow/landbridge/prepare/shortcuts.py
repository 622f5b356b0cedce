"""Ways to the class that pass the inputs by: what one could guess without a model, as checks of the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landbridge.contract import IGNORE, Dataset
from landbridge.prepare import windows
from landbridge.stage import StageError

MOST_GAIN = 0.05  # over the most frequent class, in accuracy; more is told as a warning
HOURS = 24.0
MOST_NEIGHBOURS = 4000  # labelled units that each test unit is compared with


def guesses(parted: Dataset, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Accuracy on the test of what `shortcuts` names: a nearest neighbour by its columns of units together, and for
    each of its inputs a threshold on a unit's least value, which a filter by class gives away.

    Only where a class belongs to a whole unit. Learned from the source and the pool, as a model would.

    Raises:
        StageError: the data lack what `shortcuts` names.
    """
    target = settings["targets"][0]
    if settings["task"] != "classification" or parted.variables[target].dimensions != ("unit",):
        return []
    part = np.asarray(parted["part"]).astype(str)
    labels = np.asarray(parted[target])
    learned = np.flatnonzero(np.isin(part, ["source_train", "source_val", "target_pool"]) & (labels != IGNORE))
    tested = np.flatnonzero((part == "target_test") & (labels != IGNORE))
    if not len(learned) or not len(tested):
        return []
    known = labels[learned]
    majority = float(np.mean(labels[tested] == np.bincount(known).argmax()))
    found = []
    named = settings["split"].get("shortcuts", ())
    for name in named:
        if name not in parted:
            raise StageError(f"split: shortcuts: the data hold no '{name}'; take it out of `shortcuts:`")
    columns = [name for name in named if parted.variables[name].dimensions == ("unit",)]
    if columns:
        guessed = known[nearest(parted, columns, learned, tested)]
        found.append(_told("guess by " + ", ".join(columns), "a nearest neighbour", guessed, labels[tested], majority))
    for name in named:
        if name not in columns:
            least = least_of_unit(parted[name], parted["row_size"])
            guessed = stump(least[learned], known, least[tested])
            found.append(_told(f"guess by least {name}", "one threshold", guessed, labels[tested], majority))
    return found


def _told(check: str, what: str, guessed: np.ndarray, labels: np.ndarray, majority: float) -> dict[str, Any]:
    accuracy = float(np.mean(guessed == labels))
    level = "warning" if accuracy > majority + MOST_GAIN else "ok"
    text = f"{what} is right for {accuracy:.1%} of the test units, the most frequent class for {majority:.1%}"
    return {"check": check, "level": level, "groups": [], "text": text, "accuracy": accuracy, "majority": majority}


def nearest(parted: Dataset, columns: Sequence[str], learned: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """(tested,) index into `learned` of the unit with the fewest unequal texts and the nearest numbers.

    A number weighs half as much as a text where it is farthest, and as much where it is missing. Hours wrap around
    midnight. Of many labelled units an even sample is compared. A tie goes to the first.
    """
    sample = np.arange(len(learned))[:: -(-len(learned) // MOST_NEIGHBOURS)]
    distance = np.zeros((len(tested), len(sample)), np.float32)
    for name in columns:
        values = np.asarray(parted[name])
        here, there = values[tested][:, None], values[learned[sample]][None, :]
        if values.dtype.kind != "f":
            distance += here != there
            continue
        apart = np.abs(here - there)
        if parted.variables[name].attributes.get("units") == "h":
            share = np.minimum(apart, HOURS - apart) / HOURS
        else:
            known = values[np.isfinite(values)]
            span = float(np.ptp(known)) if len(known) else 0.0
            share = apart / (2 * span or 1.0)
        distance += np.nan_to_num(share, nan=1.0)
    return sample[distance.argmin(axis=1)]


def least_of_unit(values: np.ndarray, row_size: np.ndarray) -> np.ndarray:
    """(unit,) smallest value of each unit; infinite where there is none."""
    least = np.full(len(row_size), np.inf)
    known = np.isfinite(values)
    np.minimum.at(least, windows.unit_index(row_size)[known], values[known].astype(np.float64))
    return least


def stump(learned: np.ndarray, labels: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """(tested,) classes of the threshold that is right most often: a class below it, another from it on."""
    order = np.argsort(learned, kind="stable")
    ordered = labels[order].astype(np.int64)
    one_hot = (ordered[:, None] == np.arange(ordered.max() + 1)).astype(np.int64)
    below = np.concatenate([np.zeros((1, one_hot.shape[1]), np.int64), np.cumsum(one_hot, axis=0)])
    right = below.max(axis=1) + (below[-1] - below).max(axis=1)
    values = learned[order]
    possible = np.concatenate([[True], values[1:] > values[:-1], [True]])  # equal values can't be told apart
    cut = int(np.where(possible, right, -1).argmax())
    threshold = values[cut] if cut > 0 else -np.inf  # no threshold helps: one class for all
    return np.where(tested < threshold, below[cut].argmax(), (below[-1] - below[cut]).argmax())
