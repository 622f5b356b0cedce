"""Yearly files of WetCHARTs, made by hand from their documentation."""

from collections import Counter

import netCDF4
import numpy as np
import pytest
from landbridge.domains.wetland_methane.wetcharts import read_wetcharts
from landbridge.stage import StageError

from tests.unit.domains.wetland_methane.written import write_grid

LAT, LON = np.array([-0.25, 0.25]), np.array([10.25, 10.75, 11.25])


def read(folder, counts=None, **settings):
    counts = Counter() if counts is None else counts
    return {unit.name: unit for unit in read_wetcharts(folder, settings, counts=counts)}


def write(folder, year, months=12):
    """Two configurations: one of 10 + month, one of thrice that; a cell without wetland."""
    level = np.broadcast_to((10.0 + np.arange(months))[:, None, None], (months, 2, 3))
    values = np.stack([level, 3 * level])
    values[:, :, 0, 0] = np.nan
    with netCDF4.Dataset(folder / f"WetCHARTs_v1_3_1_{year}.nc", "w") as handle:
        for axis, size in (("model", 2), ("time", months), ("lat", 2), ("lon", 3)):
            handle.createDimension(axis, size)
        handle.createVariable("model", "i4", ("model",))[:] = [1913, 2924]
        handle.createVariable("lat", "f8", ("lat",))[:] = LAT
        handle.createVariable("lon", "f8", ("lon",))[:] = LON
        handle.createVariable("time_bnds", "f8", ("time", "model"))[:] = 0
        variable = handle.createVariable(
            "wetland_CH4_emissions", "f4", ("model", "time", "lat", "lon"), fill_value=-9999.0
        )
        variable[:] = np.ma.masked_invalid(values)


def test_configurations_and_months(tmp_path):
    write(tmp_path, 2001)
    write(tmp_path, 2002)
    counts = Counter()
    found = read(tmp_path, counts)
    assert len(found) == 5 and counts["dropped: cells without an emission"] == 1
    unit = found["cell 180,380"]
    assert [str(unit.time[place]) for place in (0, 1, -1)] == ["2001-01-01", "2001-02-01", "2002-12-01"]
    np.testing.assert_allclose(unit.values["ch4_cell_flux"], np.tile(2 * (10.0 + np.arange(12)), 2))
    assert "ch4_flux" not in unit.values
    one = read(tmp_path, configuration=2924, years=[2002, 2002])["cell 180,380"]
    np.testing.assert_allclose(one.values["ch4_cell_flux"], 3 * (10.0 + np.arange(12)))


def test_a_flux_per_wetland_needs_its_share(tmp_path):
    write(tmp_path, 2001)
    fraction = np.array([[0.5, 0.5, 0.005], [0.25, 1.0, np.nan]], np.float32)
    write_grid(tmp_path / "share.nc", "wetland_fraction", fraction, LAT, LON)
    counts = Counter()
    found = read(tmp_path, counts, fraction="share.nc")
    assert len(found) == 3 and counts["dropped: cells with less than 0.01 of wetland"] == 2
    values = found["cell 180,380"].values
    np.testing.assert_allclose(values["ch4_flux"], 4 * values["ch4_cell_flux"])
    write_grid(tmp_path / "share.nc", "wetland_fraction", fraction * 100, LAT, LON)
    with pytest.raises(StageError, match="write shares 0 to 1"):
        read(tmp_path, fraction="share.nc")


def test_broken_folders_are_named(tmp_path):
    with pytest.raises(StageError, match=r"no file WetCHARTs_v1_3_1_YYYY.nc"):
        read(tmp_path)
    write(tmp_path, 2001)
    with pytest.raises(StageError, match=r"configuration is 7; write mean or one of 1913, 2924"):
        read(tmp_path, configuration=7)
    with pytest.raises(StageError, match=r"no WetCHARTs_v1_3_1_2002.nc; fetch it"):
        read(tmp_path, years=[2001, 2002])
    with pytest.raises(StageError, match="no variable flux"):
        read(tmp_path, variable="flux")
    write(tmp_path, 2001, months=11)
    with pytest.raises(StageError, match="has 11 times, and 12 months are wanted"):
        read(tmp_path)
