"""Chips to a file: bands and labels under their own names, truth, columns, and chips that differ."""

from dataclasses import replace

import numpy as np
import pytest
from landbridge.contract import Chip, ContractError
from landbridge.io import netcdf

CLASSES = {"role": "target", "flag_values": [0, 1], "flag_meanings": "unburned burned", "long_name": "burned"}
DESCRIBED = {
    "burned": CLASSES,
    "burned_truth": {**CLASSES, "role": "truth"},
    "x": {"role": "static", "dtype": "float64", "units": "m", "long_name": "place"},
    "fire": {"role": "group", "long_name": "fire"},
}
TRANSFORM = (20.0, 0.0, 0.1, 0.0, -20.0, 0.2)


def chip(number, **changes):
    values = np.full((2, 4, 4), number / 10, np.float32)
    values[0, 0, 0] = np.nan
    label = np.full((4, 4), number % 2, np.uint8)
    static = {"x": 1039689.17866393 + number, "fire": f"fire {number}"}
    made = Chip(f"chip{number}", values, np.isfinite(values).all(0), label, "EPSG:32633", TRANSFORM, static)
    return replace(made, bands=("nir", "swir2"), target="burned", truth=1 - label, **changes)


def write(path, chips, **described):
    netcdf.write_chips(path, chips, (), {**DESCRIBED, **described}, {"Conventions": "CF-1.11"})
    return netcdf.read(path)


def test_what_was_written_is_read(tmp_path):
    data = write(tmp_path / "a.nc", (chip(number) for number in range(5)))
    assert data["band_name"].tolist() == ["nir", "swir2"]
    assert data["burned"][:, 1, 1].tolist() == [0, 1, 0, 1, 0]
    known = data["burned"] != 255  # a pixel that was not seen has no label
    assert (known == (data["valid"] > 0)).all() and known.any()
    assert (data["burned_truth"] == 1 - data["burned"])[known].all()
    assert data.with_role("target") == ["burned"] and data.with_role("truth") == ["burned_truth"]
    assert data["x"].dtype == np.float64 and data["x"][3] == 1039692.17866393
    assert data["fire"].tolist()[4] == "fire 4" and data["unit_name"].tolist()[2] == "chip2"
    assert np.isnan(data["reflectance"][2, 0, 0, 0]) and data["reflectance"][2, 1, 0, 0] == np.float32(0.2)
    assert data["valid"][0].sum() == 15 and (data["transform"] == TRANSFORM).all()


def test_equal_chips_give_equal_bytes(tmp_path):
    for name in ("a.nc", "b.nc"):
        write(tmp_path / name, (chip(number) for number in range(3)))
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (replace(chip(1), reflectance=np.zeros((2, 5, 5), np.float32)), "has shape"),
        (replace(chip(1), bands=("nir", "red")), "has the bands nir, red"),
        (replace(chip(1), truth=None), "lacks the truth"),
        (replace(chip(1), target="label"), "another label"),
        (replace(chip(1), static={"x": 1.0}), "other columns"),
        (replace(chip(1), name="chip0"), "comes twice"),
    ],
)
def test_chips_that_differ_are_refused(tmp_path, second, words):
    with pytest.raises(ContractError, match=words):
        write(tmp_path / "a.nc", [chip(0), second])


def test_columns_need_a_description(tmp_path):
    with pytest.raises(ContractError, match="nothing describes place"):
        write(tmp_path / "a.nc", [replace(chip(0), static={"place": "x"})])
    with pytest.raises(ContractError, match="2 bands, and 1 names"):
        write(tmp_path / "a.nc", [replace(chip(0), bands=("nir",))])
