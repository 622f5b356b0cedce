"""Reader of WetCHARTs v1.3.1: 18 configurations of a wetland methane model, monthly, 0.5 degree (ORNL DAAC 1915).

Bloom et al. (2021), doi 10.3334/ORNLDAAC/1915. One file a year, `wetland_CH4_emissions` (model, time, lat, lon) in mg
m-2 d-1 of *grid cell*. Written from documentation, untried on a published file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.contract import Unit
from landbridge.domains.wetland_methane.cells import block_name, cell_name
from landbridge.domains.wetland_methane.grids import Field
from landbridge.domains.wetland_methane.ranges import check
from landbridge.domains.wetland_methane.settings import Given
from landbridge.stage import StageError

FILE = re.compile(r"WetCHARTs_v\d+_\d+_\d+_(\d{4})\.nc4?")
ROWS = 32  # read at a time
LEAST_FRACTION = 0.01  # of wetland in a cell; below it the division is noise
DEFAULTS = {"configuration": "mean", "years": [], "fraction": "", "variable": "wetland_CH4_emissions"}


def read_wetcharts(folder: Path, settings: Mapping[str, Any], *, counts: Counter[str]) -> Iterator[Unit]:
    """Cells with an emission, from the south-west on, all months of a cell end to end, each at its first day.

    Args:
        folder: of the yearly files.
        settings: `configuration`: the code of one of the 18, or mean; `years`: first and last; `variable`: its name in
            the files; `fraction`: a NetCDF file below the folder with the share of wetland (lat, lon), by which
            `ch4_cell_flux`, per square metre of cell, is divided to `ch4_flux`, per square metre of wetland.
        counts: gets what was read and what was dropped.

    Raises:
        StageError: a file that can't be used; the text names it and what to do.
    """
    own = Given(settings, DEFAULTS)
    paths = {int(match.group(1)): path for path in sorted(folder.iterdir()) if (match := FILE.fullmatch(path.name))}
    if not paths:
        raise StageError(f"{folder}: no file WetCHARTs_v1_3_1_YYYY.nc")
    years = own.years("years") or [min(paths), max(paths)]
    wanted = list(range(years[0], years[1] + 1))
    absent = [year for year in wanted if year not in paths]
    if absent:
        raise StageError(f"{folder}: no WetCHARTs_v1_3_1_{absent[0]}.nc; fetch it, or write other `years:`")
    fields = [Field(paths[year], own.text("variable"), ("model", "time", "lat", "lon")) for year in wanted]
    fraction = _fraction(folder, own.text("fraction"), fields[0])
    time = np.arange(f"{wanted[0]}-01", f"{wanted[-1] + 1}-01", dtype="datetime64[M]").astype("datetime64[D]")
    grid = fields[0].grid
    for start in range(0, len(grid.lat), ROWS):
        stop = min(start + ROWS, len(grid.lat))
        block = np.concatenate([_months(field, start, stop, own.values["configuration"]) for field in fields], axis=2)
        for row, column in np.ndindex(stop - start, len(grid.lon)):
            flux = block[row, column]
            if not np.isfinite(flux).any():
                counts["dropped: cells without an emission"] += 1
                continue
            check("ch4_flux", flux, f"{folder}: {own.text('variable')}", "The files give mg m-2 d-1.")
            values = {"ch4_cell_flux": flux}
            if fraction is not None:
                share = fraction[start + row, column]
                if not share >= LEAST_FRACTION:
                    counts[f"dropped: cells with less than {LEAST_FRACTION:g} of wetland"] += 1
                    continue
                values["ch4_flux"] = flux / share
            counts["cells"] += 1
            lat, lon = float(grid.lat[start + row]), float(grid.lon[column])
            cell, block_ = cell_name(lat, lon), f"block {block_name(lat, lon)}"
            static: dict[str, float | str] = {
                "lat": lat,
                "lon": lon,
                "origin": "simulation",
                "cell": cell,
                "block": block_,
            }
            yield Unit(f"cell {cell}", time, values, static)
    for field in fields:
        field.close()


def _months(field: Field, start: int, stop: int, configuration: Any) -> np.ndarray:
    """(row, lon, 12) of one configuration, or the mean of all; missing is NaN."""
    block = field.read(start, stop)  # (row, lon, time, model)
    if block.shape[2] != 12:
        raise StageError(f"{field.path}: has {block.shape[2]} times, and 12 months are wanted")
    if configuration == "mean":
        number = np.isfinite(block).sum(axis=3)
        total = np.nan_to_num(block, nan=0.0).sum(axis=3)
        return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.float32)
    codes = [int(code) for code in field.file["model"].values] if "model" in field.file.variables else []
    if configuration not in codes:
        shown = ", ".join(map(str, codes)) or "no codes in the file"
        raise StageError(f"reader_settings: configuration is {configuration!r}; write mean or one of {shown}")
    return block[..., codes.index(configuration)]


def _fraction(folder: Path, name: str, like: Field) -> np.ndarray | None:
    if not name:
        return None
    field = Field(folder / name, "wetland_fraction", ("lat", "lon"))
    if not field.grid.equals(like.grid):
        raise StageError(f"{field.path}: is on another grid than {like.path.name}; bring it to that grid")
    values = field.read(0, len(field.grid.lat))
    field.close()
    if np.nanmin(values) < 0 or np.nanmax(values) > 1:
        raise StageError(
            f"{field.path}: reaches from {np.nanmin(values):g} to {np.nanmax(values):g}; write shares 0 to 1"
        )
    return values
