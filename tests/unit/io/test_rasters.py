"""Rasters: windows, samples, other grids, outlines, and files that can't be read."""

import json

import numpy as np
import pytest
from landbridge.io import rasters
from landbridge.io.grids import Grid
from landbridge.stage import StageError

from tests.unit.domains.satellite_imagery.made import TRANSFORM, write


@pytest.fixture
def numbered(tmp_path):
    """Two bands whose numbers tell row and column."""
    row, col = np.mgrid[:40, :50]
    return write(tmp_path / "numbered.tif", np.stack([100 * row + col, 7 * row + col]).astype(np.int32))


def test_a_window_and_its_margin(numbered):
    with rasters.opened(numbered) as handle:
        assert rasters.grid_of(handle).transform == TRANSFORM
        plain = rasters.read(handle, [1, 0], 10, 20, (4, 5))
        assert plain.shape == (2, 4, 5)
        assert plain[1, 0, 0] == 1020 and plain[0, 0, 0] == 90
        wide = rasters.read(handle, [0], 0, 46, (4, 4), margin=2)
        assert wide.shape == (1, 8, 8)
        assert (wide[0, 2:-2, 2:-2] == rasters.read(handle, [0], 0, 46, (4, 4))[0]).all()
        assert wide[0, 0, 2] == wide[0, 2, 2] == 46  # beyond the raster its edge is repeated
        assert wide[0, 4, -1] == 249


def test_strips_give_the_same_windows(numbered):
    with rasters.opened(numbered) as handle:
        strips = rasters.Strips(handle)
        for bands, row, col, margin in (([0], 0, 0, 0), ([0], 0, 46, 2), ([1, 0], 8, 20, 1), ([0], 8, 20, 1)):
            expected = rasters.read(handle, bands, row, col, (4, 4), margin=margin)
            np.testing.assert_array_equal(strips.read(bands, row, col, (4, 4), margin=margin), expected)


def test_a_sample_is_of_the_pixels_themselves(numbered):
    with rasters.opened(numbered) as handle:
        assert (rasters.sample(handle, [0]) == handle.read(1).reshape(1, -1)).all()
        few = rasters.sample(handle, [0, 1], most=100)
        assert few.shape[1] <= 100
        assert set(few[0]) <= set(handle.read(1).ravel())


def test_files_that_cannot_be_read(numbered, tmp_path):
    whole = numbered.read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: len(whole) // 2])
    page = tmp_path / "page.tif"
    page.write_text("<html>not found</html>")
    for path, words in ((cut, "cut short"), (page, "not a readable raster"), (tmp_path / "none.tif", "no such file")):
        with pytest.raises(StageError, match=words), rasters.opened(path) as handle:
            rasters.read(handle, [0, 1], 0, 0, (40, 50))


def test_utm_zones():
    assert rasters.utm_zone(15.1, 48) == "EPSG:32633"
    assert rasters.utm_zone(113.9, -2.2) == "EPSG:32749"
    assert rasters.utm_zone(180.0, 0.0) == "EPSG:32660"


def test_from_degrees_to_utm_and_back_within_half_a_pixel(tmp_path):
    """Longitude and latitude themselves as the bands: where they come to lie tells how far pixels were moved."""
    step = 0.0002
    degrees = Grid("EPSG:4326", (step, 0.0, 15.0, 0.0, -step, 48.0), 120, 160)
    col, row = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)
    x, y = degrees.corner(row, col)
    path = write(tmp_path / "degrees.tif", np.stack([x, y]), crs="EPSG:4326", transform=degrees.transform)
    with rasters.opened(path) as handle:
        own = rasters.grid_of(handle)
        assert rasters.is_geographic(own)
        grid = rasters.utm_grid(own, 20.0)
        assert grid.transform[0] == 20.0 and grid.transform[2] % 20 == 0
        with rasters.warped(handle, grid, "bilinear", nodata=np.nan) as view:
            there = rasters.read(view, [0, 1], 0, 0, grid.shape)
        metres = write(tmp_path / "metres.tif", there, crs=grid.crs, transform=grid.transform, nodata=np.nan)
    with rasters.opened(metres) as handle, rasters.warped(handle, degrees, "nearest") as view:
        back = rasters.read(view, [0, 1], 2, 2, (116, 156))
    inner = slice(2, -2), slice(2, -2)
    assert np.isfinite(back).all()
    lon_m, lat_m = 111_195 * np.cos(np.radians(48)), 111_195
    assert np.abs(back[0] - x[inner]).max() * lon_m <= 10.5  # half of 20 m, and what bilinear weights add
    assert np.abs(back[1] - y[inner]).max() * lat_m <= 10.5


def test_same_pixels_whatever_the_text_of_the_system():
    grid = Grid("EPSG:32633", TRANSFORM, 10, 10)
    from rasterio.crs import CRS

    assert rasters.same_pixels(grid, Grid(CRS.from_epsg(32633).to_wkt(), TRANSFORM, 10, 10))
    assert not rasters.same_pixels(grid, Grid("EPSG:32634", TRANSFORM, 10, 10))
    assert not rasters.same_pixels(grid, Grid("EPSG:32633", (20.0, 0.0, 500_010.0, 0.0, -20.0, 4_600_000.0), 10, 10))


def test_outlines_burn_by_the_centre_of_the_pixel(tmp_path):
    grid = Grid("EPSG:32633", TRANSFORM, 10, 10)
    square = [[500_031, 4_599_969], [500_091, 4_599_969], [500_091, 4_599_909], [500_031, 4_599_909]]
    shape = {"type": "Polygon", "coordinates": [[*square, square[0]]]}
    burnt = rasters.perimeter_mask([shape], grid, crs="EPSG:32633")
    expected = np.zeros((10, 10), np.uint8)
    expected[2:5, 2:5] = 1  # centres from 50 to 90 m east; that of column 1, at 30 m, lies outside
    assert (burnt == expected).all()
    lon, lat = rasters.lon_lat("EPSG:32633", *zip(*square, strict=True))
    ring = [list(place) for place in zip(lon.tolist(), lat.tolist(), strict=True)]
    path = tmp_path / "fire.geojson"
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert (rasters.perimeter_mask(rasters.outlines(path), grid) == expected).all()
    path.write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    with pytest.raises(StageError, match="no Polygon"):
        rasters.outlines(path)
