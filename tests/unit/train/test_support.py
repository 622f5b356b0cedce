"""Support windows: of the same unit, none shares a step with the window to predict, and none is another unit's."""

import numpy as np
import pytest
import torch
from landbridge.contract import Dataset, Variable
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

LENGTH = 5


def samples(sizes, support=3, gap=None):
    time = np.concatenate([np.arange(size) for size in sizes])
    values = np.arange(sum(sizes), dtype=np.float32)
    if gap is not None:
        values[gap] = np.nan
    dataset = Dataset(
        {
            "unit_name": Variable(("unit",), np.array([f"u{i}" for i in range(len(sizes))])),
            "row_size": Variable(("unit",), np.array(sizes, np.int32)),
            "time": Variable(("obs",), time, {"units": "days since 1970-01-01"}),
            "a": Variable(("obs",), values),
        }
    )
    layout = Layout("regression", "series", "day", ("y",), ("a",), length=LENGTH, support=support)
    return Samples(dataset, layout)


@pytest.mark.parametrize(("sizes", "gap"), [((40, 23, 12), None), ((60, 31), slice(17, 20)), ((15, 16, 100), 50)])
def test_no_overlap_and_no_other_unit(sizes, gap):
    own = samples(sizes, gap=gap)
    every = torch.arange(LENGTH - 1, sum(sizes))
    unit = own.tensors.stored.unit
    ends = every[unit[every] == unit[every - LENGTH + 1]]
    beside, known = own.tensors.support.ends(ends, own.tensors.units(ends))
    assert beside.shape == known.shape == (len(ends), 3)
    assert known.any()
    chosen = ends[:, None].expand_as(beside)[known]
    assert ((beside[known] - chosen).abs() >= LENGTH).all()
    assert (unit[beside[known]] == unit[chosen]).all()
    assert (unit[beside[known] - LENGTH + 1] == unit[chosen]).all()
    assert torch.isfinite(own.tensors.stored.values[beside[known][:, None] - torch.arange(LENGTH)]).all()


def test_a_record_of_two_windows_has_no_support():
    own = samples((10, 40))
    assert not own.tensors.support.ends(torch.tensor([4, 9]), own.tensors.units(torch.tensor([4, 9])))[1].any()
    assert own.tensors.support.ends(torch.tensor([30]), own.tensors.units(torch.tensor([30])))[1].all()


def test_without_any_window_there_is_no_support():
    own = samples((4, 4))
    assert not own.tensors.support.ends(torch.tensor([3]), own.tensors.units(torch.tensor([3])))[1].any()
