"""What the leak audit can only check with a recipe in hand: labels handed out, rows that stand alone, features.

Each stops the job, and says which recipe broke what and how to mend it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.contract import Dataset, time_unit
from landbridge.prepare import budgets, ragged
from landbridge.prepare.budgets import Budget
from landbridge.prepare.evenly import evenly
from landbridge.prepare.findings import some
from landbridge.prepare.streams import stream
from landbridge.prepare.windows import Rows
from landbridge.stage import StageError
from landbridge.train.shuffled import shuffled

if TYPE_CHECKING:
    from landbridge.train.samples import Samples

SAMPLE = 8  # rows that are predicted in another order and one by one
TOLERANCE = 5e-3  # of the range of predictions, or of probabilities: what reduced precision of a GPU may differ by
ROUNDING = 1e-5  # of their size
FUNCTIONS = ("table", "pixels")  # of a domain's features.py that make columns
OF_ROWS = ("unit_name", "group", "class_of", "segment", "row_size", "time")  # what tells rows apart, and no values
UNITS, WINDOWS = 16, 64  # whose features are made twice


# -- budget breach -------------------------------------------------------------------------------------------------


def hash_of_labels(datasets: Sequence[Dataset]) -> str:
    """Hash of the rows of some files, whatever their order: unit, segment and times of each; of chips, the units."""
    keys = []
    for dataset in datasets:
        names = np.asarray(dataset["unit_name"]).astype(str)
        segments = dataset["segment"] if "segment" in dataset else np.zeros(len(names), np.int32)
        bounds = ragged.offsets(dataset["row_size"]) if "row_size" in dataset else np.zeros(len(names) + 1, np.int64)
        for index, name in enumerate(names.tolist()):
            times = dataset["time"][bounds[index] : bounds[index + 1]] if "time" in dataset else np.zeros(0)
            digest = hashlib.sha256(np.ascontiguousarray(times, dtype="<i8").data).hexdigest()
            keys.append(f"{name}\0{int(segments[index])}\0{digest}")
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def rows_of_budget(
    pool: Dataset, axis: str, label: str, *, scenario: str, seed: int, stratify: bool = False
) -> list[Dataset]:
    """The rows that a budget may hold, taken from the pool anew and not from what was cut for the recipe."""
    if label == "0":
        return []
    if axis != "time":
        ranked = budgets.order(pool, axis, scenario, seed, stratify=stratify)
        members = np.asarray(pool["group" if axis == "groups" else "unit_name"]).astype(str)
        allowed = set(ranked if label == "all" else ranked[: int(label)])
        return [ragged.select_units(pool, np.array([member in allowed for member in members], bool))]
    day = time_unit(pool)[1]
    bounds = ragged.offsets(pool["row_size"])
    time = [pool["time"][bounds[unit] : bounds[unit + 1]] for unit in range(len(bounds) - 1)]
    filled = [unit for unit, own in enumerate(time) if len(own)]
    spans = [int((time[unit][-1] - time[unit][0]) // day) + 1 for unit in filled]
    days = min(spans, default=0) if label == "all" else int(label)
    stops = [int(bounds[unit] + np.sum(time[unit] < time[unit][0] + days * day)) for unit in filled]
    return [ragged.cut(pool, np.array(filled, np.int64), bounds[filled], np.array(stops, np.int64))]


def check_cut(
    budget: Budget, pool: Dataset, axis: str, recipe: str, *, scenario: str, seed: int, stratify: bool = False
) -> Budget:
    """A budget with the hash of its labelled rows, which must be those that the pool, the axis and the seed name.

    Raises:
        StageError: it holds others.
    """
    held = [part for part in (budget.train, budget.selection) if part is not None]
    pool = Dataset({name: own for name, own in pool.variables.items() if name in OF_ROWS}, pool.attributes)
    allowed = rows_of_budget(pool, axis, budget.label, scenario=scenario, seed=seed, stratify=stratify)
    found, expected = hash_of_labels(held), hash_of_labels(allowed)
    if found != expected:
        raise StageError(
            f"recipe {recipe} would be handed {_counted(held)} at budget {budget.label}, which holds "
            f"{_counted(allowed)} (their hashes are {found[:12]} and {expected[:12]}); labels beyond the budget make "
            f"it look better than it is. Mend what cuts the pool"
        )
    return replace(budget, rows=found)


def together(hashes: Sequence[str]) -> str:
    """One hash of several, as of the budgets of all target groups."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def check_read(read: Sequence[Dataset], budget: Budget, recipe: str) -> None:
    """The target's labels that were read while a recipe was fitted are labels of its budget.

    Args:
        read: files whose labels were opened; the source's are passed over.
        budget: what was handed out.
        recipe: for the error.

    Raises:
        StageError: a unit, or a time of it, that the budget does not hold.
    """
    known: dict[tuple[str, int], tuple[int, int]] = {}
    for part in (budget.train, budget.selection):
        known |= _spans(part) if part is not None else {}
    beyond = set()
    for dataset in read:
        parts = np.asarray(dataset["part"]).astype(str) if "part" in dataset else np.zeros(0, str)
        if len(parts) and np.char.startswith(parts, "source").all():
            continue
        for unit, (first, last) in _spans(dataset).items():
            if unit not in known or first < known[unit][0] or last > known[unit][1]:
                beyond.add(unit[0])
    if beyond:
        raise StageError(
            f"recipe {recipe} read labels at budget {budget.label} that it does not hold: of {some(sorted(beyond))}. "
            f"Take labels from given.target alone; reading the whole pool makes every budget look like the largest"
        )


def _spans(dataset: Dataset) -> dict[tuple[str, int], tuple[int, int]]:
    """First and last time of each unit and segment that has rows; zeros where there is no time."""
    names = np.asarray(dataset["unit_name"]).astype(str)
    segments = dataset["segment"] if "segment" in dataset else np.zeros(len(names), np.int32)
    if "time" not in dataset:
        return {(name, int(segment)): (0, 0) for name, segment in zip(names.tolist(), segments, strict=True)}
    bounds = ragged.offsets(dataset["row_size"])
    return {
        (name, int(segments[unit])): (int(dataset["time"][bounds[unit]]), int(dataset["time"][bounds[unit + 1] - 1]))
        for unit, name in enumerate(names.tolist())
        if bounds[unit + 1] > bounds[unit]
    }


def _counted(datasets: Sequence[Dataset]) -> str:
    units = sum(len(dataset["unit_name"]) for dataset in datasets)
    rows = sum(int(np.sum(dataset["row_size"])) for dataset in datasets if "row_size" in dataset)
    return f"labels of {units} units" + (f" ({rows} rows)" if rows else "")


# -- batch effects at test -----------------------------------------------------------------------------------------


def check_rows_stand_alone(
    predict: Callable[[Samples], np.ndarray], test: Samples, predicted: np.ndarray, recipe: str
) -> None:
    """A row's prediction does not depend on the other rows or on their order.

    Args:
        predict: of a fit.
        test: the rows to predict.
        predicted: (row, ...) what `predict` gave for them together.
        recipe: for the error.

    Raises:
        StageError: some rows, in another order or one by one, are predicted otherwise.
    """
    rows = test.rows_to_predict
    count = len(rows.ends)
    if count < 2:
        return
    chosen = evenly(count, SAMPLE)
    together = comparable(predicted[chosen], test.task)
    room = TOLERANCE * float(np.ptp(together)) + ROUNDING * float(np.abs(together).max())
    orders = [("in another order", chosen[::-1]), *(("alone", chosen[[place]]) for place in range(len(chosen)))]
    where = {int(row): place for place, row in enumerate(chosen)}
    for how, order in orders:
        some = test.with_rows(Rows(*(array[order] for array in (rows.ends, rows.sizes, rows.back))))
        again = comparable(predict(some), test.task)
        apart = float(np.abs(again - together[[where[int(row)] for row in order]]).max())
        if not apart <= room:
            raise StageError(
                f"recipe {recipe} predicts a row otherwise {how} than among all test rows: by {apart:.3g}, where "
                f"{room:.3g} may be rounding. It learns from the test set as a whole, as a BatchNorm left in training "
                f"mode does; call eval() before predicting, take statistics from given.unlabelled, or declare "
                f"TRANSDUCTIVE = True in its file, which marks its rows in every table"
            )


def comparable(predicted: np.ndarray, task: str) -> np.ndarray:
    """Predictions on a scale on which differences mean the same everywhere: log-probabilities as probabilities."""
    return np.exp(predicted.astype(np.float64)) if task == "classification" else predicted.astype(np.float64)


# -- label in features ---------------------------------------------------------------------------------------------


def check_features(
    dataset: Dataset, samples: Callable[[Dataset], Samples], functions: Sequence[Any], recipe: str
) -> None:
    """What a domain's own functions make of inputs does not change when the labels are shuffled.

    Args:
        dataset: labelled; some units of it are looked at.
        samples: opens it.
        functions: of (dataset, ends, sizes), such as `features.table`.
        recipe: for the error.

    Raises:
        StageError: it does.
    """
    count = len(dataset["unit_name"])
    if not functions or not count:
        return
    few = ragged.select_units(dataset, evenly(count, UNITS))
    opened = samples(few)
    ends, sizes = opened.input_windows.arrays()
    if not len(ends):
        return
    index = evenly(len(ends), WINDOWS)
    other = shuffled(few, opened.layout.targets, stream("shuffled features"))
    for function in functions:
        before, after = (np.asarray(function(own, ends[index], sizes[index])) for own in (few, other))
        if not np.array_equal(before, after, equal_nan=True):
            raise StageError(
                f"recipe {recipe}: {function.__module__.rpartition('.')[2]}.{function.__name__} of this domain gives "
                f"other columns when labels are shuffled, so they tell of the label; make them of inputs alone"
            )


def recipe_of(settings: Any) -> str:
    """A recipe as errors call it, with its variant."""
    return str(settings["recipe"]) + (f".{settings['variant']}" if settings.get("variant") else "")
