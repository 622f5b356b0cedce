"""Images that show the same ground: planted overlaps, neighbours that only touch, and what the audit says."""

import numpy as np
import pytest
from landbridge.contract import Variable
from landbridge.io.rasters import lon_lat
from landbridge.prepare import duplicates, footprints, join
from landbridge.stage import StageError
from rasterio.warp import transform

SIDE = 20.0 * 4  # m, of the chips of `made.chips`


def placed(made, corners, *, systems=None, parts=None, pixel=20.0, level=None):
    """Chips whose north-western corners are given, each in a part of its own unless told."""
    count = len(corners)
    chips = made.chips(count)
    numbers = [(pixel, 0.0, x, 0.0, -pixel, y) for x, y in corners]
    variables = dict(chips.variables)
    variables["transform"] = Variable(("unit", "six"), np.array(numbers), {"role": "index", "long_name": "transform"})
    columns = {
        "crs_wkt": systems or ["EPSG:32633"] * count,
        "part": parts or [f"part{number}" for number in range(count)],
        "group": [f"fire{number}" for number in range(count)],
        "level": level or ["surface"] * count,
    }
    for name, values in columns.items():
        variables[name] = Variable(("unit",), np.asarray(values), {"role": "index", "long_name": name})
    return type(chips)(variables, chips.attributes)


SETTINGS = {"split": {"rule": "whole_groups"}, "budget_axis": "groups"}


def pairs(parted):
    return footprints.overlaps(parted, np.asarray(parted["part"]))[0]


def test_neighbours_touch_and_do_not_overlap(made):
    x, y = 500_000.0, 5_000_000.0
    grid = [(x + SIDE * col, y - SIDE * row) for row in range(3) for col in range(3)]
    assert pairs(placed(made, grid)) == []


@pytest.mark.parametrize("shift", [(40.0, 0.0), (0.0, -79.0), (60.0, 60.0), (0.0, 0.0)])
def test_a_planted_overlap_fails_the_audit(made, shift):
    x, y = 500_000.0, 5_000_000.0
    parted = placed(made, [(x, y), (x + shift[0], y + shift[1]), (x + 5_000, y)])
    assert pairs(parted) == [(0, 1)]
    (result,) = footprints.overlapping_footprints(parted, SETTINGS)
    assert result["level"] == "failure" and result["groups"] == ["fire0", "fire1"]
    together = placed(made, [(x, y), (x + shift[0], y + shift[1])], parts=["target_pool", "target_pool"])
    (result,) = footprints.overlapping_footprints(together, SETTINGS)
    assert result["level"] == "ok" and "2 of 2 images" in result["text"]


def test_overlaps_are_found_across_reference_systems(made):
    """At 18 degrees east zone 33 ends: what lies 60 m apart in one zone overlaps seen from the other."""
    lon, lat = 18.0, 45.0
    (x,), (y,) = transform("EPSG:4326", "EPSG:32633", [lon], [lat])
    (other_x,), (other_y,) = transform("EPSG:32633", "EPSG:32634", [x + 60.0], [y])
    systems = ["EPSG:32633", "EPSG:32634"]
    assert pairs(placed(made, [(x, y), (other_x, other_y)], systems=systems)) == [(0, 1)]
    (far_x,), (far_y,) = transform("EPSG:32633", "EPSG:32634", [x + 300.0], [y])
    assert pairs(placed(made, [(x, y), (far_x, far_y)], systems=systems)) == []


def test_images_without_a_place_are_compared_with_none(made):
    parted = placed(made, [(0.0, 0.0), (0.0, 0.0)], systems=["", ""])
    assert footprints.overlaps(parted, np.array(["a", "b"])) == ([], 0)
    mixed = placed(made, [(500_000.0, 5e6), (0.0, 0.0)], systems=["EPSG:32633", ""])
    assert footprints.overlaps(mixed, np.array(["a", "b"])) == ([], 1)


def test_across_the_date_line(made):
    """Fiji: corners on both sides of 180 degrees, in zones 60 and 1."""
    (x,), (y,) = transform("EPSG:4326", "EPSG:32760", [179.9998], [-17.0])
    (other_x,), (other_y,) = transform("EPSG:32760", "EPSG:32701", [x + 30.0], [y - 30.0])
    lon, _ = lon_lat("EPSG:32760", [x + SIDE], [y])
    assert lon[0] < 0
    systems = ["EPSG:32760", "EPSG:32701"]
    assert pairs(placed(made, [(x, y), (other_x, other_y)], systems=systems)) == [(0, 1)]


def test_levels_of_reflectance_are_not_mixed(made):
    corners = [(500_000.0, 5e6), (600_000.0, 5e6)]
    (result,) = footprints.one_level(placed(made, corners))
    assert result["level"] == "ok"
    (result,) = footprints.one_level(placed(made, corners, level=["surface", "top_of_atmosphere"]))
    assert result["level"] == "failure" and "surface, top_of_atmosphere" in result["text"]


def test_one_image_in_two_encodings_is_a_copy(made):
    chips = made.chips(6, size=16)
    image = chips["reflectance"].copy()
    image[4] = np.round(image[1], 2) + 0.001  # other digits, and a pixel is missing
    image[4, :, 0, 0] = np.nan
    image[5] = image[0] + 0.2  # of another level: as a haze makes it, or another scene
    water = 0.02 + 0.001 * np.random.default_rng(1).normal(size=(2, 3, 16, 16))
    image[2], image[3] = water.astype(np.float32)
    side = np.array(["a", "a", "a", "b", "b", "b"])
    found = duplicates.copied_chips(made.changed(chips, reflectance=image), side)
    assert found == {(1, 4): (1, 0)}


def test_bands_of_source_and_target_must_be_the_same(made):
    chips = made.chips(4)
    other = made.changed(chips, band_name=np.array(["green", "red", "blue"]))
    with pytest.raises(StageError, match="band_name: is red, green, blue in the source and green, red, blue"):
        join.join(chips, other)
    assert len(join.join(chips, chips)["unit_name"]) == 8
