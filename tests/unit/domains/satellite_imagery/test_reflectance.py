"""Reflectance: known numbers of each product, and what the detector says of offsets and factors."""

from dataclasses import replace

import numpy as np
import pytest
from landbridge.domains.satellite_imagery import reflectance
from landbridge.domains.satellite_imagery.reflectance import PRODUCTS, check_reflectance, rule_of, to_reflectance
from landbridge.stage import StageError

BANDS = ("nir", "swir1", "swir2")


def land(dark=0.01, seed=0, size=5000):
    """(band, n) reflectance whose darkest pixels are known."""
    random = np.random.default_rng(seed)
    values = random.uniform(dark + 0.02, dark + 0.4, (3, size))
    values[:, :50] = dark
    return values


@pytest.mark.parametrize(
    ("product", "number", "expected"),
    [
        ("landsat_c2_l2", 20000, 0.35),
        ("sentinel2_04", 1452, 0.0452),
        ("sentinel2_before_04", 1452, 0.1452),
        ("sentinel2_harmonised", 1452, 0.1452),
        ("hls", 1452, 0.1452),
        ("reflectance", 0.25, 0.25),
        ("sentinel2", 0, np.nan),
        ("sentinel2_04", 65535, np.nan),
        ("hls", -9999, np.nan),
        ("landsat_c2_l2", 0, np.nan),
        ("sentinel2_04", 600, -0.04),  # noise over dark ground stays
        ("sentinel2_04", 400, np.nan),
    ],
)
def test_known_numbers(product, number, expected):
    found = to_reflectance(np.array([number]), rule_of(product))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_a_burn_ratio_with_the_offset_left_in_has_its_signature():
    def ratio(nir, swir2):
        return (nir - swir2) / (nir + swir2)

    raw = np.array([[3000, 1000], [1000, 2500]])  # before, after: nir, swir2
    right = to_reflectance(raw + 1000, rule_of("sentinel2_04")).astype(float)
    wrong = to_reflectance(raw + 1000, rule_of("sentinel2_before_04")).astype(float)
    assert ratio(*right[0]) == pytest.approx(0.5) and ratio(*right[1]) == pytest.approx(-0.428571, abs=1e-6)
    assert ratio(*wrong[0]) == pytest.approx(0.333333, abs=1e-6)
    assert ratio(*wrong[1]) == pytest.approx(-0.272727, abs=1e-6)
    assert ratio(*wrong[0]) - ratio(*wrong[1]) == pytest.approx(0.606061, abs=1e-6)


def test_an_offset_that_is_not_taken_out_is_suspected_and_the_setting_named():
    sample = land(dark=0.11)
    with pytest.raises(StageError, match=r"offset: suspected.*offset: -1000.*offset: 0"):
        check_reflectance(sample, BANDS, PRODUCTS["sentinel2"], "scene")
    with pytest.raises(StageError, match="offset: suspected"):  # divided by 10,000 already, and called reflectance
        check_reflectance(sample, BANDS, PRODUCTS["reflectance"], "scene")
    told = check_reflectance(sample, BANDS, rule_of("sentinel2", 0), "scene")
    assert told == "offset: suspected, and settled by the settings"
    assert check_reflectance(land(), BANDS, PRODUCTS["sentinel2"], "scene") == "offset: none is left"


def test_an_offset_that_is_taken_out_twice_is_refused():
    with pytest.raises(StageError, match=r"taken away twice; write offset: 0"):
        check_reflectance(land() - 0.1, BANDS, rule_of("sentinel2", -1000), "scene")


def test_fill_is_no_offset():
    sample = land()
    sample[:, :100] = -0.9999
    assert check_reflectance(sample, BANDS, rule_of("reflectance", 0), "scene") == "offset: none is left"


@pytest.mark.parametrize("factor", [1e4, 1e-4])
def test_a_factor_that_is_wrong_by_ten_thousand_is_refused(factor):
    with pytest.raises(StageError, match="factor is wrong"):
        check_reflectance(factor * land(), BANDS, PRODUCTS["reflectance"], "scene")


def test_products_are_guessed_by_brightness():
    assert reflectance.guess_product(land(), "scene") == "reflectance"
    assert reflectance.guess_product(1e4 * land(), "scene") == "sentinel2"
    with pytest.raises(StageError, match="neither reflectance"):
        reflectance.guess_product(20 * land(), "scene")


def test_pictures_for_the_eye():
    picture = np.random.default_rng(0).integers(0, 256, (3, 1000))
    assert reflectance.is_visual(["uint8"], picture.astype(float))
    assert reflectance.is_visual(["float64"], picture.astype(float))
    assert not reflectance.is_visual(["uint16"], np.round(1e4 * land()))
    assert not reflectance.is_visual(["float32"], land())


def test_settings_of_the_rule():
    assert rule_of("sentinel2", -1000).added == -1000
    assert rule_of("reflectance", -1000).offset == -0.1
    assert rule_of("sentinel2") == replace(PRODUCTS["sentinel2"])
    for product, offset, words in (("landsat", "auto", "product is"), ("sentinel2", 1000, "offset is")):
        with pytest.raises(StageError, match=words):
            rule_of(product, offset)
