"""Patches that have no place on the Earth: arrays of HDF5 and NumPy files as scenes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from landbridge.domains.satellite_imagery import reflectance
from landbridge.domains.satellite_imagery.bands import PRE, match_bands
from landbridge.domains.satellite_imagery.layers import codes_of, without_outline
from landbridge.domains.satellite_imagery.reading import Reading
from landbridge.domains.satellite_imagery.scenes import Patch
from landbridge.io.grids import Grid
from landbridge.stage import StageError

STEP = 16  # pixels between those of a patch that the rule of a data set is found by
SAMPLED = 50  # patches, spread over the data set, that it is found by


def nowhere(shape: Sequence[int]) -> Grid:
    """Grid of a patch without reference system: rows and columns are its coordinates."""
    return Grid("", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), int(shape[0]), int(shape[1]))


def rule_of_patches(
    images: Iterable[np.ndarray], names: Sequence[str], how: Reading, where: object, counts: Counter[str]
) -> reflectance.Rule:
    """The rule of a whole data set, by some pixels of some of its patches together.

    One patch alone may hold nothing dark, so the offset is looked for in all of them.

    Args:
        images: (band, y, x) as stored.
        names: of the bands.
        how: they are read.
        where: the file, for errors.
        counts: gets the rule and what was found.

    Raises:
        StageError: numbers that are no reflectance.
    """
    matched = match_bands(names, [name for name in how.stack if not name.endswith(PRE)], how.aliases, where)
    chosen = [image[list(matched.index), ::STEP, ::STEP].reshape(len(matched.index), -1) for image in images]
    stored = np.concatenate(chosen, axis=1)
    if reflectance.is_visual([stored.dtype.name], stored.astype(np.float64)):
        raise StageError(f"{where}: its bands are pictures of 0 to 255 for the eye, no reflectance")
    product = how.product
    if product == reflectance.AUTO:
        product = reflectance.guess_product(stored.astype(np.float64), where)
    rule = reflectance.rule_of(product, how.offset)
    counts[f"scale: {product}" + (", guessed" if how.product == reflectance.AUTO else "")] += 1
    told = reflectance.check_reflectance(reflectance.uncut_reflectance(stored, rule), matched.names, rule, where)
    counts[told] += 1
    return rule


class Arrays:
    """Images of one patch, read by windows like the layers of a scene.

    Args:
        after: (band, y, x) as stored.
        before: the same before the fire; None where it is not wanted.
        label: (y, x) numbers.
        names: of the bands.
        how: they are read.
        rule: of the data set.
        where: the patch, for errors.
    """

    def __init__(
        self,
        after: np.ndarray,
        before: np.ndarray | None,
        label: np.ndarray,
        names: Sequence[str],
        how: Reading,
        rule: reflectance.Rule,
        where: str,
    ) -> None:
        stored = {name: after[place] for place, name in enumerate(names)}
        if before is not None:
            stored |= {name + PRE: before[place] for place, name in enumerate(names)}
        for name, band in stored.items():
            if band.shape != label.shape:
                raise StageError(f"{where}: {name} has {band.shape} pixels and the mask {label.shape}; mend the file")
        matched = match_bands(list(stored), how.stack, how.aliases, where)
        bands = list(stored.values())
        self.values = np.stack([reflectance.to_reflectance(bands[place], rule) for place in matched.index])
        self.label = without_outline(codes_of(label, how.codes, None, where), how.ignore_boundary)
        self.grid = nowhere(label.shape)

    def read(self, row: int, col: int, size: int) -> Patch:
        """Pixels of a window."""
        window = slice(row, row + size), slice(col, col + size)
        values = self.values[:, *window]
        return Patch(values, np.isfinite(values).all(axis=0), self.label[window])
