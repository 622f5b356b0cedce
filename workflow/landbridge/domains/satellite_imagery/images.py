"""One image of a scene: bands found by name, numbers turned into reflectance, pixels that were seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.domains.satellite_imagery import reflectance, valid
from landbridge.domains.satellite_imagery.bands import LAYERS, SKIP, Matched, match_bands, name_of
from landbridge.domains.satellite_imagery.reading import Reading, on_another_grid
from landbridge.io import rasters
from landbridge.io.grids import Grid
from landbridge.stage import StageError

STRIP = 256  # rows that are looked at together


@dataclass(frozen=True)
class Image:
    """An open image.

    Attributes:
        stored: its own grid.
        grid: that it is read on.
        rule: by which stored numbers become reflectance.
        border: numbers that mean that nothing was seen where all bands have them.
        bands: raster of the reflectance, on `grid`.
        index: its bands, in the order of the stack.
        stand_ins: band of the file by the band that it stands in for.
        extra: the same file as labels are read, on `grid`, for each of the layers.
        layers: place of each layer that tells of clouds.
        qa_bits: bits of the layer `qa` that tell of clouds.
        margin: pixels around an unusable one that were mixed with it.
    """

    stored: Grid
    grid: Grid
    rule: reflectance.Rule
    border: tuple[float, ...]
    bands: rasters.Strips
    index: tuple[int, ...]
    stand_ins: Mapping[str, str]
    extra: Mapping[str, rasters.Strips]
    layers: Mapping[str, int]
    qa_bits: tuple[int, ...]
    margin: int

    def read(self, row: int, col: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """(band, y, x) float32 reflectance of a window, and (y, x) bool where it was seen."""
        stored = self.bands.read(self.index, row, col, (size, size), margin=self.margin)
        values = reflectance.to_reflectance(stored, self.rule)
        usable = np.isfinite(values).all(axis=0)
        for number in self.border:
            usable &= ~(stored == number).all(axis=0)
        if self.margin:
            inside = slice(self.margin, -self.margin)
            usable = ~valid.dilated(~usable, self.margin)[inside, inside]
            values = values[:, inside, inside]
        for name, place in self.layers.items():
            numbers = self.extra[name].read([place], row, col, (size, size), margin=valid.CLOUD_MARGIN)[0]
            usable &= valid.without_clouds(~self._clear(name, numbers), valid.CLOUD_MARGIN)
        return values, usable

    def _clear(self, name: str, numbers: np.ndarray) -> np.ndarray:
        if name == "scl":
            return valid.clear_scl(numbers)
        return numbers == 0 if name == "clouds" else valid.clear_bits(numbers, self.qa_bits)


@contextmanager
def open_image(
    path: Path, wanted: tuple[str, ...], how: Reading, counts: Counter[str], *, onto: Image | None = None
) -> Iterator[Image]:
    """Open an image and look through it once.

    Args:
        path: of the raster.
        wanted: names of the bands.
        how: it is read.
        counts: gets by which rule it was read, and what was found.
        onto: image whose grid it is read on.

    Raises:
        StageError: a band that is missing, a grid that is another one, numbers that are no reflectance.
    """
    with ExitStack() as stack:
        handle = stack.enter_context(rasters.opened(path))
        own = rasters.grid_of(handle)
        if not own.crs:
            raise StageError(f"{path}: has no reference system; write one into the file, or no map could be made of it")
        names = layer_names(handle, how, path)
        matched = match_bands(names, wanted, how.aliases, path)
        for name, other in matched.stand_ins.items():
            counts[f"band {name}: {other} stands in"] += 1
        border = _border(handle, matched.index, counts)
        rule = _rule(handle, matched, border, how, path, counts)
        grid, margin = own, 0
        if onto is not None:
            if not rasters.same_pixels(own, onto.stored) and not how.align:
                raise on_another_grid(path, own, onto.stored)
            grid = onto.grid
        elif rasters.is_geographic(own):
            grid = rasters.utm_grid(own, how.pixel_m)
            counts["scenes in degrees, brought to UTM"] += 1
        bands = extra = handle
        if not rasters.same_pixels(own, grid):
            missing = next(iter((*rule.nodata, *border)), np.nan)
            smooth = "average" if grid.pixel_size > 1.5 * _metres(own) else "bilinear"
            bands = stack.enter_context(rasters.warped(handle, grid, smooth, nodata=missing))
            extra = stack.enter_context(rasters.warped(handle, grid, "nearest", nodata=missing))
            margin = 1
        layers = {name: names.index(name) for name in LAYERS if name in names}
        if "qa" in layers and not how.qa_bits:
            raise StageError(f"{path}: has a layer qa; write qa_bits: and the numbers of the bits that tell of clouds")
        views = {name: rasters.Strips(extra) for name in layers}
        found = (matched.index, matched.stand_ins)
        yield Image(own, grid, rule, border, rasters.Strips(bands), *found, views, layers, how.qa_bits, margin)


def _metres(grid: Grid) -> float:
    """Side of a pixel in m; a degree is taken for one of latitude."""
    return grid.pixel_size * (111_195 if rasters.is_geographic(grid) else 1)


def layer_names(handle: Any, how: Reading, path: Path) -> list[str]:
    """What each layer of a file is: as the settings list them, or as the file itself says.

    Raises:
        StageError: a list of another length, one that the file contradicts, or no names at all.
    """
    described = [name_of(text, how.sensor) for text in rasters.names_of(handle)]
    if how.layers is None:
        if not any(described):
            raise StageError(
                f"{path}: its {len(described)} bands have no names; write bands: and what each of them is, in order"
            )
        return described
    listed = [name_of(text, how.sensor) for text in how.layers]
    if len(listed) != len(described):
        raise StageError(f"{path}: has {len(described)} bands, and bands: lists {len(listed)}; write one for each")
    other = [
        f"band {number} is {own} in the file and {told} in the list"
        for number, (own, told) in enumerate(zip(described, listed, strict=True), start=1)
        if own and told not in (own, SKIP)
    ]
    if other:
        raise StageError(f"{path}: {'; '.join(other)}; mend bands:, or leave it out to go by the names in the file")
    return listed


def _rule(
    handle: Any, matched: Matched, border: tuple[float, ...], how: Reading, path: Path, counts: Counter[str]
) -> reflectance.Rule:
    """The rule by which stored numbers become reflectance, checked on a sample of the scene."""
    index = matched.index
    stored = rasters.sample(handle, index)
    declared = () if handle.nodata is None or np.isnan(handle.nodata) else (handle.nodata,)
    seen = np.where(np.isin(stored, declared), np.nan, stored.astype(np.float64))
    for number in border:
        seen[:, (stored == number).all(axis=0)] = np.nan
    if reflectance.is_visual([handle.dtypes[place] for place in index], seen):
        raise StageError(
            f"{path}: its bands are pictures of 0 to 255 for the eye, no reflectance; take the product's bands "
            f"themselves, or write {SKIP} for these layers in bands:"
        )
    scales, offsets = ({values[place] for place in index} for values in (handle.scales, handle.offsets))
    if how.product == reflectance.AUTO and (scales, offsets) != ({1.0}, {0.0}):
        if len(scales) > 1 or len(offsets) > 1:
            raise StageError(f"{path}: its bands declare several scales or offsets; write product: in the settings")
        rule, told = reflectance.Rule(scales.pop(), offset=offsets.pop()), "declared by the file"
    elif how.product == reflectance.AUTO:
        # Where nothing was seen nothing depends on the rule.
        product = reflectance.guess_product(seen, path) if np.isfinite(seen).any() else "reflectance"
        rule, told = reflectance.rule_of(product, how.offset), f"{product}, guessed"
    else:
        rule, told = reflectance.rule_of(how.product, how.offset), how.product
    counts[f"scale: {told}"] += 1
    rule = replace(rule, nodata=(*declared, *(number for number in rule.nodata if number not in declared)))
    values = np.where(np.isnan(seen), np.nan, reflectance.uncut_reflectance(stored, rule))
    counts[reflectance.check_reflectance(values, matched.names, rule, path)] += 1
    return rule


def _border(handle: Any, index: Sequence[int], counts: Counter[str]) -> tuple[float, ...]:
    """Numbers that fill a border of the scene although the file declares no nodata."""
    if handle.nodata is not None:
        return ()
    step = valid.coarse_step((handle.height, handle.width))
    rows = step * max(1, STRIP // step)
    cells: dict[int, list[np.ndarray]] = {number: [] for number in valid.UNDECLARED}
    for row in range(0, handle.height, rows):
        stored = rasters.read(handle, index, row, 0, (min(rows, handle.height - row), handle.width))
        found = valid.filled_cells(stored, step)
        empty = np.zeros((-(-stored.shape[1] // step), -(-handle.width // step)), bool)
        for number, lines in cells.items():
            lines.append(found.get(number, empty))
    whole = {number: np.concatenate(lines) for number, lines in cells.items()}
    border = tuple(float(number) for number, own in whole.items() if own.any() and valid.undeclared_nodata(own))
    for value in border:
        counts[f"border of undeclared nodata: {value:g}"] += 1
    return border
