"""What learners of tables are shown of a chip, or of each of its pixels: bands, indices and how they vary nearby."""

from __future__ import annotations

import numpy as np

from landbridge.contract import Dataset
from landbridge.domains.satellite_imagery.indices import bands_of, indices_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
CHIPS = 64  # described at a time, so that memory does not grow with the chips


def table(dataset: Dataset, chips: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(chip, column) float32: mean, deviation and quantiles of each band and index over the pixels seen.

    Args:
        dataset: with `reflectance`, `valid` and `band_name`.
        chips: (chip,) index of each.
        sizes: as every function of windows takes them; a chip has none.
    """
    blocks = [_summary(_layers(dataset, chips[start : start + CHIPS])) for start in range(0, len(chips), CHIPS)]
    return np.concatenate(blocks) if blocks else np.zeros((0, 0), np.float32)


def pixels(dataset: Dataset, chips: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(chip, y, x, column) float32: each band and index, its mean and its deviation over 3 by 3 pixels.

    A pixel that was not seen is NaN and enters no mean. Arguments as of `table`.
    """
    layers = _layers(dataset, chips)
    mean, deviation = _nearby(layers)
    return np.moveaxis(np.concatenate([layers, mean, deviation], axis=1), 1, -1).astype(np.float32)


def _layers(dataset: Dataset, chips: np.ndarray) -> np.ndarray:
    """(chip, layer, y, x) float64: the bands in their order, then the indices."""
    bands = bands_of(dataset, chips)
    own = [bands[str(name)] for name in dataset["band_name"]]
    return np.stack([*own, *indices_of(bands).values()], axis=1).astype(np.float64)


def _summary(layers: np.ndarray) -> np.ndarray:
    flat = layers.reshape(*layers.shape[:2], -1)  # (chip, layer, pixel)
    seen = np.isfinite(flat)
    count = np.maximum(seen.sum(-1), 1)
    filled = np.where(seen, flat, 0)
    mean = filled.sum(-1) / count
    deviation = np.sqrt(np.where(seen, (flat - mean[..., None]) ** 2, 0).sum(-1) / count)
    ordered = np.sort(np.where(seen, flat, np.inf), axis=-1)
    quantiles = [
        np.take_along_axis(ordered, np.rint(share * (count - 1)).astype(np.int64)[..., None], -1)[..., 0]
        for share in QUANTILES
    ]
    columns = np.stack([mean, deviation, *quantiles], axis=-1)
    columns[~seen.any(-1)] = np.nan
    return columns.reshape(len(columns), -1).astype(np.float32)


def _nearby(layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of (..., y, x) over the 3 by 3 pixels around each that are finite; NaN where none is."""
    seen = np.isfinite(layers)
    filled = np.where(seen, layers, 0.0)
    count, total = _around(seen.astype(np.float64)), _around(filled)
    known = count > 0
    mean = np.where(known, total / np.where(known, count, 1), np.nan)
    squares = np.where(known, _around(filled**2) / np.where(known, count, 1), np.nan)
    return mean, np.sqrt(np.maximum(squares - mean**2, 0))


def _around(values: np.ndarray) -> np.ndarray:
    """Sum of (..., y, x) over the 3 by 3 pixels around each; nothing lies beyond the edges."""
    wide = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)])
    rows = wide[..., :-2, :] + wide[..., 1:-1, :] + wide[..., 2:, :]
    found: np.ndarray = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    return found
