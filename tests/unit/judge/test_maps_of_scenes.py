"""Predictions of chips on the map: scenes stitched, chips without a place left out and counted, faults said."""

import json

import numpy as np
import pytest
import rasterio
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.judge import maps
from landbridge.stage import Job, StageError

SETTINGS = {"scenario": "s", "classes": ["unburned", "burned"], "code": "abc"}
INDEX = {"role": "index", "long_name": "x"}
PLACE = {"role": "static", "long_name": "x", "units": "1"}


def on_unit(values):
    values = np.asarray(values)
    return Variable(("unit",), values, PLACE if values.dtype.kind == "f" else INDEX)


def written(folder, *, lost=(), status="ok"):
    """Two chips of 4 by 4 pixels beside each other in scene a, one of scene b without a place."""
    transforms = [
        [20.0, 0, 500_000, 0, -20.0, 4_600_000],
        [20.0, 0, 500_080, 0, -20.0, 4_600_000],
        [1.0, 0, 0, 0, 1, 0],
    ]
    valid = np.ones((3, 4, 4), np.uint8)
    valid[0, 0, 0] = 0
    inputs = {
        "unit_name": on_unit(np.array(["a0", "a1", "b0"])),
        "scene": on_unit(np.array(["a", "a", "b"])),
        "scene_rows": on_unit(np.full(3, 6.0)),
        "scene_cols": on_unit(np.full(3, 8.0)),
        "scene_x": on_unit(np.array([500_000.0, 500_000, 0])),
        "scene_y": on_unit(np.array([4_600_000.0, 4_600_000, 0])),
        "georeferenced": on_unit(np.array([1.0, 1, 0])),
        "crs_wkt": on_unit(np.array(["EPSG:32633", "EPSG:32633", ""])),
        "transform": Variable(("unit", "six"), np.array(transforms), INDEX),
        "band_name": Variable(("band",), np.array(["nir"]), INDEX),
        "reflectance": Variable(
            ("unit", "band", "y", "x"), np.zeros((3, 1, 4, 4), np.float32), {**PLACE, "role": "input"}
        ),
        "valid": Variable(("unit", "y", "x"), valid, {"role": "quality", "long_name": "x", "units": "1"}),
        "row_unit": Variable(("row",), np.array([2, 0, 1], np.int32), INDEX),
    }
    probability = np.zeros((2, 3, 2, 4, 4), np.uint8)
    probability[1, :, 1] = np.array([0, 127, 254])[:, None, None]  # of b0, a0 and a1
    probability[1, :, 0] = 254 - probability[1, :, 1]
    predicted = {
        "budget": Variable(("budget",), np.array(["0", "2"]), {}),
        "budget_size": Variable(("budget",), np.array([0, 2], np.int32), {}),
        "selection": Variable(("budget",), np.array(["", "fixed"]), {}),
        "labels_used": Variable(("budget",), np.array([0, 2], np.int32), {}),
        "labels_for_selection": Variable(("budget",), np.array([0, 0], np.int32), {}),
        "class_name": Variable(("class",), np.array(["unburned", "burned"]), {}),
        "status": Variable(("budget",), np.array(["not_applicable: needs labels", status]), {}),
        "probability": Variable(("budget", "row", "class", "y", "x"), probability, {"long_name": "probability"}),
    }
    attributes = {
        "task": "segmentation",
        "row_of": "unit",
        "model": "unet",
        "recipe": "full_finetune",
        "budget_unit": "groups",
    }
    kept = {name: one for name, one in inputs.items() if name not in lost}
    netcdf.write(folder / "test.nc", Dataset(kept, {"Conventions": "CF-1.11", "kind": "chips"}))
    netcdf.write(folder / "p.nc", Dataset(predicted, {"Conventions": "CF-1.11", "kind": "predictions", **attributes}))
    names = {"predictions": [str(folder / "p.nc")], "tests": [str(folder / "test.nc")]}
    return Job("maps", names, {"maps": folder / "out"}, SETTINGS, {"seed": "0"})


def test_chips_of_a_scene_lie_where_they_were_cut(tmp_path):
    maps.run(written(tmp_path))
    told = json.loads((tmp_path / "out" / "maps.json").read_text())
    assert told["chips without a place"] == 1
    assert [(own["scene"], own["chips"], own["pixels"], own["fold"]) for own in told["scenes"]] == [("a", 2, 31, 0)]
    with rasterio.open(tmp_path / "out" / "a_probability.tif") as made:
        found = made.read(1)
        assert made.shape == (6, 8) and made.crs.to_epsg() == 32633
        assert made.tags()["budget"] == "2 groups" and made.tags()["classes"] == "unburned burned"
    assert np.isnan(found[0, 0]) and np.isnan(found[4:]).all()
    np.testing.assert_allclose(found[:4, 4:], 1)
    np.testing.assert_allclose(found[1:4, :4], 0.5)
    with rasterio.open(tmp_path / "out" / "a_class.tif") as made:
        classes = made.read(1)
    assert classes[0, 0] == 255 and (classes[:4, 4:] == 1).all()


def test_what_can_not_be_put_on_a_map_is_said(tmp_path):
    with pytest.raises(StageError, match="chips have no scene_x; take the recipes out of `maps:`"):
        maps.run(written(tmp_path, lost=("scene_x",)))
    (tmp_path / "b").mkdir()
    with pytest.raises(StageError, match="no budget has predictions: failed: x"):
        maps.run(written(tmp_path / "b", status="failed: x"))
