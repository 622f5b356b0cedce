"""EuroSAT: the hundred published tiles, and tiles made by hand with every kind of fault."""

import shutil
from collections import Counter

import numpy as np
import pytest
import rasterio
from landbridge.domains.satellite_imagery import eurosat
from landbridge.domains.satellite_imagery.bands import EUROSAT, L1C
from landbridge.domains.satellite_imagery.eurosat import CLASSES
from landbridge.io.rasters import lon_lat
from landbridge.stage import StageError
from rasterio.transform import Affine

from tests.unit.domains.satellite_imagery.made import VARIABLES, harmonised, read, write

# In the order of names: B01 to B12 with B8A after B08. Means of the published tiles in digital numbers.
MEANS = [1344, 1100, 1015, 917, 1177, 2006, 2381, 2312, 2623, 726, 12, 1848, 1119]


@pytest.fixture(scope="module")
def published(mirror):
    return mirror / "satellite_imagery" / "eurosat"


@pytest.fixture(scope="module")
def tiles(published):
    return read("eurosat", published)


def test_the_means_of_the_published_bands(tiles):
    chips, _ = tiles
    assert len(chips) == 100 and chips[0].reflectance.shape == (13, 64, 64)
    means = np.mean([chip.reflectance.mean(axis=(1, 2), dtype=float) for chip in chips], axis=0)
    np.testing.assert_allclose(10_000 * means, MEANS, atol=0.6)
    assert chips[0].bands.index("cirrus") == 10 and chips[0].bands.index("nir_narrow") == 8


def test_the_order_of_the_catalogue_is_refused(published):
    with pytest.raises(StageError, match=r"contradict their order: cirrus .* must lie far below"):
        read("eurosat", published, bands=list(L1C))


def test_west_gap_and_east(tiles):
    chips, counts = tiles
    assert (counts["tiles: west"], counts["tiles: gap"], counts["tiles: east"]) == (60, 4, 36)
    lon = {name: [c.static["lon"] for c in chips if c.static["region"] == name] for name in ("west", "gap", "east")}
    assert max(lon["west"]) < min(lon["gap"]) and min(lon["east"]) - max(lon["west"]) >= 2
    of_class = Counter(CLASSES[int(chip.label)] for chip in chips if chip.static["region"] == "east")
    assert sum(of_class.values()) == 36
    assert sorted(of_class.values())[:3] == [1, 1, 1] and len(of_class) == 10


def test_columns_of_the_published_tiles(tiles, tmp_path):
    chips, _ = tiles
    assert [chip.name for chip in chips] == sorted(chip.name for chip in chips)
    for chip in chips:
        assert chip.static["block"] == chip.static["event"]
        south, west = (float(part) for part in chip.static["block"].split())
        assert south <= chip.static["lat"] < south + 0.5 and west <= chip.static["lon"] < west + 0.5
        assert chip.static["level"] == "top_of_atmosphere" and chip.valid.all()
        assert -8 < chip.static["lon"] < 33 and 35 < chip.static["lat"] < 60
    data = harmonised(tmp_path / "eurosat.nc", chips)
    assert data["land_cover"].shape == (100,) and np.bincount(data["land_cover"]).tolist() == [10] * 10
    assert data.variables["land_cover"].attributes["role"] == "target"
    assert "surface" not in str(data.variables["reflectance"].attributes)


# Tiles made by hand.


def make(folder, count=6, *, order=EUROSAT, x=500_000.0, **options):
    """Tiles of two classes, 5 km apart, with the means of the published ones."""
    means = dict(zip(L1C, MEANS, strict=True))
    random = np.random.default_rng(0)
    for number in range(count):
        values = np.stack([means[code] * random.uniform(0.9, 1.1, (64, 64)) for code in order])
        word = ("Forest", "River")[number % 2]
        transform = (10.0, 0.0, x + 5_000 * number, 0.0, -10.0, 5_000_000.0)
        path = folder / "deep" / word / f"{word}_{number}.tif"
        write(path, options.get("change", lambda v: v)(values).astype(np.uint16), transform=transform)


def test_tiles_in_another_order_need_a_list(tmp_path):
    make(tmp_path, order=L1C)
    with pytest.raises(StageError, match="contradict their order"):
        read("eurosat", tmp_path)
    chips, _ = read("eurosat", tmp_path, bands=list(L1C))
    assert chips[0].reflectance[10].mean() == pytest.approx(0.0012, abs=1e-4)


def test_a_band_that_is_missing(tmp_path):
    make(tmp_path, order=EUROSAT[:-1])
    with pytest.raises(StageError, match="has 12 bands, and bands: lists 13"):
        read("eurosat", tmp_path)
    with pytest.raises(StageError, match="no band water_vapour"):
        read("eurosat", tmp_path, bands=["skip" if code == "B09" else code for code in EUROSAT[:-1]])


def test_one_tile_of_fewer_bands_that_no_sample_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(eurosat, "LOOKED_AT", 2)  # of six tiles the first and the fourth
    make(tmp_path)
    write(tmp_path / "deep" / "Forest" / "Forest_2.tif", np.full((12, 64, 64), 900, np.uint16))
    with pytest.raises(StageError, match=r"Forest_2\.tif: has 12 bands, and bands: lists 13"):
        read("eurosat", tmp_path)


def test_a_border_without_data_is_seen_and_an_empty_tile_dropped(tmp_path):
    def border(values):
        values[:, :, :20] = 0
        return values

    make(tmp_path / "a", change=border)
    chips, counts = read("eurosat", tmp_path / "a")
    assert counts["tiles with a border of undeclared nodata: 0"] == 6
    assert not chips[0].valid[:, :20].any() and chips[0].valid[:, 20:].all()
    assert np.isnan(chips[0].reflectance[:, :, :20]).all()
    make(tmp_path / "b", count=5)
    path = tmp_path / "b" / "deep" / "River" / "River_1.tif"
    write(path, np.zeros((13, 64, 64), np.uint16))
    chips, counts = read("eurosat", tmp_path / "b")
    assert len(chips) == 4 and counts["dropped: chip without a usable pixel"] == 1


def test_neighbours_in_two_blocks_are_dropped(tmp_path):
    """Tiles on both sides of 15 degrees east, an edge of blocks, 640 m apart; one more lies 5 km to the east."""
    lon, _ = lon_lat("EPSG:32633", [500_000.0], [5_000_000.0])
    assert lon[0] == pytest.approx(15.0)
    make(tmp_path, count=2, x=500_000.0)
    path = tmp_path / "deep" / "Forest" / "Forest_9.tif"
    shutil.copy(tmp_path / "deep" / "Forest" / "Forest_0.tif", path)
    with rasterio.open(path, "r+") as handle:
        handle.transform = Affine(10.0, 0.0, 500_000.0 - 640, 0.0, -10.0, 5_000_000.0)
    chips, counts = read("eurosat", tmp_path)
    assert counts["dropped: within 1 km of a tile in another block"] == 1
    assert [chip.name for chip in chips] == ["Forest_0", "River_1"]


def test_faults_of_the_folder(tmp_path):
    with pytest.raises(StageError, match="holds no <Class>"):
        read("eurosat", tmp_path)
    make(tmp_path)
    (tmp_path / "deep" / "._x.tif").write_bytes(b"")
    assert read("eurosat", tmp_path)[1]["hidden files, skipped"] == 1
    whole = (tmp_path / "deep" / "River" / "River_1.tif").read_bytes()
    (tmp_path / "deep" / "River" / "River_1.tif").write_bytes(whole[:3000])
    with pytest.raises(StageError, match=r"River_1\.tif: not a readable raster, or cut short"):
        read("eurosat", tmp_path)
    (tmp_path / "deep" / "River" / "River_1.tif").rename(tmp_path / "deep" / "River" / "Sea_1.tif")
    with pytest.raises(StageError, match="folder named like its class"):
        read("eurosat", tmp_path)


def test_classes_have_the_order_of_the_alphabet():
    words = VARIABLES["land_cover"]["flag_meanings"].split()
    assert [word.replace("_", "") for word in words] == [name.lower() for name in CLASSES]
    assert list(CLASSES) == sorted(CLASSES)
