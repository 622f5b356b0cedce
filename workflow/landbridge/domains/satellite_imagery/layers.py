"""The rasters of one scene, read together by windows: image, image before the fire, label, clouds.

Scenes in degrees are brought to their UTM zone, so that a chip covers the same ground everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import IGNORE
from landbridge.domains.satellite_imagery.bands import PRE
from landbridge.domains.satellite_imagery.images import Image, open_image
from landbridge.domains.satellite_imagery.reading import Files, Reading, on_another_grid
from landbridge.domains.satellite_imagery.scenes import Patch
from landbridge.domains.satellite_imagery.valid import CLOUD_MARGIN, dilated, without_clouds
from landbridge.io import rasters
from landbridge.io.grids import Grid
from landbridge.stage import StageError

OUTLINES = (".geojson", ".json")


@dataclass(frozen=True)
class Layer:
    """An open layer of numbers with a meaning: a raster on the grid of the chips, or outlines to burn into it."""

    path: Path
    raster: Any
    outlines: Any = None


@dataclass(frozen=True)
class Layers:
    """Open rasters of one scene.

    Attributes:
        grid: of the chips.
        read: pixels of the window of a size at (row, col).
    """

    grid: Grid
    images: tuple[tuple[Image, tuple[int, ...]], ...]
    label: Layer
    truth: Layer | None
    clouds: Layer | None
    how: Reading

    @property
    def stand_ins(self) -> Mapping[str, str]:
        """Band of the image by the band that it stands in for."""
        return self.images[0][0].stand_ins

    def read(self, row: int, col: int, size: int) -> Patch:
        """Pixels of a window: reflectance of all images, and usable where all of them are."""
        reflectance = np.empty((len(self.how.stack), size, size), np.float32)
        usable = np.ones((size, size), bool)
        for image, places in self.images:
            reflectance[list(places)], seen = image.read(row, col, size)
            usable &= seen
        if self.clouds is not None:
            cloud = self.clouds.raster.read([0], row, col, (size, size), margin=CLOUD_MARGIN)[0]
            usable &= without_clouds(cloud != 0, CLOUD_MARGIN)
        ring = self.how.ignore_boundary
        codes = self._codes(self.label, row, col, size, ring)
        inside = slice(ring, ring + size)
        if self.how.unknown_is_unseen:
            usable &= codes[inside, inside] != IGNORE
        label = without_outline(codes, ring)[inside, inside]
        truth = None if self.truth is None else self._codes(self.truth, row, col, size, 0)
        return Patch(reflectance, usable, label, truth)

    def _codes(self, layer: Layer, row: int, col: int, size: int, margin: int) -> np.ndarray:
        """(y, x) uint8 labels of a window and of a margin around it."""
        if layer.outlines is not None:
            side = size + 2 * margin
            return rasters.perimeter_mask(layer.outlines, self.grid.part(row - margin, col - margin, side, side))
        stored = layer.raster.read([0], row, col, (size, size), margin=margin)[0]
        return codes_of(stored, self.how.codes, layer.raster.handle.nodata, layer.path)


def without_outline(codes: np.ndarray, ring: int) -> np.ndarray:
    """(y, x) uint8 labels that are not known (255) within `ring` pixels of where burned meets not burned."""
    near = dilated(codes == 1, ring) & dilated(codes == 0, ring)
    return np.where(near & (ring > 0), IGNORE, codes).astype(np.uint8)


def codes_of(stored: np.ndarray, codes: Mapping[int, int], nodata: float | None, where: object) -> np.ndarray:
    """uint8 labels of the numbers in a file; -1, NaN and nodata are not known (255).

    Raises:
        StageError: a number that has no meaning.
    """
    missing = ~np.isfinite(stored) | (stored == -1)
    if nodata is not None and nodata not in codes:
        missing |= stored == nodata
    found = np.full(stored.shape, IGNORE, np.uint8)
    known = missing.copy()
    for number, code in codes.items():
        here = stored == number
        found[here & ~missing] = code
        known |= here
    if not known.all():
        strange = sorted(set(np.unique(stored[~known]).tolist()))[:5]
        raise StageError(
            f"{where}: holds the labels {', '.join(f'{number:g}' for number in strange)}, which mean nothing here; it "
            f"may hold {', '.join(map(str, codes))} and -1 or nodata"
        )
    return found


@contextmanager
def open_layers(files: Files, how: Reading, counts: Counter[str]) -> Iterator[Layers]:
    """Open all rasters of a scene and look at each once.

    Raises:
        StageError: a file that can't be used, a layer on another grid where `align` is false, numbers that are no
            reflectance.
    """
    with ExitStack() as stack:
        after = tuple(name for name in how.stack if not name.endswith(PRE))
        in_one_file = files.pre is None
        wanted = how.stack if in_one_file else after
        image = stack.enter_context(open_image(files.image, wanted, how, counts))
        images = [(image, tuple(how.stack.index(name) for name in wanted))]
        if files.pre is not None:
            before = tuple(name.removesuffix(PRE) for name in how.stack if name.endswith(PRE))
            earlier = stack.enter_context(open_image(files.pre, before, how, counts, onto=image))
            images.append((earlier, tuple(how.stack.index(name + PRE) for name in before)))

        label = stack.enter_context(_open_layer(files.label, image, how))
        truth, clouds = (
            None if path is None else stack.enter_context(_open_layer(path, image, how))
            for path in (files.truth, files.clouds)
        )
        yield Layers(image.grid, tuple(images), label, truth, clouds, how)


@contextmanager
def _open_layer(path: Path, image: Image, how: Reading) -> Iterator[Layer]:
    """A raster of numbers with a meaning on the grid of the image, or the outlines of a file of such."""
    if path.suffix in OUTLINES:
        yield Layer(path, None, rasters.outlines(path))
        return
    with rasters.opened(path) as handle:
        own = rasters.grid_of(handle)
        same = rasters.same_pixels(own, image.stored)
        if not same and not how.align:
            raise on_another_grid(path, own, image.stored)
        if same and image.stored == image.grid:
            yield Layer(path, rasters.Strips(handle))
            return
        missing = IGNORE if handle.nodata is None else None
        with rasters.warped(handle, image.grid, "nearest", nodata=missing) as view:
            yield Layer(path, rasters.Strips(view))
