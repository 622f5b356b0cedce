"""Land cover in EuroSAT's layout: order of bands, zones, places that never overlap, a shift, and the control."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import rasterio
from landbridge.domains.satellite_imagery.covers import COVERS, draw_cover
from landbridge.domains.satellite_imagery.regions import read_region
from landbridge.domains.satellite_imagery.twin_eurosat import TREE, draw_places
from rasterio.warp import transform_bounds

from tests.unit.domains.satellite_imagery.twins import table, write

ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B8A")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "tiles", layout="eurosat", tiles_per_class=20)


@pytest.fixture(scope="module")
def tiles(folder):
    return {path.stem: rasterio.open(path).read() for path in sorted((folder / TREE).rglob("*.tif"))}


def test_folders_are_those_of_the_published_set(folder, tiles):
    found = sorted(path.name for path in (folder / TREE).iterdir())
    assert found == list(COVERS) and len(found) == 10
    assert sorted(path.name for path in (folder / TREE / "River").iterdir())[:2] == ["River_1.tif", "River_10.tif"]
    assert len(tiles) == 200
    with rasterio.open(folder / TREE / "River" / "River_1.tif") as handle:
        assert (handle.count, handle.shape, handle.dtypes[0], handle.nodata) == (13, (64, 64), "uint16", None)
        assert handle.res == (10, 10) and handle.descriptions == (None,) * 13


def test_the_narrow_near_infrared_comes_last_and_cirrus_is_next_to_nothing(tiles):
    means = dict(zip(ORDER, np.mean([tile.mean(axis=(1, 2)) for tile in tiles.values()], axis=0), strict=True))
    assert means["B10"] < 0.05 * min(means["B09"], means["B11"])
    assert means["B8A"] > means["B11"] > means["B12"] and means["B8A"] > 0.95 * means["B08"]
    assert means["B01"] > means["B02"]  # air scatters blue light
    forest = np.mean([tile.mean(axis=(1, 2)) for name, tile in tiles.items() if name.startswith("Forest")], axis=0)
    assert forest[12] > 2 * forest[3]


def test_bands_of_coarser_pixels_repeat_them(tiles):
    tile = tiles["Forest_1"]
    coarse = tile[[4, 5, 6, 10, 11, 12]]
    assert np.array_equal(coarse[:, ::2, ::2], coarse[:, 1::2, 1::2])
    assert np.array_equal(tile[0, 0:6, 0:6], np.full((6, 6), tile[0, 0, 0]))
    assert (tile[1, ::2, ::2] != tile[1, 1::2, 1::2]).mean() > 0.8
    assert all((own > 0).all() for own in tiles.values())


def test_each_tile_lies_in_its_own_zone_and_on_ground_of_its_own(folder):
    rows = table(folder / "truth_parameters.csv")
    zones = set()
    boxes = {}
    for row in rows:
        with rasterio.open(folder / TREE / row["class"] / f"{row['unit']}.tif") as handle:
            zone = handle.crs.to_epsg() - 32600
            box = transform_bounds(handle.crs, "EPSG:4326", *handle.bounds)
        assert zone == int(row["zone"]) == int((float(row["longitude"]) + 180) // 6) + 1
        assert box[0] == pytest.approx(float(row["longitude"]), abs=1e-3)
        assert box[3] == pytest.approx(float(row["latitude"]), abs=1e-3)
        zones.add(zone)
        boxes.setdefault(row["place"], []).append(box)
    assert zones == set(range(29, 37))
    for place in boxes.values():
        for (west, south, east, north), other in combinations(place, 2):
            assert east < other[0] or other[2] < west or north < other[1] or other[3] < south


def test_the_east_begins_a_gap_of_over_two_degrees_after_three_fifths(folder):
    rows = table(folder / "truth_parameters.csv")
    east = [float(row["longitude"]) for row in rows if row["region"] == "east"]
    west = [float(row["longitude"]) for row in rows if row["region"] != "east"]
    assert len(west) == 120 and len(east) == 80 and min(east) - max(west) > 2
    assert set(Counter(row["class"] for row in rows if row["region"] == "east").values()) == {8}


def test_places_lie_in_blocks_of_half_a_degree_of_their_own():
    for part, tiles in (("west", 1620), ("east", 1080)):  # as many as the published set has
        places = draw_places(part, tiles, "twin_test", 1)
        blocks = Counter((int(place.longitude // 0.5), int(place.latitude // 0.5)) for place in places)
        assert len(places) == round(tiles * 10 / 12) and set(blocks.values()) == {1}
        ends = [place.slot(99) for place in places]
        assert {(int(east // 0.5), int(north // 0.5)) for east, north in ends} == set(blocks)


@pytest.mark.parametrize("cover", list(COVERS))
def test_a_cover_is_a_mixture_of_surfaces(cover):
    reflectance, water = draw_cover(cover, read_region("med"), 32, np.random.default_rng(1))
    assert reflectance.shape == (13, 32, 32) and reflectance.min() > 0 and reflectance.max() < 0.5
    expected = {"SeaLake": (1, 1), "River": (0.1, 0.6)}.get(cover, (0, 0))
    assert expected[0] <= water.mean() <= expected[1]


def test_the_control_names_tiles_of_the_east_by_chance(tmp_path):
    folder = write(tmp_path / "control", layout="eurosat", tiles_per_class=20, size=16, shift="unrelated")
    rows = table(folder / "truth_parameters.csv")
    assert all(row["class"] == row["shown"] for row in rows if row["region"] != "east")
    east = [row["class"] == row["shown"] for row in rows if row["region"] == "east"]
    assert np.mean(east) < 0.3
