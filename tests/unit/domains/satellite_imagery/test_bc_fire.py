"""The fire of British Columbia: figures of its thresholds from the raw file, halves, blocks, the map."""

import numpy as np
import pytest
import rasterio
from landbridge.domains.satellite_imagery.parted import halves_and_blocks
from landbridge.domains.satellite_imagery.reflectance import rule_of, to_reflectance
from landbridge.io.grids import Grid
from landbridge.io.maps import write_probability
from landbridge.prepare.places import near_pairs
from landbridge.stage import StageError

from tests.unit.domains.satellite_imagery.made import harmonised, numbers, read, scene, write


@pytest.fixture(scope="module")
def fire(mirror):
    return mirror / "satellite_imagery" / "bc_fire"


def whole(chips, shape):
    """Burn ratio and label of the scene, stitched from its chips; NaN and 255 beyond the last whole chip."""
    ratio, label = np.full(shape, np.nan), np.full(shape, 255, np.uint8)
    for chip in chips:
        row, col = int(chip.static["row"]), int(chip.static["col"])
        window = slice(row, row + chip.label.shape[0]), slice(col, col + chip.label.shape[1])
        nir, _, swir2 = chip.reflectance.astype(float)
        ratio[window], label[window] = (nir - swir2) / (nir + swir2), chip.label
    return ratio, label


def overlap(ratio, label, threshold):
    """Intersection over union of what lies below a threshold and what burned."""
    known, burned = np.isfinite(ratio) & (label != 255), label == 1
    below = known & (ratio < threshold)
    return (below & burned).sum() / (below | (burned & known)).sum()


def best(ratio, label):
    thresholds = np.arange(-0.1, 0.2, 0.005)
    found = [overlap(ratio, label, threshold) for threshold in thresholds]
    return thresholds[int(np.argmax(found))], max(found)


def test_the_thresholds_of_the_raw_file(fire):
    """Published figures of the brief, section 7, to which the offset must be taken out: IoU 0.795 with it left in."""
    with rasterio.open(fire / "C50929_mrap_prepost.bin") as handle:
        raw = handle.read()
    with rasterio.open(fire / "C50929_hint_bcws_perimeter.bin") as handle:
        burned = handle.read(1).astype(np.uint8)
    assert [round(float(low)) for low in raw.min(axis=(1, 2))] == [1050, 1079, 1157]
    assert burned.sum() == 137_081
    swir2, _, nir = to_reflectance(raw, rule_of("sentinel2", -1000)).astype(float)
    ratio = (nir - swir2) / (nir + swir2)
    middle = ratio.shape[1] // 2
    west, east = (ratio[:, :middle], burned[:, :middle]), (ratio[:, middle:], burned[:, middle:])
    assert best(ratio, burned)[1] == pytest.approx(0.790, abs=0.0006)
    in_west, of_west = best(*west)
    in_east, of_east = best(*east)
    assert of_west == pytest.approx(0.827, abs=0.0006) and of_east == pytest.approx(0.779, abs=0.0006)
    assert overlap(*east, in_west) == pytest.approx(0.731, abs=0.0006)
    assert overlap(*west, in_east) == pytest.approx(0.794, abs=0.0006)


def test_the_reader_gives_the_pixels_of_the_raw_file(fire):
    chips, counts = read("bc_fire", fire, size=128, gutter_m=0.0)
    assert counts["band nir: water_vapour stands in"] == 1
    assert chips[0].bands == ("nir", "swir1", "swir2") and chips[0].static["date"] == "2026-08-10"
    ratio, label = whole(chips, (429, 712))
    with rasterio.open(fire / "C50929_mrap_prepost.bin") as handle:
        swir2, _, nir = (handle.read().astype(float) - 1000) / 10_000
    known = np.isfinite(ratio)
    assert known[:384, :256].all() and not known[384:].any()
    np.testing.assert_allclose(ratio[known], ((nir - swir2) / (nir + swir2))[known], atol=2e-5)
    with rasterio.open(fire / "C50929_hint_bcws_perimeter.bin") as handle:
        assert (label[known] == handle.read(1)[known]).all()


@pytest.mark.parametrize("size", [32, 64])
def test_halves_lie_a_kilometre_apart_and_so_do_blocks(fire, size):
    chips, counts = read("bc_fire", fire, size=size)
    regions = np.array([chip.static["region"] for chip in chips])
    assert set(regions) == {"west", "east"}
    ends = max(chip.static["col"] + size for chip in chips if chip.static["region"] == "west")
    begins = min(chip.static["col"] for chip in chips if chip.static["region"] == "east")
    assert (begins - ends) * 19.987 >= 1000
    lat, lon = (np.array([chip.static[name] for chip in chips]) for name in ("lat", "lon"))
    blocks = np.array([chip.static["block"] for chip in chips])
    assert len(near_pairs(lat, lon, blocks, 1.0)[0]) == 0
    assert len(set(blocks[regions == "east"])) >= 8
    assert counts["dropped: chip in a gutter between parts of the scene"] > 0


def test_the_offset_is_found_where_nobody_settles_it(fire):
    with pytest.raises(StageError, match="offset: suspected"):
        read("bc_fire", fire, offset="auto")


def test_from_the_raw_file_to_a_map_and_back(fire, tmp_path):
    """Through the harmonised file: probabilities of chips lie on the pixels of the scene, transform and all."""
    data = harmonised(tmp_path / "fire.nc", read("bc_fire", fire)[0])
    scene_grid = Grid(
        str(data["crs_wkt"][0]),
        (*data["transform"][0][:2], data["scene_x"][0], *data["transform"][0][3:5], data["scene_y"][0]),
        int(data["scene_rows"][0]),
        int(data["scene_cols"][0]),
    )
    pieces = [
        (str(name), Grid(str(crs), tuple(transform), 64, 64), image[0])
        for name, crs, transform, image in zip(
            data["unit_name"], data["crs_wkt"], data["transform"], data["reflectance"], strict=True
        )
    ]
    write_probability(tmp_path / "map.tif", scene_grid, pieces, {})
    with rasterio.open(tmp_path / "map.tif") as made, rasterio.open(fire / "C50929_mrap_prepost.bin") as raw:
        assert made.transform == raw.transform and made.crs == raw.crs and made.shape == raw.shape
        found, expected = made.read(1), ((raw.read(3).astype(float) - 1000) / 10_000).astype(np.float32)
        known = np.isfinite(found)
        assert known.sum() == 60 * 64 * 64
        np.testing.assert_array_equal(found[known], expected[known])


def test_blocks_without_gutters_where_chips_are_large():
    grid = Grid("EPSG:32633", (20.0, 0.0, 0.0, 0.0, -20.0, 0.0), 256, 512)
    place = halves_and_blocks("s", grid, 64, block=128, gutter_m=0.0)
    assert place(0, 0) == ("west", "s west 00-00") and place(64, 64) == ("west", "s west 00-00")
    assert place(128, 192) == ("west", "s west 01-01") and place(0, 256) == ("east", "s east 00-02")


def test_files_that_are_missing(tmp_path):
    with pytest.raises(StageError, match="holds no C<number>"):
        read("bc_fire", tmp_path)
    bands, label = scene()
    write(tmp_path / "C1_x_prepost.bin", numbers(bands[:3], 1000), names=("B12", "B11", "B9"), driver="ENVI")
    with pytest.raises(StageError, match="holds 0 files"):
        read("bc_fire", tmp_path)
    write(tmp_path / "C1_x_perimeter.bin", label, driver="ENVI")
    with pytest.raises(StageError, match="sise is not known; write size, least_valid"):
        read("bc_fire", tmp_path, sise=32)
