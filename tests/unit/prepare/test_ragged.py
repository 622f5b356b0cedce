"""Parts of files: the stretches asked for, in their order, in memory or in files alike."""

import numpy as np
import pytest
from landbridge.io import mapped, netcdf
from landbridge.prepare import ragged

from tests import synthetic


@pytest.fixture(params=[False, True], ids=["held", "mapped"])
def dataset(request, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "LEAST", 1)
    monkeypatch.setattr(mapped, "BLOCK", 8 * 7)  # ends inside units
    synthetic.write(tmp_path / "a.nc", "regression")
    read = netcdf.read(tmp_path / "a.nc", in_files=request.param)
    assert mapped.is_mapped(read["a"]) is request.param
    return read


@pytest.mark.parametrize("units", [[0, 1, 2], [27, 3, 3], []])
def test_units_in_the_order_asked_for(dataset, units):
    part = ragged.select_units(dataset, np.array(units, int))
    expected = [dataset["a"][30 * unit : 30 * unit + 30] for unit in units]
    assert part["a"].tolist() == np.concatenate([np.zeros(0), *expected]).tolist()
    assert part["unit_name"].tolist() == [f"unit{unit:02d}" for unit in units]
    assert part["row_size"].tolist() == [30] * len(units)
    assert mapped.is_mapped(part["a"]) is (mapped.is_mapped(dataset["a"]) and bool(units))


def test_stretches_of_units(dataset):
    part = ragged.cut(dataset, np.array([2, 0, 2, 1]), np.array([63, 0, 60, 40]), np.array([65, 30, 60, 41]))
    expected = [*dataset["time"][63:65], *dataset["time"][:30], dataset["time"][40]]
    assert part["time"].tolist() == expected
    assert part["row_size"].tolist() == [2, 30, 0, 1]
    assert part["unit_name"].tolist() == ["unit02", "unit00", "unit02", "unit01"]


def test_chips_by_mask(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "LEAST", 1)
    monkeypatch.setattr(mapped, "BLOCK", 1000)
    synthetic.write(tmp_path / "a.nc", "segmentation")
    chosen = np.arange(28) % 3 == 0
    held, in_files = (
        ragged.select_units(netcdf.read(tmp_path / "a.nc", in_files=where), chosen) for where in (False, True)
    )
    assert mapped.is_mapped(in_files["reflectance"]) and len(held["unit_name"]) == 10
    for name in held.variables:
        np.testing.assert_array_equal(held[name], in_files[name])
