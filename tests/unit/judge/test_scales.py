"""Coarser scales: what a mean is made of, and known answers."""

import numpy as np
import pytest
from landbridge.judge.metrics import regression
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scales import averaged, rows_per_day, split_name
from landbridge.stage import StageError

FIRST = int(np.datetime64("2001-01-01").astype("datetime64[D]").astype(int))


def series(years=3, units=1):
    """Days of some years: a season that is the same each year and a trend between years."""
    days = np.concatenate([FIRST + np.arange(365 * years) for _ in range(units)])
    unit = np.repeat(np.arange(units), 365 * years)
    date = days.astype("datetime64[D]")
    day = (date - date.astype("datetime64[Y]")).astype(int)
    year = date.astype("datetime64[Y]").astype(int) - 31
    label = np.sin(2 * np.pi * day / 365) + year
    cell = unit * years + year
    return np.stack([label, 2 * label], axis=1), unit, days, cell


def test_monthly_means():
    values, unit, days, cell = series(2)
    means, of_unit, of_cell = averaged("monthly", values, unit, days, cell, 1)
    assert len(means) == 24
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    np.testing.assert_allclose(means[0], values[month == month[0]].mean(0))
    assert of_cell.tolist() == [0] * 12 + [1] * 12
    assert set(of_unit) == {0}


def test_a_mean_needs_enough_days():
    values, unit, days, cell = series(1)
    kept = (days - FIRST < 9) | (days - FIRST >= 31)  # nine days of January
    assert len(averaged("monthly", values[kept], unit[kept], days[kept], cell[kept], 1)[0]) == 11
    assert len(averaged("monthly", values[kept], unit[kept], days[kept], cell[kept], 0)[0]) == 12
    kept = (days - FIRST < 3) | (days - FIRST >= 8)
    assert len(averaged("8day", values[kept], unit[kept], days[kept], cell[kept], 1)[0]) == 45


def test_eight_days_begin_anew_each_year():
    values, unit, days, cell = series(2)
    means, _, of_cell = averaged("8day", values, unit, days, cell, 1)
    assert len(means) == 2 * 46  # the last has five days
    np.testing.assert_allclose(means[46], values[365:373].mean(0))
    assert of_cell[45:47].tolist() == [0, 1]


def test_a_year_counts_from_half_of_its_days_on_and_masks_both_alike():
    values, unit, days, cell = series(3)
    kept = np.ones(len(days), bool)
    kept[100:283], kept[365 + 100 : 365 + 284] = False, False  # 182 days of 2001 are left and 181 of 2002
    means, of_unit, of_cell = averaged("annual", values[kept], unit[kept], days[kept], cell[kept], 1)
    assert (of_unit.tolist(), of_cell.tolist()) == ([0, 0], [0, 2])
    np.testing.assert_allclose(means[0], values[:365][kept[:365]].mean(0))
    np.testing.assert_allclose(means[1], [2, 4], atol=1e-9)
    months = np.arange("2001-01", "2003-01", dtype="datetime64[M]").astype("datetime64[D]").astype(int)
    few = np.delete(np.arange(24), np.arange(13, 20))  # five months of 2002
    pair, zero = np.ones((len(few), 2)), np.zeros(len(few), int)
    assert len(averaged("annual", pair, zero, months[few], zero, rows_per_day("month"))[0]) == 1
    assert len(averaged("annual", np.ones((24, 2)), np.zeros(24, int), months, np.zeros(24, int), 12 / 365.25)[0]) == 2


def test_annual_errors_are_those_of_the_means():
    values, unit, days, cell = series(3)
    means, of_unit, of_cell = averaged("annual", values, unit, days, cell, 1)
    found = regression.sums(means[:, 0], means[:, 1], of_cell, of_unit, 3).sum(0)
    sums = {f"{name}.annual": value for name, value in zip(regression.SUMS, found, strict=True)}
    assert find_metric("regression", "mae.annual").function(sums) == pytest.approx(1)  # years 0, 1 and 2, doubled
    assert find_metric("regression", "bias.annual").function(sums) == pytest.approx(1)
    assert find_metric("regression", "rmse.annual").function(sums) == pytest.approx(np.sqrt(5 / 3))
    assert find_metric("regression", "mae.annual").title == "MAE (annual means)"


def test_the_cycle_has_twelve_values_and_no_trend():
    values, unit, days, cell = series(3, units=2)
    cycle, of_unit, of_cell = averaged("seasonal", values, unit, days, cell, 1)
    assert of_unit.tolist() == [0] * 12 + [1] * 12
    assert cycle[:, 0].mean() == pytest.approx(1.0, abs=0.02)  # the mean of years 0, 1 and 2
    assert set(of_cell) == {0, 3}  # it spans all years, and stands with the first


def test_anomalies_are_what_the_cycle_leaves():
    values, unit, days, cell = series(3)
    anomaly, _, of_cell = averaged("anomaly", values, unit, days, cell, 1)
    np.testing.assert_allclose(anomaly[:, 0], np.repeat([-1, 0, 1], 46), atol=1e-9)
    np.testing.assert_allclose(anomaly[:, 1], 2 * anomaly[:, 0], atol=1e-9)
    assert of_cell.tolist() == np.repeat([0, 1, 2], 46).tolist()
    assert len(averaged("anomaly", *(item[:365] for item in (values, unit, days, cell)), 1)[0]) == 0


def test_metrics_of_a_scale_take_its_sums():
    sums = {"n": np.array(2.0), "sum_sq_error": np.array(8.0), "n.monthly": np.array(1.0)}
    sums |= {f"{name}.monthly": np.array(9.0) for name in ("sum_sq_error", "sum_y", "sum_yy", "sum_p", "sum_pp")}
    sums |= {f"{name}.monthly": np.array(9.0) for name in ("sum_yp", "sum_abs_error", "sum_abs_dev")}
    assert find_metric("regression", "rmse").function(sums) == 2
    assert find_metric("regression", "rmse.monthly").function(sums) == 3
    assert find_metric("regression", "rmse.monthly").title == "RMSE (monthly means)"


def test_unknown_names_are_refused():
    for task, name in (("regression", "rmse.weekly"), ("regression", "rsme"), ("classification", "accuracy.monthly")):
        with pytest.raises(StageError, match="is not known"):
            find_metric(task, name)
    assert split_name("r2.8day") == ("r2", "8day")
