"""A user's own scenes: what comes out, and each kind of bad input with its outcome."""

import csv
import json

import numpy as np
import pytest
from landbridge.io.rasters import lon_lat
from landbridge.stage import StageError

from tests.unit.domains.satellite_imagery.made import (
    CRS,
    NAMES,
    TRANSFORM,
    harmonised,
    numbers,
    read,
    scene,
    write,
    write_scene,
)

OWN = {"size": 32, "product": "sentinel2"}


def stitched(chips, what=lambda chip: chip.reflectance):
    """(..., y, x) of two lines of three chips."""
    return np.concatenate([np.concatenate([what(chip) for chip in chips[at : at + 3]], -1) for at in (0, 3)], -2)


def test_a_scene_comes_out_as_it_went_in(tmp_path):
    bands, label = write_scene(tmp_path)
    chips, counts = read("cube", tmp_path, **OWN, region="here")
    assert [chip.name for chip in chips][:2] == ["a~r00000c00000", "a~r00000c00032"] and len(chips) == 6
    np.testing.assert_allclose(stitched(chips), bands, atol=5.1e-5)
    assert (stitched(chips, lambda chip: chip.label) == label).all()
    assert chips[0].bands == ("blue", "green", "red", "nir", "swir1", "swir2") and chips[0].target == "burned"
    assert chips[0].static["event"] == "a" and chips[0].static["region"] == "here"
    assert chips[4].transform == (20.0, 0.0, 500_640.0, 0.0, -20.0, 4_599_360.0)
    assert counts["band nir: nir_narrow stands in"] == 1 and counts["offset: none is left"] == 1
    data = harmonised(tmp_path / "own.nc", chips)
    assert data["burned"].shape == (6, 32, 32) and data["band_name"].tolist() == list(chips[0].bands)
    assert data["scene_x"].dtype == np.float64 and data["georeferenced"].tolist() == [1.0] * 6


def test_bands_in_another_order_are_found_by_their_names(tmp_path):
    bands, label = scene()
    order = [5, 3, 0, 1, 4, 2]
    write(tmp_path / "a_post.tif", numbers(bands)[order], names=[NAMES[place] for place in order])
    write(tmp_path / "a_label.tif", label)
    np.testing.assert_allclose(stitched(read("cube", tmp_path, **OWN)[0]), bands, atol=5.1e-5)
    with pytest.raises(StageError, match="band 1 is swir2 in the file and blue in the list"):
        read("cube", tmp_path, **OWN, bands=list(NAMES))


def test_a_list_tells_what_nameless_bands_are(tmp_path):
    bands, _ = write_scene(tmp_path, names=None)
    with pytest.raises(StageError, match="its 6 bands have no names; write bands:"):
        read("cube", tmp_path, **OWN)
    np.testing.assert_allclose(stitched(read("cube", tmp_path, **OWN, bands=list(NAMES))[0]), bands, atol=5.1e-5)
    with pytest.raises(StageError, match="has 6 bands, and bands: lists 5"):
        read("cube", tmp_path, **OWN, bands=list(NAMES[:5]))


def test_a_band_that_is_missing_is_not_made_up(tmp_path):
    bands, label = scene()
    write(tmp_path / "a_post.tif", numbers(bands)[:5], names=NAMES[:5])
    write(tmp_path / "a_label.tif", label)
    with pytest.raises(StageError, match="no band swir2, and a missing band is not filled with zeros"):
        read("cube", tmp_path, **OWN)


def test_float64_digital_numbers_become_float32_reflectance(tmp_path):
    bands, label = scene()
    write(tmp_path / "a_post.tif", 10_000 * bands, names=NAMES)
    write(tmp_path / "a_label.tif", label)
    chips, counts = read("cube", tmp_path, size=32)
    assert counts["scale: sentinel2, guessed"] == 1 and chips[0].reflectance.dtype == np.float32
    np.testing.assert_allclose(stitched(chips), bands, rtol=1e-6)


@pytest.mark.parametrize(("factor", "product"), [(10_000, "reflectance"), (1, "sentinel2")])
def test_a_scale_mistaken_by_ten_thousand(tmp_path, factor, product):
    bands, label = scene()
    write(tmp_path / "a_post.tif", (factor * bands).astype(np.float32), names=NAMES)
    write(tmp_path / "a_label.tif", label)
    with pytest.raises(StageError, match="the factor is wrong"):
        read("cube", tmp_path, size=32, product=product)


def test_the_offset_not_taken_out_and_taken_out_twice(tmp_path):
    bands, _ = write_scene(tmp_path / "new", offset=1000)
    with pytest.raises(StageError, match="offset: suspected"):
        read("cube", tmp_path / "new", **OWN)
    chips, _ = read("cube", tmp_path / "new", **OWN, offset=-1000)
    np.testing.assert_allclose(stitched(chips), bands, atol=5.1e-5)
    chips, _ = read("cube", tmp_path / "new", size=32, product="sentinel2_04")
    np.testing.assert_allclose(stitched(chips), bands, atol=5.1e-5)
    chips, counts = read("cube", tmp_path / "new", **OWN, offset=0)
    assert counts["offset: suspected, and settled by the settings"] == 1
    bands, label = scene()
    write(tmp_path / "dark" / "a_post.tif", np.maximum(10_000 * bands, 1), names=NAMES)
    write(tmp_path / "dark" / "a_label.tif", label)
    with pytest.raises(StageError, match="taken away twice"):
        read("cube", tmp_path / "dark", **OWN, offset=-1000)


def test_pictures_for_the_eye_are_refused(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (6, 64, 96)).astype(np.uint8)
    write(tmp_path / "a_post.tif", picture, names=NAMES)
    write(tmp_path / "a_label.tif", scene()[1])
    with pytest.raises(StageError, match="pictures of 0 to 255 for the eye"):
        read("cube", tmp_path, size=32)


@pytest.mark.parametrize(("dtype", "fill"), [("uint16", 65535), ("int16", -9999), ("float64", np.nan), ("uint16", 0)])
def test_undeclared_nodata_is_not_used(tmp_path, dtype, fill):
    bands, label = scene()
    stored = (10_000 * bands).astype(dtype)
    stored[:, :, :20] = fill
    write(tmp_path / "a_post.tif", stored, names=NAMES)
    write(tmp_path / "a_label.tif", label)
    chips, counts = read("cube", tmp_path, **OWN, least_valid=0.3)
    if np.isfinite(fill):
        assert counts[f"border of undeclared nodata: {fill}"] == 1
    usable = stitched(chips, lambda chip: chip.valid)
    assert not usable[:, :20].any() and usable[:, 20:].all()
    assert np.isnan(stitched(chips)[:, :, :20]).all()
    assert (stitched(chips, lambda chip: chip.label)[:, :20] == 255).all()
    _, counts = read("cube", tmp_path, **OWN)
    assert counts["dropped: chip with under 50% usable pixels"] == 2


def test_an_empty_scene_gives_no_chip(tmp_path):
    write_scene(tmp_path)
    write(tmp_path / "b_post.tif", np.zeros((6, 64, 96), np.uint16), names=NAMES)
    write(tmp_path / "b_label.tif", np.zeros((64, 96), np.uint8))
    chips, counts = read("cube", tmp_path, **OWN)
    assert len(chips) == 6 and counts["scenes without a usable pixel"] == 1
    assert counts["dropped: chip without a usable pixel"] == 6


def test_a_truncated_file(tmp_path):
    write_scene(tmp_path)
    path = tmp_path / "a_post.tif"
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StageError, match=r"a_post\.tif: not a readable raster, or cut short"):
        read("cube", tmp_path, **OWN)


def test_a_label_on_another_grid_or_in_another_system(tmp_path):
    _, label = write_scene(tmp_path)
    a, b, x, d, e, y = TRANSFORM
    path = tmp_path / "a_label.tif"
    write(path, label.repeat(2, 0).repeat(2, 1), transform=(a / 2, b, x, d, e / 2, y))
    with pytest.raises(StageError, match="lies on another grid than its image"):
        read("cube", tmp_path, **OWN)
    chips, _ = read("cube", tmp_path, **OWN, align=True)
    assert (stitched(chips, lambda chip: chip.label) == label).all()
    write(path, label, crs="EPSG:32634")
    with pytest.raises(StageError, match="lies on another reference system"):
        read("cube", tmp_path, **OWN)


def test_labels_that_mean_nothing(tmp_path):
    _, label = write_scene(tmp_path)
    write(tmp_path / "a_label.tif", label * 7)
    with pytest.raises(StageError, match="holds the labels 7, which mean nothing here"):
        read("cube", tmp_path, **OWN)
    unknown = label.astype(np.int16)
    unknown[0, :5], unknown[1, :5] = -1, 255
    write(tmp_path / "a_label.tif", unknown)
    found = stitched(read("cube", tmp_path, **OWN)[0], lambda chip: chip.label)
    assert (found[:2, :5] == 255).all() and (found == 255).sum() == 10


def test_before_and_after_in_two_files_and_in_one(tmp_path):
    bands, label = write_scene(tmp_path / "two")
    before = scene(seed=5)[0]
    write(tmp_path / "two" / "a_pre.tif", numbers(before), names=NAMES)
    chips, _ = read("cube", tmp_path / "two", **OWN, pre=True, stack="burn3")
    assert chips[0].bands == ("nir", "swir1", "swir2", "nir_pre", "swir1_pre", "swir2_pre")
    expected = np.concatenate([bands[3:], before[3:]])
    np.testing.assert_allclose(stitched(chips), expected, atol=5.1e-5)
    both = np.concatenate([numbers(before), numbers(bands)])
    names = [*(f"{name}_pre" for name in NAMES), *NAMES]
    write(tmp_path / "one" / "a_post.tif", both)
    write(tmp_path / "one" / "a_label.tif", label)
    chips, _ = read("cube", tmp_path / "one", **OWN, pre=True, stack="burn3", bands=names)
    np.testing.assert_allclose(stitched(chips), expected, atol=5.1e-5)
    (tmp_path / "two" / "a_pre.tif").unlink()
    assert read("cube", tmp_path / "two", **OWN, pre=True)[1] == {"dropped: scene without an image before the fire": 1}
    write(tmp_path / "two" / "a_pre.tif", numbers(before), names=NAMES, crs="EPSG:32634")
    with pytest.raises(StageError, match="another reference system"):
        read("cube", tmp_path / "two", **OWN, pre=True)


def test_clouds_of_a_layer_and_of_a_file(tmp_path):
    bands, label = scene()
    classes = np.full((64, 96), 4, np.uint16)
    classes[31, 50] = 9  # at an edge of chips: its margin reaches into the one below
    write(tmp_path / "layer" / "a_post.tif", np.concatenate([numbers(bands), classes[None]]), names=(*NAMES, "SCL"))
    write(tmp_path / "layer" / "a_label.tif", label)
    write_scene(tmp_path / "file")
    write(tmp_path / "file" / "a_clouds.tif", (classes == 9).astype(np.uint8))
    for folder in ("layer", "file"):
        usable = stitched(read("cube", tmp_path / folder, **OWN)[0], lambda chip: chip.valid)
        assert (~usable).sum() == 25 and not usable[29:34, 48:53].any()
    write(tmp_path / "layer" / "a_post.tif", np.concatenate([numbers(bands), classes[None]]), names=(*NAMES, "qa"))
    with pytest.raises(StageError, match="write qa_bits"):
        read("cube", tmp_path / "layer", **OWN)
    usable = stitched(read("cube", tmp_path / "layer", **OWN, qa_bits=[0])[0], lambda chip: chip.valid)
    assert (~usable).sum() == 25


def test_a_scene_in_degrees_comes_in_metres(tmp_path):
    bands, label = scene((160, 200))
    step = 20 / 111_195
    place = {"crs": "EPSG:4326", "transform": (step, 0.0, 27.0, 0.0, -step, 1.0)}
    write(tmp_path / "a_post.tif", bands, names=NAMES, **place)
    write(tmp_path / "a_label.tif", label, **place)
    chips, counts = read("cube", tmp_path, size=32, least_valid=0.9)
    assert counts["scenes in degrees, brought to UTM"] == 1 and len(chips) >= 15
    assert {chip.static["pixel_m"] for chip in chips} == {20.0}
    burned = sum((chip.label == 1).sum() for chip in chips)
    assert burned == pytest.approx(label.sum(), rel=0.02)  # close to the equator a pixel stays one
    for chip in chips:
        centre = lon_lat(chip.crs, [chip.transform[2] + 320], [chip.transform[5] - 320])
        assert centre[0][0] == pytest.approx(chip.static["lon"]) and centre[1][0] == pytest.approx(chip.static["lat"])
        on = (chip.label == 1) & chip.valid
        if on.any():
            assert np.abs(chip.reflectance[5][on].mean() - 0.22) < 0.03


def test_an_outline_is_a_label_and_its_edge_can_be_left_out(tmp_path):
    write_scene(tmp_path)
    (tmp_path / "a_label.tif").unlink()
    x, y = (500_000 + 20 * np.array([8, 60, 60, 8, 8])), (4_600_000 - 20 * np.array([8, 8, 40, 40, 8]))
    lon, lat = lon_lat(CRS, x.tolist(), y.tolist())
    ring = [list(place) for place in zip(lon.tolist(), lat.tolist(), strict=True)]
    (tmp_path / "a_label.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    label = scene()[1]
    assert (stitched(read("cube", tmp_path, **OWN)[0], lambda chip: chip.label) == label).all()
    found = stitched(read("cube", tmp_path, **OWN, ignore_boundary=1)[0], lambda chip: chip.label)
    assert (found == 255).sum() == 2 * (52 + 32) * 2  # one pixel inside and one outside along all four sides
    assert (found[found != 255] == label[found != 255]).all()


def test_the_table_of_scenes(tmp_path):
    write_scene(tmp_path, "x")
    write_scene(tmp_path, "y", offset=1000)
    two = {"scene": "two", "image": "y_post.tif", "label": "y_label.tif", "event": "f2", "region": "e"}
    one = {"scene": "one", "image": "x_post.tif", "label": "x_label.tif", "event": "f1", "region": "w"}
    rows = [{**two, "offset": "-1000"}, {**one, "date": "2021-08-01"}]

    def table(rows):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with (tmp_path / "scenes.csv").open("w", newline="") as handle:
            writer = csv.DictWriter(handle, columns)
            writer.writeheader()
            writer.writerows(rows)

    table(rows)
    chips, _ = read("cube", tmp_path, **OWN)
    assert [chip.static["event"] for chip in chips] == ["f1"] * 6 + ["f2"] * 6
    assert chips[0].static["date"] == "2021-08-01" and chips[6].static["region"] == "e"
    np.testing.assert_allclose(chips[0].reflectance, chips[6].reflectance, atol=1e-6)
    for changed, words in (
        ({"offset": "-500"}, "offset is '-500'"),
        ({"product": "modis"}, "product is 'modis'"),
        ({"image": "../x.tif"}, "lies outside"),
        ({"scene": "one"}, "a scene comes once"),
        ({"colour": "red"}, "columns are"),
    ):
        table([{**rows[0], **changed}, rows[1]])
        with pytest.raises(StageError, match=words):
            read("cube", tmp_path, **OWN)


def test_one_scene_is_parted_on_request(tmp_path):
    write_scene(tmp_path)
    chips, _ = read("cube", tmp_path, **OWN, single_scene=True, gutter_m=100.0, block=32)
    assert [chip.static["region"] for chip in chips] == ["west", "east"] * 1
    assert [chip.static["col"] for chip in chips] == [0.0, 64.0]


def test_settings_and_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(StageError, match=r"holds neither scenes.csv nor"):
        read("cube", tmp_path)
    write_scene(tmp_path)
    for wrong, words in (
        ({"sizes": 3}, "sizes is not known; write size, least_valid"),
        ({"size": "64"}, "size is '64'"),
        ({"sensor": "modis"}, "sensor is"),
        ({"stack": "burn9"}, "stack is"),
        ({"aliases": {"nir": ["purple"]}}, "aliases: nir"),
        ({"offset": 5}, "offset is 5"),
        ({"level": "moon"}, "level is"),
    ):
        with pytest.raises(StageError, match=words):
            read("cube", tmp_path, **{**OWN, **wrong})
