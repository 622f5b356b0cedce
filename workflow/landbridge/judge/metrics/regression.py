"""Metrics of regressions, and the sums that they are functions of.

Sums of one (unit, block): n; sum_y, sum_yy of labels; sum_p, sum_pp of predictions; sum_yp; sum_abs_error,
sum_sq_error; sum_abs_dev, the absolute deviations of labels from the unit's mean.
"""

from __future__ import annotations

import numpy as np

from landbridge.judge.metrics.metric import Metric, Sums

SUMS = ("n", "sum_y", "sum_yy", "sum_p", "sum_pp", "sum_yp", "sum_abs_error", "sum_sq_error", "sum_abs_dev")


def sums(label: np.ndarray, prediction: np.ndarray, cell: np.ndarray, unit: np.ndarray, cells: int) -> np.ndarray:
    """Sums (cell, statistic) of rows in cells.

    Args:
        label, prediction: (row,) float64.
        cell: (row,) cell of each row.
        unit: (row,) unit of each row, for its mean.
        cells: number of cells.
    """
    unit_mean = np.bincount(unit, label) / np.maximum(np.bincount(unit), 1)
    error = prediction - label
    columns = (
        np.ones_like(label),
        label,
        label**2,
        prediction,
        prediction**2,
        label * prediction,
        np.abs(error),
        error**2,
        np.abs(label - unit_mean[unit]),
    )
    # As floats even without a single row, whose counts numpy gives as integers: a sum may have to be NaN.
    return np.stack([np.bincount(cell, column, minlength=cells).astype(float) for column in columns], axis=1)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """NaN where nothing is divided by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)


def _variation(total: np.ndarray, squares: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Sum of squared deviations; rounding below a billionth of the squares counts as none."""
    deviations = squares - _divide(total**2, n)
    return np.where(deviations > 1e-9 * squares, deviations, 0)


def rmse(s: Sums) -> np.ndarray:
    """Root mean squared error."""
    return np.sqrt(_divide(s["sum_sq_error"], s["n"]))


def mae(s: Sums) -> np.ndarray:
    """Mean absolute error."""
    return _divide(s["sum_abs_error"], s["n"])


def r2(s: Sums) -> np.ndarray:
    """1 - SSE / SST, which is the Nash-Sutcliffe efficiency; NaN for constant labels."""
    return 1 - _divide(s["sum_sq_error"], _variation(s["sum_y"], s["sum_yy"], s["n"]))


def nmae(s: Sums) -> np.ndarray:
    """Mean absolute error over the absolute mean of the labels; explodes where that is near 0."""
    return _divide(s["sum_abs_error"], np.abs(s["sum_y"]))


def rae(s: Sums) -> np.ndarray:
    """Mean absolute error over the mean absolute deviation of the labels."""
    return _divide(s["sum_abs_error"], s["sum_abs_dev"])


def bias(s: Sums) -> np.ndarray:
    """Mean of prediction minus label."""
    return _divide(s["sum_p"] - s["sum_y"], s["n"])


def kge(s: Sums) -> np.ndarray:
    """Kling-Gupta efficiency (Gupta et al. 2009, equation 9): correlation, ratio of spreads, ratio of means."""
    spread_y = np.sqrt(_variation(s["sum_y"], s["sum_yy"], s["n"]))
    spread_p = np.sqrt(_variation(s["sum_p"], s["sum_pp"], s["n"]))
    covariance = s["sum_yp"] - _divide(s["sum_y"] * s["sum_p"], s["n"])
    correlation = _divide(covariance, spread_y * spread_p)
    means = _divide(s["sum_p"], np.abs(s["sum_y"])) * np.sign(s["sum_y"])
    return 1 - np.sqrt((correlation - 1) ** 2 + (_divide(spread_p, spread_y) - 1) ** 2 + (means - 1) ** 2)


METRICS = {
    "rmse": Metric(rmse, "lower", "target", "RMSE"),
    "mae": Metric(mae, "lower", "target", "MAE"),
    "r2": Metric(r2, "higher", "1", "R2"),
    "nmae": Metric(nmae, "lower", "1", "nMAE"),
    "rae": Metric(rae, "lower", "1", "RAE"),
    "bias": Metric(bias, "zero", "target", "bias"),
    "kge": Metric(kge, "higher", "1", "KGE"),
}
