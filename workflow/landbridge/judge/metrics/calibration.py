"""Whether the probabilities of classes can be believed: sums by the confidence of predictions, and their metrics.

The confidence of a row or pixel is its largest probability. Sums: of each of ten equal bins of the confidence bin_n_b
(rows), bin_confidence_b (their confidences) and bin_right_b (rows of the right class); brier_sum, the squared distances
of all probabilities from the true class, which has 1 where the others have 0.
"""

from __future__ import annotations

import numpy as np

from landbridge.judge.metrics.metric import Sums, share

BINS = 10  # of equal width over (0, 1]
ROUNDING = 1e-9  # of a bin's width: 0.7 that comes back from its logarithm stays in the bin that ends with 0.7
SCALED = "_scaled"  # ends the names of sums of probabilities after temperature scaling
SUMS = (*(f"bin_{what}_{b}" for what in ("n", "confidence", "right") for b in range(BINS)), "brier_sum")


def sums(
    label: np.ndarray, predicted: np.ndarray, log_probability: np.ndarray, cell: np.ndarray, cells: int
) -> np.ndarray:
    """Sums (cell, statistic) of rows or pixels in cells, in the order of `SUMS`.

    Probabilities are divided by their sum first, so that they add up to 1: those of pixels, which are stored as whole
    254ths, miss it by their rounding, and those of logarithms in single precision by a little.

    Args:
        label, predicted: (row,) classes, none of them missing; predicted is the likeliest.
        log_probability: (row, class), finite.
        cell: (row,) cell of each row.
        cells: number of cells.
    """
    row = np.arange(len(label))
    # (class, row) in that order in memory: numpy is slow at adding up along a short last axis
    probability = np.subtract(log_probability.T, log_probability[row, predicted], order="C")
    np.exp(probability, out=probability)
    probability /= probability.sum(axis=0)
    confidence = probability[predicted, row]
    # sum over classes of (p - y)^2 = sum of p^2 - 2 p of the true class + 1, without an array of y
    distance = np.einsum("kr,kr->r", probability, probability) - 2 * probability[label, row] + 1
    place = cell * BINS + _bin(confidence)
    by_bin = [
        np.bincount(place, column, minlength=cells * BINS).reshape(cells, BINS)
        for column in (None, confidence, predicted == label)
    ]
    squares = np.bincount(cell, distance, minlength=cells)[:, None]
    return np.concatenate([*by_bin, squares], axis=1).astype(float)


def _bin(confidence: np.ndarray) -> np.ndarray:
    """Bin of each confidence; b holds those above b / 10 and up to (b + 1) / 10."""
    return np.clip(np.ceil(confidence * BINS - ROUNDING).astype(np.int64) - 1, 0, BINS - 1)


def _of_bins(s: Sums, what: str) -> np.ndarray:
    """One sum of every bin (..., bin)."""
    return np.stack([s[f"bin_{what}_{b}"] for b in range(BINS)], axis=-1)


def bin_accuracy(s: Sums) -> np.ndarray:
    """Share of the rows of each bin (..., bin) that are of the right class; NaN for an empty bin."""
    return share(_of_bins(s, "right"), _of_bins(s, "n"))


def bin_confidence(s: Sums) -> np.ndarray:
    """Mean confidence of the rows of each bin (..., bin); NaN for an empty bin."""
    return share(_of_bins(s, "confidence"), _of_bins(s, "n"))


def bin_share(s: Sums) -> np.ndarray:
    """Share of all rows that fall into each bin (..., bin)."""
    return share(_of_bins(s, "n"), np.asarray(s["n"])[..., None])


def ece(s: Sums) -> np.ndarray:
    """Expected calibration error: the gap between accuracy and mean confidence of a bin, mean over rows.

    ECE of Guo et al. 2017 (arXiv 1706.04599, section 2) with ten bins of equal width. Bins of equal counts have edges
    that depend on all rows at once: their sums could neither be added up over groups nor drawn anew in a bootstrap. A
    bin of few rows has a gap by chance, so groups of few rows have an error above 0 however well their probabilities
    fit.
    """
    return share(np.abs(_of_bins(s, "right") - _of_bins(s, "confidence")).sum(axis=-1), s["n"])


def brier(s: Sums) -> np.ndarray:
    """Mean squared distance of the probabilities from the truth, summed over all classes as in Brier 1950: from 0 to 2.

    Of two classes it is twice the score that is often given, which counts one of them.
    """
    return share(s["brier_sum"], s["n"])
