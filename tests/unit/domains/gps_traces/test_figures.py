"""Traces: positions without an address, and which fix was taken for which mode."""

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.domains.gps_traces.figures import predicted_modes, relative_km
from landbridge.domains.gps_traces.modes import CLASSES


def dataset(**columns):
    return Dataset({name: Variable((where,), np.asarray(values)) for name, (where, values) in columns.items()})


def test_kilometres_from_the_start():
    east, north = relative_km(np.array([60.0, 60.0, 61.0]), np.array([10.0, 11.0, 10.0]))
    assert (east[0], north[0]) == (0, 0)
    assert east[1] == pytest.approx(55.597, abs=1e-3)  # one degree of longitude at 60 degrees north
    assert north[2] == pytest.approx(111.195, abs=1e-3)


def test_fixes_take_the_mode_of_their_last_window():
    time = np.arange(9) * 1000
    test = dataset(
        row_size=("unit", [3, 6]),
        time=("obs", time),
        row_end=("row", [2, 6, 8]),  # of the second unit: fixes 0..3 and 2..5
        row_length=("row", [3, 4, 4]),
    )
    walk, bus = CLASSES.index("walk"), CLASSES.index("bus")
    example = dataset(
        rank=("row", ["best", "worst", "worst"]),
        time=("row", [2000, 6000, 8000]),
        prediction=("row", [0, walk, bus]),
        label=("row", [0, bus, bus]),
    )
    modes, true = predicted_modes(test, 1, example, "worst")
    assert modes.tolist() == [walk, walk, bus, bus, bus, bus]
    assert true == bus
    early = dataset(**{name: ("row", example[name][:2]) for name in ("rank", "time", "prediction", "label")})
    assert predicted_modes(test, 1, early, "worst")[0].tolist() == [walk] * 4 + [-1] * 2
