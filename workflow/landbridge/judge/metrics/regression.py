"""Metrics of regressions, and the sums that they are functions of.

Sums of one (unit, block): n; sum_y, sum_yy of labels; sum_p, sum_pp of predictions; sum_yp; sum_abs_error,
sum_sq_error; sum_abs_dev, the absolute deviations of labels from the unit's mean. Of targets that are on or off also
hits, false_alarms, misses and rejections: rows by whether prediction and label are on.
"""

from __future__ import annotations

import numpy as np

from landbridge.judge.metrics.metric import Metric, Sums

SUMS = ("n", "sum_y", "sum_yy", "sum_p", "sum_pp", "sum_yp", "sum_abs_error", "sum_sq_error", "sum_abs_dev")
OF_LABELS = ("n", "sum_y", "sum_yy", "sum_abs_dev")  # those that do not depend on predictions
STATES = ("hits", "false_alarms", "misses", "rejections")


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


def states(label: np.ndarray, prediction: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    """Counts (cell, state) of rows by whether label and prediction (row,) are on, in the order of `STATES`."""
    columns = (label & prediction, ~label & prediction, label & ~prediction, ~label & ~prediction)
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


def nrmse(s: Sums) -> np.ndarray:
    """RMSE over the mean of the labels; NaN where that is not above 0, and explodes near it."""
    return _divide(rmse(s), _divide(s["sum_y"], s["n"]))


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


def sae(s: Sums) -> np.ndarray:
    """Signal aggregate error: the error of the total over the total of the labels."""
    return _divide(np.abs(s["sum_p"] - s["sum_y"]), s["sum_y"])


def nde(s: Sums) -> np.ndarray:
    """Normalised disaggregation error: squared errors over squared labels, without the root that some papers take."""
    return _divide(s["sum_sq_error"], s["sum_yy"])


def teca(s: Sums) -> np.ndarray:
    """Total energy correctly assigned: 1 less half the absolute errors over the total of the labels."""
    return 1 - _divide(s["sum_abs_error"], 2 * s["sum_y"])


def matching_rate(s: Sums) -> np.ndarray:
    """Sum of the smaller over sum of the larger of label and prediction, neither of them below 0."""
    both = s["sum_y"] + s["sum_p"]
    return _divide(both - s["sum_abs_error"], both + s["sum_abs_error"])


def precision(s: Sums) -> np.ndarray:
    """Share of the rows predicted on that are on; 0 where none is predicted on."""
    return _zero_where_undefined(s["hits"], s["hits"] + s["false_alarms"], s["n"])


def recall(s: Sums) -> np.ndarray:
    """Share of the rows that are on which are predicted on; NaN where none is on."""
    return _divide(s["hits"], s["hits"] + s["misses"])


def f1(s: Sums) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of being on; NaN where no row is on nor predicted on."""
    return _divide(2 * s["hits"], 2 * s["hits"] + s["false_alarms"] + s["misses"])


def mcc(s: Sums) -> np.ndarray:
    """Matthews correlation coefficient of being on; 0 where a row or column of the table of four is empty."""
    hits, false_alarms, misses, rejections = (s[name] for name in STATES)
    table = (hits + false_alarms) * (hits + misses) * (rejections + false_alarms) * (rejections + misses)
    return _zero_where_undefined(hits * rejections - false_alarms * misses, np.sqrt(table), s["n"])


def _zero_where_undefined(top: np.ndarray, bottom: np.ndarray, n: np.ndarray) -> np.ndarray:
    """0 where nothing is divided by; NaN without a row, or without a prediction."""
    return np.where(n > 0, np.where(bottom == 0, 0.0, _divide(top, bottom)), np.nan)


METRICS = {
    "rmse": Metric(rmse, "lower", "target", "RMSE"),
    "mae": Metric(mae, "lower", "target", "MAE"),
    "r2": Metric(r2, "higher", "1", "R2"),
    "nmae": Metric(nmae, "lower", "1", "nMAE"),
    "nrmse": Metric(nrmse, "lower", "1", "nRMSE"),
    "rae": Metric(rae, "lower", "1", "RAE"),
    "bias": Metric(bias, "zero", "target", "bias"),
    "kge": Metric(kge, "higher", "1", "KGE"),
    "sae": Metric(sae, "lower", "1", "SAE"),
    "nde": Metric(nde, "lower", "1", "NDE"),
    "teca": Metric(teca, "higher", "1", "TECA"),
    "matching_rate": Metric(matching_rate, "higher", "1", "matching rate"),
}
OF_STATES = {
    "precision": Metric(precision, "higher", "1", "precision of being on"),
    "recall": Metric(recall, "higher", "1", "recall of being on"),
    "f1": Metric(f1, "higher", "1", "F1 of being on"),
    "mcc": Metric(mcc, "higher", "1", "MCC of being on"),
}
