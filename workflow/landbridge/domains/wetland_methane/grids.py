"""One variable of a gridded NetCDF file, its axes put right, read by rows.

Rows run from the south and columns from 180 W, whatever the file does: dimensions are told by name, directions by
coordinates. A file without coordinates must be the full 0.5 degree grid, and what land says must not contradict it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.stage import StageError

NAMES = {
    "lat": ("lat", "latitude", "y", "nlat"),
    "lon": ("lon", "longitude", "x", "nlon"),
    "month": ("month", "months", "mon"),
    "day": ("day", "days"),
    "time": ("time",),
    "model": ("model",),
}
SIZES = {"lat": 360, "lon": 720, "month": 12, "day": 31, "time": 12, "model": 18}  # of the full grid
FULL_LAT, FULL_LON = -89.75 + 0.5 * np.arange(360), -179.75 + 0.5 * np.arange(720)
FIX = "give it coordinate variables lat and lon (cell centres in degrees), or write it again as (lat, lon, month, day)"


@dataclass(frozen=True)
class Grid:
    """Centres of cells: `lat` from the south, `lon` from the west, both evenly spaced in degrees."""

    lat: np.ndarray
    lon: np.ndarray

    def equals(self, other: Grid) -> bool:
        """Whether both have the same centres."""
        pairs = ((self.lat, other.lat), (self.lon, other.lon))
        return all(len(one) == len(two) and np.allclose(one, two) for one, two in pairs)

    def index(self, lat: float, lon: float) -> tuple[int, int] | None:
        """Row and column of the cell that holds a place; None outside the grid.

        On the full grid this is floor((lat + 90) x 2), floor((lon + 180) x 2).
        """
        found = []
        for centres, degrees in ((self.lat, lat), (self.lon, lon)):
            width = (centres[-1] - centres[0]) / (len(centres) - 1)
            place = int(np.floor((degrees - centres[0]) / width + 0.5))
            if degrees == centres[-1] + width / 2:  # the far edge belongs to the last cell, as the poles do
                place = len(centres) - 1
            if not 0 <= place < len(centres):
                return None
            found.append(place)
        return found[0], found[1]


class Field:
    """A variable of one file.

    Args:
        path: file.
        name: variable; the only one of the file may have another name.
        kinds: axes that it must have, such as ("lat", "lon", "month", "day").

    Attributes:
        grid: of the file.
        told: whether coordinates said which way its axes run.

    Raises:
        StageError: a file that can't be read, or axes that can't be told; the text names the file and the fix.
    """

    def __init__(self, path: Path, name: str, kinds: tuple[str, ...]) -> None:
        import xarray as xr

        if not path.is_file():
            raise StageError(f"{path}: not there; fetch it, or leave its year out of `years:`")
        try:
            self.file = xr.open_dataset(path, engine="netcdf4", decode_times=False, cache=False)
        except (OSError, ValueError) as error:
            raise StageError(f"{path}: not a readable NetCDF file ({error}); fetch it again") from error
        self.path = path
        self.array = _variable(self.file, path, name, len(kinds))
        self.axes = _axes(self.array, path, kinds)
        for kind in ("month", "day"):
            if kind in kinds:
                self._check_calendar(kind)
        lat, lon = self._centres("lat", FULL_LAT), self._centres("lon", FULL_LON)
        self.told = lat is not None and lon is not None
        lat, lon = FULL_LAT if lat is None else lat, FULL_LON if lon is None else (lon + 180) % 360 - 180
        self.backward = bool(lat[0] > lat[-1])
        self.columns = None if (np.diff(lon) > 0).all() else np.argsort(lon, kind="stable")
        self.grid = Grid(lat[::-1] if self.backward else lat, lon if self.columns is None else lon[self.columns])
        for axis, centres in (("lat", self.grid.lat), ("lon", self.grid.lon)):
            steps = np.diff(centres)
            if not (len(steps) and steps[0] > 0 and np.allclose(steps, steps[0], atol=1e-3)):
                raise StageError(f"{path}: {axis} is not evenly spaced; write centres of cells of one size")

    @property
    def rows_of_chunk(self) -> int:
        """Rows that the file packs together; 1 where it packs none."""
        chunks = self.array.encoding.get("chunksizes")
        return int(chunks[self.axes.index("lat")]) if chunks else 1

    def read(self, start: int, stop: int) -> np.ndarray:
        """(rows, lon, ...) float32 of the rows from `start` up to `stop`, counted from the south; missing is NaN."""
        number = len(self.grid.lat)
        first, last = (number - stop, number - start) if self.backward else (start, stop)
        dimension = self.array.dims[self.axes.index("lat")]
        block = self.array.isel({dimension: slice(first, last)}).values.astype(np.float32, copy=False)
        block = block.transpose([self.axes.index(kind) for kind in NAMES if kind in self.axes])  # (lat, lon, ...)
        if self.backward:
            block = block[::-1]
        return block if self.columns is None else block[:, self.columns]

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _centres(self, axis: str, full: np.ndarray) -> np.ndarray | None:
        dimension = self.array.dims[self.axes.index(axis)]
        size = self.array.sizes[dimension]
        names = [name for name in (dimension, *NAMES[axis]) if name in self.file.variables]
        for name in names:
            values = np.asarray(self.file[name].values)
            if values.shape == (size,) and np.issubdtype(values.dtype, np.number) and np.isfinite(values).all():
                if np.abs(values).max() > (90 if axis == "lat" else 360):
                    raise StageError(f"{self.path}: {name} reaches {np.abs(values).max():g}; write it in degrees")
                return values.astype(np.float64)
        if size != len(full):
            raise StageError(f"{self.path}: has no {axis} and {size} cells along it, not {len(full)}; {FIX}")
        return None

    def _check_calendar(self, kind: str) -> None:
        dimension = self.array.dims[self.axes.index(kind)]
        size = self.array.sizes[dimension]
        if size != SIZES[kind]:
            raise StageError(f"{self.path}: has {size} along {kind}, not {SIZES[kind]}; {FIX}")
        if dimension in self.file.variables:
            values = np.asarray(self.file[dimension].values)
            if (np.diff(values) <= 0).any():
                raise StageError(f"{self.path}: {kind} does not grow along its axis; write 1 to {SIZES[kind]} in order")


def _variable(file: Any, path: Path, name: str, rank: int) -> Any:
    if name in file.data_vars:
        array = file[name]
    else:
        others = [word for word in file.data_vars if file[word].ndim >= 2]
        if len(others) != 1:
            raise StageError(f"{path}: no variable {name}; it has {', '.join(map(str, others)) or 'none'}")
        array = file[others[0]]
    if array.ndim != rank:
        raise StageError(f"{path}: {array.name} has the dimensions {array.dims}, and {rank} are wanted; {FIX}")
    return array


def _axes(array: Any, path: Path, kinds: tuple[str, ...]) -> list[str]:
    """Which axis each dimension is, told by its name, or where no name tells by the sizes of the full grid."""
    known = {word: kind for kind, words in NAMES.items() for word in words}
    named = [known.get(str(dimension).lower(), "") for dimension in array.dims]
    if sorted(named) == sorted(kinds):
        return named
    if not any(named) and array.shape == tuple(SIZES[kind] for kind in kinds):
        return list(kinds)
    raise StageError(
        f"{path}: {array.name} has the axes {dict(zip(array.dims, array.shape, strict=True))}, which can't be told to "
        f"be {', '.join(kinds)}: transposed? {FIX}"
    )


def check_direction(field: Field) -> bool:
    """Whether land agrees that rows run from the south and columns from 180 W, where no coordinates say so.

    At 60 S there is no land, at 60 N there is most. Files that are not masked to land can't be told so.

    Returns:
        False where nothing tells.

    Raises:
        StageError: rows run from the north.
    """
    if field.told:
        return True
    south, north = (np.isfinite(field.read(row, row + 1)).reshape(720, -1)[:, 0].mean() for row in (59, 300))
    if south > north:
        raise StageError(f"{field.path}: has land at 60 S and none at 60 N, so its rows run from the north; {FIX}")
    return bool(south < north)


def check_elevation(field: Field) -> None:
    """Refuse a file of elevations without coordinates in which Tibet (33 N, 88 E) is not where it belongs.

    Raises:
        StageError: it lies elsewhere, or nowhere.
    """
    if field.told:
        return
    row, column = 246, 536  # of 33.25 N, 88.25 E
    here = float(field.read(row, row + 1)[0, column])
    if here > 2500:
        return
    places = {"from the north": (359 - row, column), "from Greenwich": (row, (column + 360) % 720)}
    for direction, (i, j) in places.items():
        if float(field.read(i, i + 1)[0, j]) > 2500:
            raise StageError(f"{field.path}: Tibet lies where it would if the grid ran {direction}; {FIX}")
    raise StageError(f"{field.path}: Tibet is not at 33 N, 88 E (elevation {here:g}), so its axes can't be told; {FIX}")
