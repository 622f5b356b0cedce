"""An input that is the label is found, whatever it is called; strong and honest inputs are not refused."""

import numpy as np
import pytest
from landbridge.contract import IGNORE
from landbridge.prepare import giveaways, ragged, split
from landbridge.stage import StageError
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

MODES = {"flag_values": np.array([0, 1, 2], np.uint8), "flag_meanings": "walk ride drive"}


@pytest.fixture
def parted(made):
    """The parts of honest towers."""
    dataset, settings = made.towers(20, 30), made.settings()
    return split.part(dataset, dataset, settings, 0).dataset, settings


def found(dataset, settings):
    (check,) = giveaways.label_in_inputs(dataset, settings)
    return check


def trips(made, dataset, change):
    """Towers as trips of three modes, warmth as their speed; `change(speed, mode)` of rows."""
    mode = (np.arange(len(dataset["unit_name"])) % 3).astype(np.uint8)
    mode[0] = IGNORE
    of_row = np.repeat(mode, dataset["row_size"])
    speed = change(np.abs(dataset["warmth"].astype(np.float64)), of_row).astype(np.float32)
    own = ragged.with_variables(dataset, {"mode": made.on_unit(mode, "target", **MODES)})
    return made.changed(own, warmth=speed)


# -- numbers ------------------------------------------------------------------------------------------------------


def test_correlations_equal_those_of_scipy_in_every_group_and_constants_have_none():
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(4), [150, 120, 99, 200])
    x, y = random.normal(5, 1e-6, len(group)), random.normal(size=len(group))
    y += 1e6 * x
    x[::7] = np.nan
    y[group == 3] = 2.0
    known = np.isfinite(x)
    made = giveaways.correlations(x, y, group, 4)
    for own in (0, 1):
        rows = known & (group == own)
        assert made[own] == pytest.approx(abs(pearsonr(x[rows], y[rows])[0]), abs=1e-6)
    assert np.isnan(made[2:]).all()  # too few rows, and a constant


def test_a_target_lagged_by_nothing_is_a_failure_under_any_name_and_unit(made, parted, cut):
    dataset, settings = parted
    assert found(dataset, settings)["level"] == "ok"
    leak = made.changed(dataset, light=-3 * dataset["uptake"] + 7)
    check = found(leak, settings)
    assert check["level"] == "failure"
    assert "light goes with uptake (r = 1.0000)" in check["text"]
    assert "is not there when a model is used" in check["text"]
    whole = made.towers(20, 30)
    with pytest.raises(StageError, match="light goes with uptake"):
        cut(made.changed(whole, light=whole["uptake"]), settings)


def test_a_target_with_gaps_and_another_scale_in_every_group_is_found_there(made, parted):
    dataset, settings = parted
    unit = np.repeat(np.arange(len(dataset["row_size"])), dataset["row_size"])
    scale = np.random.default_rng(1).uniform(-5, 5, len(dataset["row_size"]))
    values = (dataset["release"] * scale[unit] + 100 * scale[unit]).astype(np.float32)
    values[::11] = np.nan
    check = found(made.changed(dataset, warmth=values), settings)
    assert check["level"] == "failure" and len(check["groups"]) == len(set(dataset["group"]))
    one = np.where(unit == 3, dataset["uptake"], dataset["warmth"])
    check = found(made.changed(dataset, warmth=one), settings)
    assert (check["level"], check["groups"]) == ("failure", [str(dataset["group"][3])])


def test_yesterdays_label_and_a_strong_driver_are_no_label(made, parted):
    dataset, settings = parted
    yesterday = np.concatenate([[0], dataset["uptake"][:-1]]).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.25 * dataset["uptake"].std(), len(yesterday))
    for driver in (yesterday, (dataset["uptake"] + noise).astype(np.float32)):  # the second at r = 0.97
        assert found(made.changed(dataset, light=driver), settings)["level"] == "ok"


# -- classes ------------------------------------------------------------------------------------------------------


def test_the_area_under_the_curve_equals_that_of_scikit_learn():
    random = np.random.default_rng(0)
    values, own = random.integers(0, 20, 300).astype(float), random.random(300) < 0.3
    expected = roc_auc_score(own, values)
    assert giveaways.area(values, own) == pytest.approx(max(expected, 1 - expected))
    assert giveaways.area(values, np.zeros(300, bool)) == 0.5


def classified(settings, **changes):
    own = {"task": "classification", "targets": ["mode"], "classes": ["walk", "ride", "drive"], "quality": None}
    return {**settings, **own, **changes}


def test_a_class_as_an_input_and_a_filter_by_the_class_are_failures(made):
    dataset, settings = made.towers(60, 60), classified(made.settings())
    assert found(trips(made, dataset, lambda speed, mode: speed), settings)["level"] == "ok"
    check = found(trips(made, dataset, lambda speed, mode: mode), settings)
    assert check["level"] == "failure"
    assert "mean warmth tells every two classes apart (area under the curve 1.0000)" in check["text"]
    # The published filter: speeds outside the band of the true mode are dropped.
    low, high = np.array([0, 0.5, 1.0]), np.array([1.0, 1.5, 9.0])

    def filtered(speed, mode):
        mode = np.minimum(mode, 2)
        return np.where((speed >= low[mode]) & (speed <= high[mode]), speed, np.nan)

    check = found(trips(made, dataset, filtered), settings)
    assert check["level"] == "failure" and "warmth tells every two classes apart" in check["text"]


def test_an_input_that_tells_one_class_from_the_rest_is_a_warning(made):
    dataset, settings = made.towers(60, 60), classified(made.settings())
    walks = trips(made, dataset, lambda speed, mode: speed + 10 * (mode == 0))
    check = found(walks, settings)
    assert check["level"] == "warning"
    assert "mean warmth tells walk from all other classes (area under the curve 1.0000)" in check["text"]


def test_numbers_of_units_are_looked_at_too_and_few_units_are_said_to_be_few(made):
    dataset, settings = made.towers(60, 60), classified(made.settings(), static=["lat"])
    own = trips(made, dataset, lambda speed, mode: speed)
    leak = made.changed(own, lat=own["mode"].astype(np.float32))
    assert "lat tells every two classes apart" in found(leak, settings)["text"]
    few = trips(made, made.towers(10, 10), lambda speed, mode: mode)
    check = found(few, settings)
    assert check["level"] == "ok" and "fewer than 100 labels" in check["text"]


def test_bands_that_are_the_label_are_failures_by_pixel_and_by_image(made):
    chips = made.chips(120)
    settings = made.settings(task="segmentation", targets=["label"], classes=["no", "yes"], inputs=["reflectance"])
    assert found(chips, settings)["level"] == "ok"
    images = chips["reflectance"].copy()
    images[:, 1] = 0.3 + 0.1 * (chips["label"] == 1)
    check = found(made.changed(chips, reflectance=images), settings)
    assert check["level"] == "failure" and check["text"].startswith("green tells every two classes apart")
    cover = (np.arange(120) % 3).astype(np.uint8)
    tiles = ragged.with_variables(ragged.drop(chips, ["label"]), {"mode": made.on_unit(cover, "target", **MODES)})
    settings = classified(settings)
    assert found(tiles, settings)["level"] == "ok"
    images[:, 2, 0, 0] = 2.0 + cover
    check = found(made.changed(tiles, reflectance=images), settings)
    assert check["level"] == "failure" and "most blue tells every two classes apart" in check["text"]
