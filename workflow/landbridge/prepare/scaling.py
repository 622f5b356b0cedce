"""Standardisation whose origin can be proved: a scaler carries the hash of the rows that it was fitted on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from landbridge.contract import Dataset
from landbridge.io import mapped
from landbridge.prepare.windows import label_weights
from landbridge.stage import StageError

TOLERANCE = 1e-6
CONSTANT = 1e-8  # of its mean: a column that varies by less is constant, and what it shows is rounding
ARRAYS = ("input_mean", "input_spread", "target_mean", "target_spread", "static_mean", "static_factor")


@dataclass(frozen=True)
class Scaler:
    """Means and standard deviations, float64.

    Attributes:
        input_mean, input_spread: (input,).
        target_mean, target_spread: (target,) of a regression; empty otherwise.
        static_mean, static_factor: (static,), to be subtracted and multiplied with. A number that all training units
            share, an unseen class among them, has factor 0: nothing can be learned of it, and untrained weights must
            not act on it elsewhere.
        rows: hash of the rows that it was fitted on.
    """

    input_mean: np.ndarray
    input_spread: np.ndarray
    target_mean: np.ndarray
    target_spread: np.ndarray
    static_mean: np.ndarray
    static_factor: np.ndarray
    rows: str

    def arrays(self) -> dict[str, np.ndarray]:
        """Its numbers by name, for a checkpoint."""
        return {name: getattr(self, name) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], rows: str) -> Scaler:
        """The scaler that `arrays` gave."""
        return cls(**{name: np.asarray(arrays[name], np.float64) for name in ARRAYS}, rows=rows)


def rows_hash(datasets: Sequence[Dataset]) -> str:
    """Hash of which rows some files hold: unit, segment and time of each; of chips, the units alone."""
    digest = hashlib.sha256()
    for dataset in datasets:
        names = [str(name) for name in dataset["unit_name"]]
        segments = dataset["segment"] if "segment" in dataset else np.zeros(len(names), np.int32)
        sizes = dataset["row_size"] if "row_size" in dataset else np.zeros(len(names), np.int32)
        for name, segment, size in zip(names, segments, sizes, strict=True):
            digest.update(f"{name}\0{int(segment)}\0{int(size)}\n".encode())
        if "time" in dataset:
            digest.update(np.ascontiguousarray(dataset["time"], dtype="<i8").data)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Column:
    """Values of one column of one file, and their weights, by slices of its rows; `cells` values a row."""

    rows: int
    cells: int
    read: Callable[[slice], tuple[np.ndarray, np.ndarray]]

    def usable(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Finite values of positive weight with their weights, float64, part by part."""
        for rows in mapped.blocks(self.rows, 8 * self.cells):
            values, weights = self.read(rows)
            kept = np.isfinite(values) & (weights > 0)
            yield values[kept].astype(np.float64), weights[kept].astype(np.float64)


def _moments(columns: Sequence[_Column], spread_of_none: float = 1.0) -> tuple[float, float]:
    """Weighted mean and standard deviation of columns end to end; 0 and `spread_of_none` where there is nothing, or
    nothing but a constant.
    """

    def usable() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return itertools.chain.from_iterable(column.usable() for column in columns)

    weight = total = squares = 0.0
    for values, weights in usable():
        weight += float(weights.sum())
        total += float((values * weights).sum())
    if weight == 0:
        return 0.0, spread_of_none
    mean = total / weight
    for values, weights in usable():
        squares += float(((values - mean) ** 2 * weights).sum())
    spread = float(np.sqrt(squares / weight))
    # Relative, since a flux in kg m-2 s-1 varies by 1e-9 and is no constant.
    return mean, spread if spread > CONSTANT * abs(mean) else spread_of_none


def _band(dataset: Dataset, band: int) -> _Column:
    """A band of all valid pixels."""
    pixels, valid = dataset["reflectance"], dataset["valid"]
    cells = int(np.prod(valid.shape[1:]))
    return _Column(len(valid), cells, lambda rows: (pixels[rows, band].ravel(), valid[rows].ravel()))


def _input(dataset: Dataset, name: str) -> _Column:
    """An input, every row with weight one."""
    values = dataset[name]
    return _Column(len(values), 1, lambda rows: (values[rows], np.ones(rows.stop - rows.start)))


def _target(dataset: Dataset, name: str, quality: str | None) -> _Column:
    """A target with the quality of its rows."""
    values = dataset[name]
    return _Column(len(values), 1, lambda rows: (values[rows], label_weights(dataset, [name], quality, rows)[:, 0]))


def static_numbers(dataset: Dataset, static: Sequence[str], one_hot: Mapping[str, Sequence[str]]) -> np.ndarray:
    """(unit, number) float32: numeric columns, then one column for each word of each vocabulary.

    A word outside its vocabulary is a row of zeros, not an error: the lists are fixed before data are seen.
    """
    columns = [np.asarray(dataset[name], np.float32) for name in static]
    for name, words in one_hot.items():
        found = np.asarray(dataset[name]).astype(str)
        columns += [(found == word).astype(np.float32) for word in words]
    return np.stack(columns, axis=1) if columns else np.zeros((len(dataset["unit_name"]), 0), np.float32)


def fit_scaler(
    datasets: Sequence[Dataset],
    inputs: Sequence[str],
    targets: Sequence[str],
    quality: str | None = None,
    static: Sequence[str] = (),
    one_hot: Mapping[str, Sequence[str]] | None = None,
    on_from: Sequence[float] = (),
) -> Scaler:
    """Scaler of some files that a job may read.

    Inputs count with weight one, target rows with their quality, so a row of quality 0 moves nothing. Chips are
    scaled by band over valid pixels.

    Args:
        datasets: parts that the scaler may see.
        inputs: names on `obs`, or ["reflectance"] for chips.
        targets: names on `obs` of a regression; empty for classes.
        quality: variable on `obs`, 0 to 1, that target rows count with.
        static: numeric columns of units, which are standardised.
        one_hot: text columns of units with their vocabularies, whose zeros and ones stay as they are.
        on_from: of targets that are on or off, the value from which each is on: they are divided by their spread and
            not moved, so that 0 stays 0; a target that has no label is divided by this value.
    """
    if "reflectance" in datasets[0]:
        bands = range(datasets[0]["reflectance"].shape[1])
        moments = [_moments([_band(dataset, band) for dataset in datasets]) for band in bands]
    else:
        moments = [_moments([_input(dataset, name) for dataset in datasets]) for name in inputs]
    target_moments = []
    for number, name in enumerate(targets):
        unlabelled = on_from[number] if len(on_from) else 1.0
        target_moments.append(_moments([_target(dataset, name, quality) for dataset in datasets], unlabelled))
    input_values, target_values = np.array(moments).reshape(-1, 2), np.array(target_moments).reshape(-1, 2)
    numbers = np.concatenate([static_numbers(dataset, static, one_hot or {}) for dataset in datasets]).astype(
        np.float64
    )
    spread = numbers.std(axis=0)
    is_number = np.arange(numbers.shape[1]) < len(static)
    static_mean = np.where(is_number, numbers.mean(axis=0), 0.0)
    varies = spread > CONSTANT * np.abs(numbers.mean(axis=0))
    static_factor = np.where(varies, np.where(is_number, 1 / np.where(varies, spread, 1), 1.0), 0.0)
    return Scaler(
        input_mean=input_values[:, 0],
        input_spread=input_values[:, 1],
        target_mean=np.zeros(len(target_values)) if len(on_from) else target_values[:, 0],
        target_spread=target_values[:, 1],
        static_mean=static_mean,
        static_factor=static_factor,
        rows=rows_hash(datasets),
    )


def check_scaler(
    scaler: Scaler,
    permitted: Sequence[Dataset],
    inputs: Sequence[str],
    targets: Sequence[str],
    quality: str | None = None,
    static: Sequence[str] = (),
    one_hot: Mapping[str, Sequence[str]] | None = None,
    on_from: Sequence[float] = (),
) -> None:
    """Refuse a scaler that was not fitted on exactly the permitted rows.

    Raises:
        StageError: other rows, or statistics that differ by more than 1e-6 of their size from those recomputed.
    """
    if scaler.rows != rows_hash(permitted):
        raise StageError(
            "the scaler was fitted on other rows than this job may read (its row hash differs): fit it on the "
            "training part alone, and remove checkpoints of another split"
        )
    again = fit_scaler(permitted, inputs, targets, quality, static, one_hot, on_from)
    words = [f"{name} = {word}" for name, vocabulary in (one_hot or {}).items() for word in vocabulary]
    columns = {"input": inputs, "target": targets, "static": [*static, *words]}
    if "reflectance" in permitted[0]:
        columns["input"] = [str(band) for band in permitted[0]["band_name"]]
    for name in ARRAYS:
        found, expected = getattr(scaler, name), getattr(again, name)
        side = name.split("_")[0]
        if found.shape != expected.shape:
            raise StageError(f"the scaler's {name} has {found.size} numbers for {expected.size} columns; fit it again")
        # A mean is near zero by chance, so its error is measured by the column's spread as well as by its size.
        scale = np.abs(expected)
        if name in ("input_mean", "target_mean"):
            scale = scale + getattr(again, f"{side}_spread")
        elif name == "static_mean":
            scale = scale + np.where(
                again.static_factor > 0, 1 / np.where(again.static_factor > 0, again.static_factor, 1), 0
            )
        wrong = np.flatnonzero(~(np.abs(found - expected) <= TOLERANCE * scale))
        if len(wrong):
            first = int(wrong[0])
            raise StageError(
                f"the scaler's {name} is not that of the permitted rows: of {columns[side][first]} it is "
                f"{found[first]:g}, and they give {expected[first]:g}; it has seen other data, so fit it on the "
                f"training part alone"
            )
