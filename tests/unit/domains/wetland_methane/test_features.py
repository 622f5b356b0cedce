"""Features of a day: its drivers, their means over the past of the same unit alone, and the place."""

import numpy as np
from landbridge.contract import Dataset, Variable
from landbridge.domains.wetland_methane import features


def two_units():
    warmth = np.concatenate([np.arange(40.0), [100.0, np.nan, 300.0]])
    return Dataset(
        {
            "warmth": Variable(("obs",), warmth, {"role": "input"}),
            "row_size": Variable(("unit",), np.array([40, 3], np.int32), {"role": "index"}),
            "soil_ph": Variable(("unit",), np.array([4.0, np.nan], np.float32), {"role": "static"}),
            "wetland_class": Variable(("unit",), np.array(["bog", "wet tundra"]), {"role": "static"}),
        }
    )


def test_means_reach_back_as_far_as_the_record_and_into_no_other_unit():
    ends = np.array([0, 39, 40, 41, 42])
    found = features.table(two_units(), ends, np.ones(5, int))
    np.testing.assert_allclose(found[:, 0], [0, 39, 100, np.nan, 300])
    np.testing.assert_allclose(found[:, 1], [0, 36, 100, 100, 200])  # 7 days, of what is known of them
    np.testing.assert_allclose(found[:, 2], [0, 24.5, 100, 100, 200])  # 30 days
    np.testing.assert_allclose(found[:, 3], [0, 19.5, 100, 100, 200])  # 90 days: 40 there are


def test_the_place_has_its_columns():
    found = features.table(two_units(), np.array([0, 40]), np.ones(2, int))
    np.testing.assert_allclose(found[:, 4], [4, np.nan])
    assert found[0, 5:].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert found[1, 5:].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]


def test_a_driver_unknown_all_along_stays_unknown():
    dataset = two_units()
    dataset["warmth"][:] = np.nan
    assert np.isnan(features.table(dataset, np.array([5]), np.ones(1, int))[0, :4]).all()
