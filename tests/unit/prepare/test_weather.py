"""Known answers of the invented weather: FAO-56 worked examples."""

import numpy as np
import pytest
from landbridge.prepare import weather as climates


@pytest.mark.parametrize(
    ("lat", "day", "expected"), [(-20, 246, 32.194), (51, 172, 41.740), (68, 172, 42.127), (68, 355, 0.0)]
)
def test_radiation_at_the_top_of_the_atmosphere(lat, day, expected):
    found = climates.extraterrestrial_radiation(np.array(lat), np.array(day))
    assert found == pytest.approx(expected, abs=1e-3)


def test_vapour_pressure():
    assert climates.saturation_pressure(np.array(20.0)) == pytest.approx(2.33828, abs=1e-5)
    assert climates.vapour_pressure_deficit(np.array(20.0), np.array(10.0)) == pytest.approx(11.1032, abs=1e-4)
    assert climates.vapour_pressure_deficit(np.array(5.0), np.array(10.0)) == 0


@pytest.mark.parametrize(("day", "expected"), [(200, 0.89860), (120, 0.55000), (15, 0.20002)])
def test_season(day, expected):
    found = climates.season(np.array(float(day)), *map(np.array, (0.2, 0.9, 120.0, 280.0)), rise=0.1, fall=0.08)
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_season_across_the_new_year_is_the_complement():
    day = np.arange(1.0, 366)
    across = climates.season(day, *map(np.array, (0.0, 1.0, 300.0, 120.0)))
    within = climates.season(day, *map(np.array, (0.0, 1.0, 120.0, 300.0)))
    np.testing.assert_allclose(across + within, 1)


def test_departures_have_the_spread_and_memory_that_were_asked_for():
    found = climates.autoregressive((40, 2000), 0.9, np.full((40, 1), 3.0), np.random.default_rng(1))
    assert found.std() == pytest.approx(3, rel=0.05)
    pairs = np.corrcoef(found[:, 1:].ravel(), found[:, :-1].ravel())
    assert pairs[0, 1] == pytest.approx(0.9, abs=0.01)
