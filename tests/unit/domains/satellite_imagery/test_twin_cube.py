"""Fires as files: what each format holds, and that an index threshold of dry forest fails on peat."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform_bounds

from tests.unit.domains.satellite_imagery.twins import (
    beside,
    burn_ratio,
    layer,
    megabytes,
    overlap,
    reflectance,
    table,
    write,
)

PURE_L2A = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("twin") / "fires", dataset="twin_fires")


@pytest.fixture(scope="module")
def events(folder):
    return {row["event"]: row for row in table(folder / "scenes.csv")}


def opened(folder, row, name="post"):
    return rasterio.open(folder / beside(row, name))


def test_the_default_size(folder, events):
    assert Counter(row["region"] for row in events.values()) == {"north": 5, "med": 4, "peat": 12}
    assert megabytes(folder) < 20
    roles = ("pre", "post", "label", "severity", "clouds_pre", "clouds")
    listed = {beside(row, role) for row in events.values() for role in roles}
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.parent != folder}
    assert {name for name in written if not name.endswith(".hdr")} == listed


def test_the_table_names_the_files_of_each_fire(folder, events):
    roles = {"image": "post", "before": "pre", "label": "label", "clouds": "clouds", "truth": "label"}
    for event, row in events.items():
        assert row["scene"] == event and row["region"] == event.split("_")[0] and row["level"] == "surface"
        for role, name in roles.items():
            assert row[role] == beside(row, name) and (folder / row[role]).is_file()


def test_north_has_whole_numbers_with_the_offset_of_newer_processing(folder, events):
    with opened(folder, events["north_01"]) as handle:
        assert (handle.crs.to_epsg(), handle.dtypes[0], handle.nodata) == (32610, "uint16", 0)
        assert handle.descriptions == PURE_L2A and handle.res == (20, 20) and handle.shape == (128, 128)
        infrared = handle.read([11, 12])
    assert np.quantile(infrared, 0.001, axis=(1, 2)).min() > 800
    assert events["north_01"]["product"] == "sentinel2_04"


def test_one_file_has_its_bands_in_another_order_with_right_names(folder, events):
    with opened(folder, events["north_02"]) as handle:
        assert sorted(handle.descriptions) == sorted(PURE_L2A) and handle.descriptions != PURE_L2A
        means = dict(zip(handle.descriptions, handle.read().mean(axis=(1, 2)), strict=True))
    assert means["B02"] < means["B11"] < means["B8A"]  # as green ground has it
    assert means["B01"] < means["B05"] < means["B06"] < means["B8A"]


def test_landsat_has_six_bands_of_30_m_over_as_much_ground(folder, events):
    row = events["north_03"]
    with opened(folder, row) as handle:
        assert handle.descriptions == ("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7")
        assert handle.res == (30, 30) and handle.shape == (85, 85)
        values = 2.75e-5 * handle.read() - 0.2
    assert 0 < np.median(values) < 0.4 and (row["product"], row["sensor"]) == ("landsat_c2_l2", "landsat89")


def test_the_mediterranean_is_float64_with_borders_that_no_file_declares(folder, events):
    with opened(folder, events["med_01"]) as handle:
        assert (handle.crs.to_epsg(), handle.dtypes[0], handle.nodata) == (4326, "float64", None)
        values = handle.read()
        metres = np.array(handle.res) * 111_320 * np.array([np.cos(np.radians(39.9)), 1])
    assert metres == pytest.approx([20, 20])
    border = (values == 0).all(axis=0)
    assert 0.001 < border.mean() < 0.1 and not (values[:, ~border] == 0).any()
    assert 200 < np.median(values) < 4000 and np.array_equal(values, np.round(values))
    with opened(folder, events["med_02"]) as handle:
        assert (handle.crs.to_epsg(), handle.dtypes[0], handle.nodata) == (32629, "float64", None)
        missing = np.isnan(handle.read())
    assert missing.any() and np.array_equal(missing.all(axis=0), missing.any(axis=0))


def test_peat_is_int16_with_aslant_borders_that_differ_between_the_images(folder, events):
    borders = {}
    for role in ("pre", "post"):
        with opened(folder, events["peat_01"], role) as handle:
            assert (handle.crs.to_epsg(), handle.dtypes[0], handle.nodata) == (32749, "int16", -9999)
            borders[role] = (handle.read() == -9999).all(axis=0)
    assert not np.array_equal(borders["pre"], borders["post"])
    rows = borders["post"].sum(axis=1)
    assert borders["post"].any() and rows.min() < rows.max()


def test_one_fire_is_written_as_envi_like_the_composites_of_british_columbia(folder, events):
    row = events["north_05"]
    with opened(folder, row) as handle:
        assert (handle.driver, handle.crs.to_epsg(), handle.dtypes[0], handle.nodata) == ("ENVI", 3005, "float32", None)
        assert [text.split(": ")[1] for text in handle.descriptions] == ["B12 2190nm", "B11 1610nm", "B9 945nm"]
        assert row["date"].replace("-", "") in handle.descriptions[0]
        assert handle.read().min() > 800
    with opened(folder, row, "label") as handle:
        assert handle.dtypes[0] == "float32" and set(np.unique(handle.read())) == {0, 1}
    assert str(folder) not in (folder / "north_05" / "post.hdr").read_text()


def test_truth_lies_apart_on_the_grid_of_the_images(folder, events):
    for row in events.values():
        with opened(folder, row) as image:
            for name in ("pre", "label", "severity", "clouds_pre", "clouds"):
                with opened(folder, row, name) as handle:
                    assert (handle.transform, handle.crs, handle.shape) == (image.transform, image.crs, image.shape)
        label, severity = layer(folder, row, "label"), layer(folder, row, "severity")
        assert 0 < label.mean() < 0.6 and set(np.unique(label)) == {0, 1}
        told = np.abs(severity - 0.2) > 6e-4  # severity is written with three digits
        assert np.array_equal(label[told] == 1, severity[told] > 0.2)


def test_no_two_fires_share_ground(folder, events):
    boxes = []
    for row in events.values():
        with opened(folder, row) as handle:
            boxes.append(transform_bounds(handle.crs, "EPSG:4326", *handle.bounds))
    for (west, south, east, north), other in combinations(boxes, 2):
        assert east < other[0] or other[2] < west or north < other[1] or other[3] < south


def ratios(folder, rows):
    """NBR after the fire, its drop since before, and label of all pixels that cloud masks leave, in one array each."""
    found = []
    for row in rows:
        after, before = (burn_ratio(*reflectance(folder, row, role)) for role in ("image", "before"))
        seen = (layer(folder, row, "clouds") == 0) & (layer(folder, row, "clouds_pre") == 0)
        seen &= np.isfinite(after) & np.isfinite(before)
        found.append((after[seen], (before - after)[seen], layer(folder, row, "label")[seen] == 1))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def best(index, label):
    """Threshold under which an index means burned, chosen by IoU, and that IoU."""
    scores = {limit: overlap(index < limit, label) for limit in np.linspace(-1, 1, 101)}
    limit = max(scores, key=scores.get)
    return limit, scores[limit]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_best_threshold_of_dry_forest_fails_on_peat(tmp_path, folder, seed):
    if seed != 1:
        folder = write(tmp_path / "other", dataset="twin_fires", seed=seed, peat=6, envi=False)
    rows = table(folder / "scenes.csv")
    after, drop, label = ratios(folder, [row for row in rows if row["region"] != "peat"])
    peat_after, peat_drop, peat_label = ratios(folder, [row for row in rows if row["region"] == "peat"])
    limit, source = best(after, label)
    moved, refit = overlap(peat_after < limit, peat_label), best(peat_after, peat_label)[1]
    assert source > 0.5
    assert refit - moved > 0.1 and source - moved > 0.3
    # The difference of two images does better, and loses as well.
    limit, source = best(-drop, label)
    assert source > 0.6
    assert source - overlap(-peat_drop < limit, peat_label) > 0.1


def test_the_ceiling_is_told_for_each_fire(folder, events):
    rows = table(folder / "truth_parameters.csv")
    assert [row["event"] for row in rows] == list(events)
    assert all(0.9 < float(row["ceiling_iou"]) <= 1 for row in rows)
    assert all(row["date_pre"] < events[row["event"]]["date"] for row in rows)
    smoke = {row["event"]: float(row["smoke_depth"]) for row in rows}
    assert {event for event, depth in smoke.items() if depth} == {event for event in smoke if event[:4] == "peat"}


def test_unrelated_fires_stand_out_by_no_drop_of_the_ratio(tmp_path):
    folder = write(tmp_path / "unrelated", shift="unrelated", size=64, north=2, med=1, peat=3, envi=False)
    rows = table(folder / "scenes.csv")
    drops = {}
    for region in ("north", "peat"):
        _, drop, label = ratios(folder, [row for row in rows if row["region"] == region])
        drops[region] = np.median(drop[label]) - np.median(drop[~label])
    assert drops["north"] > 0.35
    assert drops["peat"] < 0.25
