"""Predictions on the map: exact round trips, and what GDAL says of the files."""

import numpy as np
import pytest
import rasterio
from landbridge.io.grids import Grid, windows
from landbridge.io.maps import write_classes, write_probability
from landbridge.stage import StageError

SCENE = Grid("EPSG:3005", (19.9874198046199, 0.0, 1039689.17866393, 0.0, -19.9874198046199, 855689.504795379), 192, 320)
COLOURS = {0: (220, 220, 220, 255), 1: (200, 30, 0, 255)}


def pieces(values, size=64):
    return [
        (f"chip{number}", SCENE.part(row, col, size, size), values[row : row + size, col : col + size])
        for number, (row, col) in enumerate(windows(SCENE.shape, size))
    ]


def test_a_scene_that_is_cut_and_stitched_is_the_same(tmp_path):
    values = np.random.default_rng(1).random(SCENE.shape).astype(np.float32)
    values[5, 7] = np.nan
    shuffled = pieces(values)[::-1]
    write_probability(tmp_path / "map.tif", SCENE, shuffled, {"model": "unet", "training_groups": "a b"})
    with rasterio.open(tmp_path / "map.tif") as handle:
        np.testing.assert_array_equal(handle.read(1), values)
        assert tuple(handle.transform)[:6] == SCENE.transform
        assert handle.crs.to_epsg() == 3005
        assert np.isnan(handle.nodata) and handle.dtypes == ("float32",)
        assert handle.tags()["model"] == "unet" and handle.tags()["training_groups"] == "a b"
        assert handle.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert handle.compression.name == "deflate"
        assert handle.block_shapes == [(256, 256)]


def test_classes_have_colours_and_nodata(tmp_path):
    values = np.random.default_rng(2).integers(0, 2, SCENE.shape).astype(np.uint8)
    few = pieces(values)[1:]  # nothing was predicted for the first
    write_classes(tmp_path / "map.tif", SCENE, few, {}, COLOURS)
    with rasterio.open(tmp_path / "map.tif") as handle:
        found = handle.read(1)
        assert (found[:64, :64] == 255).all()
        found[:64, :64] = values[:64, :64]
        np.testing.assert_array_equal(found, values)
        assert handle.nodata == 255
        assert handle.colormap(1)[1] == COLOURS[1]
        assert (handle.read_masks(1)[:64, :64] == 0).all()
        assert tuple(handle.transform)[:6] == SCENE.transform


def test_equal_predictions_give_equal_bytes(tmp_path):
    values = np.zeros(SCENE.shape, np.float32)
    for name in ("a.tif", "b.tif"):
        write_probability(tmp_path / name, SCENE, pieces(values), {"model": "unet"})
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_chips_that_do_not_fit_are_refused(tmp_path):
    values = np.zeros((64, 64), np.float32)
    half = SCENE.part(0, 0, 64, 64)
    a, b, x, d, e, y = half.transform
    moved = Grid(SCENE.crs, (a, b, x + a / 2, d, e, y), 64, 64)
    with pytest.raises(StageError, match="off the lattice"):
        write_probability(tmp_path / "map.tif", SCENE, [("moved", moved, values)], {})
    overlapping = [("one", half, values), ("two", SCENE.part(32, 0, 64, 64), values)]
    with pytest.raises(StageError, match="on top of another"):
        write_probability(tmp_path / "map.tif", SCENE, overlapping, {})
    with pytest.raises(StageError, match="no place on the Earth"):
        write_probability(tmp_path / "map.tif", Grid("", (1, 0, 0, 0, 1, 0), 64, 64), [], {})
    assert list(tmp_path.iterdir()) == []
