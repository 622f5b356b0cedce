"""Daily tables: days, numbers, order, and an unbroken axis."""

import logging
from pathlib import Path

import numpy as np
import pytest
from landbridge.io.daily import days_of, in_order, numbers_of, place, season
from landbridge.stage import StageError

WHERE = Path("tower.csv")
DAYS = np.array(["2001-01-01", "2001-01-02", "2001-01-04"], "datetime64[D]")


def test_days():
    np.testing.assert_array_equal(days_of(["20010101", "20010102", "20010104"], WHERE), DAYS)
    with pytest.raises(StageError, match=r"tower.csv, line 3: TIMESTAMP '200101020030' .*hand in the daily file"):
        days_of(["20010101", "200101020030"], WHERE)
    with pytest.raises(StageError, match=r"tower.csv: .*2001-02-30"):
        days_of(["20010230"], WHERE)


def test_numbers():
    found = numbers_of(["1.5", "-9999", "-9999.0", "", " 2 "], WHERE, "TA_F")
    np.testing.assert_array_equal(found, [1.5, np.nan, np.nan, np.nan, 2])
    with pytest.raises(StageError, match=r"line 3: TA_F is 'n/a'; write a number, -9999, or nothing"):
        numbers_of(["1", "n/a"], WHERE, "TA_F")


def test_rows_are_sorted_and_equal_ones_dropped(caplog):
    with caplog.at_level(logging.WARNING):
        days, columns = in_order(DAYS[[2, 0, 1, 0]], {"x": np.array([4.0, 1, np.nan, 1])}, WHERE)
    np.testing.assert_array_equal(days, DAYS)
    np.testing.assert_array_equal(columns["x"], [1, np.nan, 4])
    assert "sorted" in caplog.text and "1 rows repeat a day with equal values; dropped" in caplog.text
    with pytest.raises(StageError, match="2001-01-01 comes twice with different x"):
        in_order(DAYS[[0, 0]], {"x": np.array([1.0, 2])}, WHERE)


def test_place_on_an_unbroken_axis():
    time = np.arange("2001-01-02", "2001-01-06", dtype="datetime64[D]")
    np.testing.assert_array_equal(place(time, DAYS, np.array([1.0, 2, 4])), [2, np.nan, 4, np.nan])


def test_the_end_of_a_year_lies_beside_its_beginning():
    found = season(np.array(["2015-01-01", "2015-07-02", "2015-12-31"], "datetime64[D]"))
    sine, cosine = found["day_of_year_sine"], found["day_of_year_cosine"]
    np.testing.assert_allclose(sine**2 + cosine**2, 1, rtol=1e-6)
    assert cosine[0] == pytest.approx(1, abs=1e-4) and cosine[1] == pytest.approx(-1, abs=1e-3)
    assert np.hypot(sine[2] - sine[0], cosine[2] - cosine[0]) < 0.03
