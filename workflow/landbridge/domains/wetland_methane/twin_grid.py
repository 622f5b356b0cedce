"""The simulation of the twin in the layout of X-MethaneWet's TEM-MDM files, on a coarse grid with its coordinates."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np

from landbridge.domains.wetland_methane.twin_landscape import KOPPEN, Days, Grid, Random, types_at
from landbridge.io import netcdf
from landbridge.prepare.weather import Weather, saturation_pressure

MONTHS, MONTH_DAYS = 12, 31
SHORTWAVE = 1e6 / 86400  # W m-2 in 1 MJ m-2 d-1
# Design values by type: pH, bulk density (g cm-3), texture, two vegetation codes, codes of wetlandtype to draw from.
SOILS: dict[str, tuple[float, float, int, int, int, tuple[int, ...]]] = {
    "fen": (6.0, 0.20, 2, 5, 4, (2,)),
    "bog": (4.5, 0.10, 1, 4, 3, (1, 2)),
    "marsh": (7.0, 0.50, 3, 9, 7, (4, 5)),
    "swamp": (6.2, 0.45, 4, 15, 10, (3,)),
    "wet tundra": (5.7, 0.30, 2, 2, 2, (2,)),
}
# Invented trends that begin and end about where global means did: ppb and ppm in 1979 and in 2018.
TRENDS = {"ch4-1979-2018.txt": (1580.0, 1860.0), "kco21979-2018.txt": (337.0, 409.0)}


def write(
    folder: Path, grid: Grid, days: Days, air: Weather, npp: np.ndarray, flux: np.ndarray, random: Random
) -> None:
    """Write statics, global means and, for each year, four drivers, net primary production and the flux.

    Args:
        folder: where to.
        grid: cells of land.
        days: of the run.
        air: (cell, day) weather.
        npp: (cell, day) g m-2 d-1.
        flux: (cell, day) mg m-2 d-1, NaN without wetland.
        random: gives the stream of a purpose.
    """
    _write_statics(folder, grid, random("soils"))
    for name, (first, last) in TRENDS.items():
        values = np.linspace(first, last, 40)
        lines = [f"{year} {value:.2f}\n" for year, value in zip(range(1979, 2019), values, strict=True)]
        (folder / name).write_text("".join(lines))
    vapour = 10 * saturation_pressure(air.temperature) - air.vpd
    daily = {
        "PREC": (air.rain, "mm"),
        "SOLR": (air.shortwave * SHORTWAVE, "W m-2"),
        "TAIR": (air.temperature, "degC"),
        "VAPR": (vapour, "hPa"),
    }
    record = days.dates[days.record]
    years = record.astype("datetime64[Y]")
    for year in np.unique(years):
        at = np.arange(len(days.dates))[days.record][years == year]
        for name, (values, units) in daily.items():
            field = by_month_and_day(values[:, at], days.dates[at])
            _write(folder / f"daily_ecmwf_{name}_{year}.nc", grid, name, field, units)
        _write(
            folder / f"CH4_emission_intensity_{year}.nc",
            grid,
            "CH4_emission",
            by_month_and_day(flux[:, at], days.dates[at]),
            "mg m-2 d-1",
        )
        month = days.dates[at].astype("datetime64[M]").astype(int) % MONTHS
        monthly = np.stack([npp[:, at[month == number]].sum(axis=1) for number in range(MONTHS)], axis=1)
        _write(folder / f"monthly_NPP_{year}.nc", grid, "NPP", monthly, "g m-2 month-1")


def by_month_and_day(values: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """(cell, month, day) of one year's (cell, day); NaN on dates that do not exist, and on 29 February."""
    months = dates.astype("datetime64[M]")
    month, day = months.astype(int) % MONTHS, (dates - months).astype(int)
    kept = ~((month == 1) & (day == 28))
    found = np.full((len(values), MONTHS, MONTH_DAYS), np.nan)
    found[:, month[kept], day[kept]] = values[:, kept]
    return found


def _write_statics(folder: Path, grid: Grid, random: np.random.Generator) -> None:
    rows = []
    for kind, lat in zip(grid.types, grid.lat[grid.row].tolist(), strict=True):
        usual = kind or types_at(lat)[0]
        acidity, density, texture, vegetation, eleven, wetland = SOILS[usual]
        rows.append(
            (
                random.uniform(5, 300),
                texture,
                vegetation,
                eleven,
                acidity + random.normal(0, 0.2),
                density * np.exp(random.normal(0, 0.1)),
                random.choice(wetland) if kind else 0,
                "ABCDE".index(KOPPEN[usual]) + 1,
            )
        )
    names = ("clelev", "clfaotxt", "cltveg", "vegetation_type_11", "phh2o", "topsoil_bulk_density", "wetlandtype")
    units = ("m", "1", "1", "1", "1", "g cm-3", "1", "1")
    for name, unit, values in zip((*names, "climatetype"), units, np.array(rows, float).T, strict=True):
        _write(folder / f"{name}.nc", grid, name, values, unit)


def _write(path: Path, grid: Grid, name: str, values: np.ndarray, units: str) -> None:
    """One variable over (lat, lon) and what (cell, ...) has beyond; NaN on the sea."""
    shape = (len(grid.lat), len(grid.lon), *values.shape[1:])
    field = np.full(shape, np.nan, np.float32)
    field[grid.row, grid.column] = np.round(values, 3)  # what a file with three digits would hold packs to a half
    dimensions = ("lat", "lon", "month", "day")[: len(shape)]
    with netCDF4.Dataset(path, "w", format="NETCDF4") as handle:
        for dimension, size in zip(dimensions, shape, strict=True):
            handle.createDimension(dimension, size)
        for axis, centres, degrees in (("lat", grid.lat, "degrees_north"), ("lon", grid.lon, "degrees_east")):
            netcdf.create(handle, axis, (axis,), centres.dtype, {"units": degrees})[:] = centres
        netcdf.create(handle, name, dimensions, field.dtype, {"units": units})[...] = field
