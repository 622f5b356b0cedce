"""The grid that the pixels of a raster lie on, as plain numbers: windows of it, places on it, chips on a lattice.

A transform is six numbers (a, b, x0, d, e, y0): the corner of the pixel at (row, col) lies at
x = x0 + a col + b row, y = y0 + d col + e row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landbridge.stage import StageError

Six = tuple[float, float, float, float, float, float]
OFF_LATTICE = 1e-3  # of a pixel: what the rounding of coordinates may move a corner by


@dataclass(frozen=True)
class Grid:
    """Pixels of a raster.

    Attributes:
        crs: coordinate reference system as WKT or an EPSG code; "" where the raster has none.
        transform: six numbers, as above.
        height: rows.
        width: columns.
    """

    crs: str
    transform: Six
    height: int
    width: int

    def part(self, row: int, col: int, height: int, width: int) -> Grid:
        """The grid of a window whose first pixel stands at (row, col)."""
        x, y = self.corner(row, col)
        a, b, _, d, e, _ = self.transform
        return Grid(self.crs, (a, b, x, d, e, y), height, width)

    def corner(self, row: float, col: float) -> tuple[float, float]:
        """Map coordinates of the upper left corner of a pixel; add one half to each for its centre."""
        a, b, x, d, e, y = self.transform
        return x + a * col + b * row, y + d * col + e * row

    def corners(self) -> list[tuple[float, float]]:
        """The four corners in order around the raster."""
        return [self.corner(*at) for at in ((0, 0), (0, self.width), (self.height, self.width), (self.height, 0))]

    @property
    def pixel_size(self) -> float:
        """Side of a square of a pixel's area, in units of the reference system."""
        a, b, _, d, e, _ = self.transform
        return abs(a * e - b * d) ** 0.5

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def place(self, part: Grid, what: str) -> tuple[int, int]:
        """Row and column of the first pixel of a part, by its six numbers.

        Args:
            part: grid of the chip.
            what: name of the chip, for the error.

        Raises:
            StageError: another reference system, another pixel, off the lattice, or beyond the raster.
        """
        if part.crs != self.crs:
            raise StageError(f"{what}: its reference system is not that of the scene; stitch chips of one scene alone")
        a, b, x, d, e, y = self.transform
        own = part.transform
        size = self.pixel_size
        if max(abs(own[i] - self.transform[i]) for i in (0, 1, 3, 4)) * max(self.shape) > OFF_LATTICE * size:
            raise StageError(f"{what}: its pixels {own} are not those of the scene, {self.transform}")
        east, south, area = own[2] - x, own[5] - y, a * e - b * d
        col, row = (e * east - b * south) / area, (a * south - d * east) / area
        if max(abs(col - round(col)), abs(row - round(row))) > OFF_LATTICE:
            raise StageError(
                f"{what}: begins at row {row:.3f}, column {col:.3f} of its scene, off the lattice of its pixels; cut "
                f"it by whole pixels of the scene"
            )
        row, col = round(row), round(col)
        if row < 0 or col < 0 or row + part.height > self.height or col + part.width > self.width:
            raise StageError(f"{what}: rows {row} on, columns {col} on reach beyond its scene of {self.shape} pixels")
        return row, col


def windows(shape: Sequence[int], size: int, stride: int | None = None) -> list[tuple[int, int]]:
    """First row and column of every whole chip, line by line; what is left over at the right and below is no chip."""
    step = stride or size
    return [(row, col) for row in range(0, shape[0] - size + 1, step) for col in range(0, shape[1] - size + 1, step)]
