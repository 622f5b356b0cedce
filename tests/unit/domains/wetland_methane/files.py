"""A small twin and its files read back as plain arrays, without the readers of the domain."""

import csv

import netCDF4
import numpy as np
from landbridge.domains.wetland_methane import twin

SMALL = {"towers": 12, "years": 1, "wetland_cells": 30, "neighbours": 1}


def write(folder, **options):
    """Write a small twin."""
    folder.mkdir()
    twin.write_twin(folder, "twin_wetlands", options.pop("seed", 1), **{**SMALL, **options})
    return folder


def folders(folder):
    return sorted(path.name for path in folder.iterdir())


def field(folder, name):
    """Variables of one netCDF file by name."""
    with netCDF4.Dataset(folder / "simulation" / f"{name}.nc") as handle:
        handle.set_auto_mask(False)
        return {key: np.asarray(variable[...]) for key, variable in handle.variables.items()}


def dimensions(folder, name, variable):
    with netCDF4.Dataset(folder / "simulation" / f"{name}.nc") as handle:
        return handle.variables[variable].dimensions


def table(folder, site):
    """Columns of one tower's file, missing as NaN."""
    (path,) = (folder / "towers").glob(f"FLX_{site}_FLUXNET-CH4_DD_*_1-1.csv")
    with path.open() as handle:
        header = handle.readline().strip().split(",")
        values = np.loadtxt(handle, delimiter=",")
    return dict(zip(header, np.where(values == -9999, np.nan, values).T, strict=True))


def site_table(folder):
    (path,) = (folder / "towers").glob("FLX_AA-Flx_CH4-META_*_reformatted.csv")
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def truth(folder):
    """(day,) noise-free flux of each tower, mg m-2 d-1."""
    found = {}
    with (folder / "towers" / "truth.csv").open(newline="") as handle:
        for row in csv.DictReader(handle):
            found.setdefault(row["SITE_ID"], []).append(float(row["CH4"]))
    return {name: np.array(values) for name, values in found.items()}
