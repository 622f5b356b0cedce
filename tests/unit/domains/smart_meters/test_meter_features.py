"""What learners of tables are shown of the mains."""

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.domains.smart_meters import features
from landbridge.methods.given import NotApplicable


def mains(steps):
    return Dataset(
        {
            "mains": Variable(("obs",), np.arange(steps, dtype=np.float32)),
            "time": Variable(("obs",), np.arange(steps, dtype=np.int64) * 60),
            "row_size": Variable(("unit",), np.array([steps], np.int32)),
            "zone": Variable(("unit",), np.array(["Europe/London"])),
        },
        {},
    )


def test_steps_around_the_middle_of_a_window():
    found = features.table(mains(200), np.array([170]), np.array([features.SHORTEST]))
    assert found[0, :3].tolist() == [90.0, -1.0, 1.0]


def test_windows_that_hold_fewer_steps_are_refused_and_not_filled_from_their_neighbours():
    with pytest.raises(NotApplicable, match="161 steps around a minute, and windows of 65 hold fewer"):
        features.table(mains(200), np.array([170]), np.array([65]))
