"""Indices and features of chips: known answers, bands by name, pixels that were not seen."""

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.domains.satellite_imagery import baselines, features
from landbridge.domains.satellite_imagery.indices import bai, bands_of, dnbr, indices_of, nbr
from landbridge.methods.given import NotApplicable

ZERO, ONE = np.array([0]), np.ones(1, int)


def chips(bands, valid=None):
    """One chip of the bands by name, each (y, x)."""
    values = np.stack([np.asarray(own, np.float32) for own in bands.values()])[None]
    seen = np.ones(values.shape[2:], np.uint8)[None] if valid is None else np.asarray(valid, np.uint8)[None]
    return Dataset(
        {
            "band_name": Variable(("band",), np.array(list(bands))),
            "reflectance": Variable(("unit", "band", "y", "x"), values),
            "valid": Variable(("unit", "y", "x"), seen),
        }
    )


def test_known_answers():
    assert nbr(0.30, 0.10) == pytest.approx(0.5)
    assert nbr(0.10, 0.25) == pytest.approx(-0.428571, abs=1e-6)
    assert dnbr(0.30, 0.10, 0.10, 0.25) == pytest.approx(0.928571, abs=1e-6)
    assert np.isnan(nbr(0.0, 0.0))
    assert bai(0.1, 0.16) == pytest.approx(100)


def test_the_signature_of_an_offset_that_was_left_in():
    assert nbr(0.40, 0.20) == pytest.approx(0.333333, abs=1e-6)
    assert nbr(0.20, 0.35) == pytest.approx(-0.272727, abs=1e-6)
    assert dnbr(0.40, 0.20, 0.20, 0.35) == pytest.approx(0.606061, abs=1e-6)


@pytest.mark.parametrize(
    ("nir", "swir2", "expected"),
    [(0.330, 0.060, 0.692), (0.080, 0.180, -0.385), (0.055, 0.110, -0.333), (0.100, 0.090, 0.053)],
)
def test_indices_of_endmembers(nir, swir2, expected):
    assert nbr(nir, swir2) == pytest.approx(expected, abs=5e-4)


def test_dark_noise_around_zero_has_no_index():
    assert np.isnan(nbr(0.03, -0.03))
    assert np.isnan(nbr(-0.02, 0.01))


def test_bands_are_found_by_name_whatever_their_order():
    one = chips({"nir": [[0.3]], "swir2": [[0.1]]})
    other = chips({"swir2": [[0.1]], "nir": [[0.3]]})
    assert baselines.index(one, ZERO, ONE) == baselines.index(other, ZERO, ONE) == pytest.approx(-0.5)


def test_the_narrow_near_infrared_stands_in_for_the_broad_one_alone():
    assert baselines.index(chips({"nir_narrow": [[0.3]], "swir2": [[0.1]]}), ZERO, ONE) == pytest.approx(-0.5)
    both = chips({"nir_narrow": [[0.9]], "nir": [[0.3]], "swir2": [[0.1]]})
    assert baselines.index(both, ZERO, ONE) == pytest.approx(-0.5)


def test_the_index_is_the_higher_the_likelier_burned():
    burned = {"nir": [[0.10]], "swir2": [[0.25]]}
    assert baselines.index(chips(burned), ZERO, ONE) == pytest.approx(0.428571, abs=1e-6)
    before = {"nir_pre": [[0.30]], "swir2_pre": [[0.10]]}
    assert baselines.index(chips(before | burned), ZERO, ONE) == pytest.approx(0.928571, abs=1e-6)


def test_without_its_bands_there_is_no_index():
    with pytest.raises(NotApplicable, match="NBR takes nir and swir2, and the bands are red, nir"):
        baselines.index(chips({"red": [[0.1]], "nir": [[0.3]]}), ZERO, ONE)


def test_pixels_that_were_not_seen_have_no_index():
    dataset = chips({"nir": [[0.3, 0.3]], "swir2": [[0.1, 0.1]]}, valid=[[1, 0]])
    found = baselines.index(dataset, ZERO, ONE)
    assert found[0, 0, 0] == pytest.approx(-0.5)
    assert np.isnan(found[0, 0, 1])


def test_indices_are_those_whose_bands_are_there():
    assert list(indices_of(bands_of(chips({"nir": [[0.3]], "red": [[0.1]]}), ZERO))) == ["ndvi", "bai"]


def test_columns_of_pixels_by_hand():
    dataset = chips({"green": np.arange(9).reshape(3, 3)})
    found = features.pixels(dataset, ZERO, ONE)
    assert found.shape == (1, 3, 3, 3)
    assert found[0, 1, 1] == pytest.approx([4, 4, np.arange(9).std()])
    corner = np.array([0, 1, 3, 4])
    assert found[0, 0, 0] == pytest.approx([0, corner.mean(), corner.std()])


def test_a_pixel_that_was_not_seen_enters_no_neighbour():
    values = np.ones((3, 3))
    values[0, 0] = 100
    valid = np.ones((3, 3))
    valid[0, 0] = 0
    found = features.pixels(chips({"green": values}, valid), ZERO, ONE)[0]
    assert np.isnan(found[0, 0, 0])
    assert found[..., 1] == pytest.approx(np.ones((3, 3)))
    assert found[..., 2] == pytest.approx(np.zeros((3, 3)), abs=1e-6)


def test_columns_of_chips_by_hand():
    values = np.arange(21.0).reshape(3, 7)
    found = features.table(chips({"green": values}), ZERO, ONE)
    assert found[0] == pytest.approx([10, values.std(), 1, 5, 10, 15, 19], rel=1e-6)


def test_a_chip_without_a_pixel_has_columns_without_a_value():
    found = features.table(chips({"green": np.ones((2, 2))}, np.zeros((2, 2))), ZERO, ONE)
    assert np.isnan(found).all()
