"""What was seen: clouds and their margins, quality layers, borders that no file declares."""

import numpy as np
import pytest
from landbridge.domains.satellite_imagery import valid


def test_scene_classes_and_bits():
    assert valid.clear_scl(np.arange(12)).tolist() == [c not in (0, 1, 3, 8, 9, 10) for c in range(12)]
    assert valid.clear_bits(np.array([0, 1, 2, 8, 10]), [1, 3]).tolist() == [True, True, False, False, False]


def test_a_cloud_grows_by_two_pixels():
    cloud = np.zeros((11, 11), bool)
    cloud[5, 5] = True
    grown = valid.dilated(cloud, 2)
    assert grown.sum() == 25 and grown[3:8, 3:8].all()
    assert valid.without_clouds(cloud, 2).shape == (7, 7)
    assert (~valid.without_clouds(cloud, 2)).sum() == 25
    assert (valid.dilated(cloud, 0) == cloud).all()


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("number", valid.UNDECLARED)
def test_a_border_that_all_bands_share_is_nodata(number, step):
    bands = np.random.default_rng(0).integers(300, 3000, (3, 64, 60)).astype(np.int32)
    bands[:, :, :9] = number
    found = valid.filled_cells(bands, step)
    assert set(found) == {number}
    assert found[number].shape == (64 // step, 60 // step)
    assert valid.undeclared_nodata(found[number])


def test_what_is_no_border_stays():
    bands = np.random.default_rng(0).integers(300, 3000, (3, 64, 64))
    inside = bands.copy()
    inside[:, 20:30, 20:30] = 0  # a lake that touches no edge
    assert not valid.undeclared_nodata(valid.filled_cells(inside, 1)[0])
    one = bands.copy()
    one[0, :, :9] = 0  # one band alone
    assert 0 not in valid.filled_cells(one, 1)
    few = bands.copy()
    few[:, 0, :4] = 0  # 4 of 4096 pixels
    assert not valid.undeclared_nodata(valid.filled_cells(few, 1)[0])
