"""One number that makes the probabilities of classes fit how often they are right: temperature scaling.

Guo et al. 2017 (arXiv 1706.04599, section 4.2): the logarithms of all probabilities are divided by a temperature T, and
T is what gives held-out rows the smallest negative log-likelihood. The likeliest class stays what it was. Above 1 the
predictions were surer than they should be, below 1 less sure.
"""

from __future__ import annotations

import numpy as np

LEAST, MOST = 0.05, 20.0  # temperatures that are looked for
HALVINGS = 40


def scaled(log_probability: np.ndarray, temperature: float) -> np.ndarray:
    """Log-probabilities (row, class) at a temperature; they add up to one again."""
    found = log_probability / temperature
    found = found - found.max(axis=-1, keepdims=True)
    return np.asarray(found - np.log(np.exp(found).sum(axis=-1, keepdims=True)))


def fitted(log_probability: np.ndarray, label: np.ndarray) -> float:
    """Temperature of the smallest mean negative log-likelihood of classes (row,) under (row, class).

    The likelihood is convex in 1/T, so its slope has one root, which is halved down to; `LEAST` or `MOST` where it
    lies beyond, as for rows that are all right.
    """
    above = log_probability - log_probability[np.arange(len(label)), label][:, None]  # the true class

    def slope(inverse: float) -> float:
        """Of the mean negative log-likelihood over 1/T."""
        share = np.exp(scaled(log_probability, 1 / inverse))
        return float((share * above).sum(axis=1).mean())

    low, high = np.log(1 / MOST), np.log(1 / LEAST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(float(np.exp(middle))) < 0 else (low, middle)
    return float(f"{np.exp(-(low + high) / 2):.6g}")
