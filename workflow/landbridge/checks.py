"""The checks of the contract, by kind of file; each error names the variable and the fix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from landbridge.contract import IGNORE, ROLES, TASKS, TIME_UNITS, ContractError, Dataset

SERIES_VARIABLES = ("unit_name", "row_size", "time")
CHIP_VARIABLES = ("unit_name", "band_name", "reflectance", "valid", "crs_wkt", "transform")
BUDGET_VARIABLES = ("budget", "budget_size", "selection", "status", "labels_used", "labels_for_selection")
TOLERANCE = 1e-3  # of probabilities that must add up to one
BLOCK = 1 << 20  # values that are checked at a time, for a series may be larger than memory


def check(dataset: Dataset) -> None:
    """Check a file by its attribute `kind`.

    Raises:
        ContractError: the first breach found.
    """
    kind = dataset.attributes.get("kind")
    checks = {
        "series": check_series,
        "chips": check_chips,
        "predictions": check_predictions,
        "answers": check_answers,
        "examples": lambda dataset: None,
    }
    if kind not in checks:
        raise ContractError(f"global attribute kind is {kind!r}; write one of {', '.join(checks)}")
    _check_sizes(dataset)
    checks[kind](dataset)


def _check_sizes(dataset: Dataset) -> None:
    sizes = dataset.sizes
    for name, variable in dataset.variables.items():
        if len(variable.dimensions) != variable.values.ndim:
            raise ContractError(f"{name}: {variable.values.ndim} axes for dimensions {variable.dimensions}")
        for dimension, length in zip(variable.dimensions, variable.values.shape, strict=True):
            if sizes[dimension] != length:
                raise ContractError(f"{name}: {dimension} has length {length} here and {sizes[dimension]} elsewhere")


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    """An array in parts of consecutive rows."""
    values = np.atleast_1d(values)
    step = max(1, BLOCK // max(1, values[:1].size))
    for start in range(0, len(values), step):
        yield values[start : start + step]


def _require(dataset: Dataset, names: tuple[str, ...], kind: str) -> None:
    absent = [name for name in names if name not in dataset]
    if absent:
        raise ContractError(f"{absent[0]}: missing, and every file of kind {kind} must have it")


def _check_described(dataset: Dataset) -> None:
    for name, variable in dataset.variables.items():
        role = variable.attributes.get("role")
        if name == "time":
            continue
        if role not in ROLES:
            raise ContractError(f"{name}: role is {role!r}; write one of {', '.join(ROLES)}")
        if "long_name" not in variable.attributes:
            raise ContractError(f"{name}: no long_name; say in words what it is")
        numbers = variable.values.dtype.kind == "f"
        if numbers and role != "index" and "units" not in variable.attributes:
            raise ContractError(f"{name}: no units; write them as CF does, and '1' for a pure number")
        if numbers and any(np.isinf(part).any() for part in _blocks(variable.values)):
            raise ContractError(f"{name}: holds infinite values; missing is NaN")
        if role == "target" and variable.values.dtype.kind in "iu":
            _check_classes(name, variable.attributes, variable.values)


def _check_classes(name: str, attributes: object, values: np.ndarray) -> None:
    assert hasattr(attributes, "get")
    flags, meanings = attributes.get("flag_values"), attributes.get("flag_meanings")
    if flags is None or meanings is None:
        raise ContractError(f"{name}: a class target needs flag_values and flag_meanings")
    if len(np.atleast_1d(flags)) != len(str(meanings).split()):
        raise ContractError(f"{name}: {len(np.atleast_1d(flags))} flag_values for flag_meanings '{meanings}'")
    present = {value for part in _blocks(values) for value in np.unique(part).tolist()}
    unknown = present - set(np.atleast_1d(flags).tolist()) - {IGNORE}
    if unknown:
        raise ContractError(f"{name}: values {sorted(unknown)} are no flag_values; missing is {IGNORE}")


def _check_names(dataset: Dataset) -> None:
    names = dataset["unit_name"]
    segments = dataset["segment"] if "segment" in dataset else np.zeros(len(names), int)
    seen: set[tuple[str, int]] = set()
    for name, segment in zip(names.tolist(), segments.tolist(), strict=True):
        if (name, segment) in seen:
            raise ContractError(f"unit_name: {name} (segment {segment}) comes twice; names must be unique")
        seen.add((name, segment))


def check_series(dataset: Dataset) -> None:
    """Series of units end to end: sizes that add up, time that increases, everything described.

    Raises:
        ContractError: the first breach found.
    """
    _require(dataset, SERIES_VARIABLES, "series")
    if dataset.attributes.get("featureType") not in ("timeSeries", "trajectory"):
        raise ContractError("global attribute featureType must be timeSeries or trajectory")
    row_size = dataset["row_size"]
    observations = dataset.sizes.get("obs", 0)
    if (row_size < 0).any() or int(row_size.sum()) != observations:
        raise ContractError(f"row_size: adds up to {int(row_size.sum())}, and there are {observations} observations")
    time = dataset["time"]
    if str(dataset.variables["time"].attributes.get("units", "")).split(" since ")[0] not in TIME_UNITS:
        listed = " or ".join(f"'{unit} since 1970-01-01'" for unit in TIME_UNITS)
        raise ContractError(f"time: units must be {listed}")
    last = np.cumsum(row_size)[:-1] - 1  # of a unit: what follows may lie before it
    for start in range(0, len(time) - 1, BLOCK):
        backward = start + np.flatnonzero(np.diff(time[start : start + BLOCK + 1]) <= 0)
        backward = backward[~np.isin(backward, last)]
        if len(backward):
            unit = int(np.searchsorted(np.cumsum(row_size), int(backward[0]), side="right"))
            raise ContractError(f"time: does not increase inside unit {dataset['unit_name'][unit]}")
    _check_names(dataset)
    _check_described(dataset)


def check_chips(dataset: Dataset) -> None:
    """Images of one shape with band names and georeference.

    Raises:
        ContractError: the first breach found.
    """
    _require(dataset, CHIP_VARIABLES, "chips")
    if dataset.variables["reflectance"].dimensions != ("unit", "band", "y", "x"):
        raise ContractError("reflectance: dimensions must be (unit, band, y, x)")
    if dataset["transform"].shape[1:] != (6,):
        raise ContractError("transform: six numbers of the affine transform for each chip")
    _check_names(dataset)
    _check_described(dataset)


def check_predictions(dataset: Dataset) -> None:
    """Predictions of one job: a status for each budget, finite where it is ok, probabilities that add up.

    Of a job that does not choose among trials each budget comes once for each `trial(budget)`.

    Raises:
        ContractError: the first breach found.
    """
    _require(dataset, BUDGET_VARIABLES, "predictions")
    task = dataset.attributes.get("task")
    if task not in TASKS:
        raise ContractError(f"global attribute task is {task!r}; write one of {', '.join(TASKS)}")
    labels = dataset["budget"].tolist()
    rows = list(zip(labels, dataset["trial"].tolist(), strict=True)) if "trial" in dataset else labels
    if len(set(rows)) != len(rows):
        what = "a trial of a label" if "trial" in dataset else "a label"
        raise ContractError(f"budget: {what} comes twice: {', '.join(labels)}")
    name = {"regression": "prediction", "classification": "log_probability", "segmentation": "probability"}[task]
    _require(dataset, (name,), "predictions")
    values = dataset[name]
    for number, status in enumerate(dataset["status"].tolist()):
        if status == "ok":
            _check_budget(name, values[number], labels[number])
        elif not str(status).startswith(("not_applicable: ", "failed: ")):
            raise ContractError(f"status: {status!r}; write ok, 'not_applicable: why' or 'failed: why'")
    if "quantile_offset" in dataset:
        _check_quantiles(dataset)


def _check_quantiles(dataset: Dataset) -> None:
    """Quantiles around predictions: in order, and of a budget, target and level all there or all missing."""
    _require(dataset, ("quantile_level",), "predictions with quantiles")
    levels, offsets = dataset["quantile_level"], dataset["quantile_offset"]
    names = dataset.variables["quantile_offset"].dimensions
    if names not in (("budget", "target", "quantile"), ("budget", "row", "target", "quantile")):
        raise ContractError(
            f"quantile_offset: dimensions {names}; write (budget, target, quantile), with row after budget where rows "
            f"differ"
        )
    if not ((levels > 0) & (levels < 1)).all() or (np.diff(levels) <= 0).any():
        raise ContractError(f"quantile_level: {levels.tolist()}; write growing numbers between 0 and 1")
    present = np.isfinite(offsets)
    if offsets.ndim == 4 and offsets.size and (present.any(axis=1) != present.all(axis=1)).any():
        raise ContractError("quantile_offset: some rows of a budget, target and level are missing; write all or none")
    known = np.where(present, offsets, -np.inf)
    if (np.maximum.accumulate(known, axis=-1) > np.where(present, offsets, np.inf)).any():
        raise ContractError("quantile_offset: a higher quantile lies below a lower one")


def _check_budget(name: str, values: np.ndarray, label: str) -> None:
    if name == "probability":
        if (values == IGNORE).any():
            raise ContractError(f"probability: missing at budget {label}, whose status is ok")
        if values.size and np.abs(values.astype(np.int32).sum(axis=1) - 254).max() > values.shape[1]:
            raise ContractError(f"probability: classes do not add up to 254 at budget {label}")
        return
    if not np.isfinite(values).all():
        raise ContractError(f"{name}: not finite at budget {label}, whose status is ok")
    if name == "log_probability" and values.size and np.abs(np.exp(values).sum(axis=-1) - 1).max() > TOLERANCE:
        raise ContractError(f"log_probability: classes do not add up to one at budget {label}")


def check_answers(dataset: Dataset) -> None:
    """Answers or truth: rows with their unit and block.

    Raises:
        ContractError: the first breach found.
    """
    _require(dataset, ("unit_name", "group", "row_unit"), "answers")
    units = len(dataset["unit_name"])
    row_unit = dataset["row_unit"]
    if len(row_unit) and not (row_unit.min() >= 0 and row_unit.max() < units):
        raise ContractError(f"row_unit: points beyond the {units} units of the file")
    if "rows_table_hash" not in dataset.attributes:
        raise ContractError("global attribute rows_table_hash: missing, and predictions are joined by it")
