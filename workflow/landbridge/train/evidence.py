"""How well a pretrained network suits labels that it has not seen, without training: LEEP and LogME.

Nguyen et al. (2020), LEEP: a new measure to evaluate transferability of learned representations, ICML; You et al.
(2021), LogME: practical assessment of pre-trained models for transfer learning, ICML. Both are means over labelled
rows, larger where the network suits them better.
"""

from __future__ import annotations

import numpy as np

STEPS = 500  # at most, of the search for the evidence's maximum
CLOSE = 1e-6  # relative change of both precisions at which it ends
LEAST = 1e-12


def leep(probability: np.ndarray, label: np.ndarray) -> float:
    """Mean log of what the source's classes say of a row's label, equation 2 of Nguyen et al.

    Each row's probabilities theta_z(x) of the source's classes z are taken as its dummy labels; with their joint
    distribution with the labels, P(y, z) = mean of theta_z over rows of label y, a row has the likelihood
    sum_z P(y | z) theta_z(x). At most 0.

    Args:
        probability: (row, source class), rows add up to 1.
        label: (row,) whole numbers.
    """
    present, index = np.unique(label, return_inverse=True)
    one_hot = index.ravel()[:, None] == np.arange(len(present))
    joint = one_hot.T.astype(float) @ probability / len(label)  # (label, source class)
    given = joint / np.maximum(joint.sum(0), LEAST)
    likelihood = np.einsum("rz,rz->r", probability, given[index.ravel()])
    return float(np.log(np.maximum(likelihood, LEAST)).mean())


def logme(features: np.ndarray, labels: np.ndarray) -> float:
    """Log evidence of a row, mean over columns of labels, see `log_evidence`.

    Args:
        features: (row, d) that the head of the network reads.
        labels: (row, column): targets, or one 0-1 column for each class.

    Raises:
        ValueError: every column is constant.
    """
    columns = [column for column in labels.T if column.std() > LEAST]
    if not columns:
        raise ValueError("no column of labels varies")
    left, size, _ = np.linalg.svd(features.astype(float), full_matrices=False)
    return float(np.mean([log_evidence(left, size, column, features.shape[1]) for column in columns]))


def log_evidence(left: np.ndarray, size: np.ndarray, label: np.ndarray, width: int) -> float:
    """Largest log evidence of a Bayesian linear model, divided by the number of rows.

    y ~ N(F w, 1 / beta), w ~ N(0, 1 / alpha); alpha and beta maximise the evidence, found by the fixed point of MacKay
    (1992), Neural Computation 4, as in algorithm 1 of You et al.

    Args:
        left, size: left singular vectors (row, r) and singular values (r,) of the features F.
        label: y, (row,).
        width: columns of F.
    """
    n, moment, squares = len(label), (left.T @ label) ** 2, size**2
    outside = max(float(label @ label - moment.sum()), 0.0)
    alpha, beta = 1.0, 1.0 / max(float(label.var()), LEAST)
    for _ in range(STEPS):
        weight, misfit, known = _fitted(alpha, beta, moment, squares, outside)
        before = alpha, beta
        alpha, beta = known / max(weight, LEAST), (n - known) / max(misfit, LEAST * n)
        if abs(alpha / before[0] - 1) < CLOSE and abs(beta / before[1] - 1) < CLOSE:
            break
    weight, misfit, _ = _fitted(alpha, beta, moment, squares, outside)
    precision = np.log(alpha + beta * squares).sum() + (width - len(squares)) * np.log(alpha)
    log_density = width * np.log(alpha) + n * np.log(beta / (2 * np.pi)) - beta * misfit - alpha * weight - precision
    return float(log_density / (2 * n))


def _fitted(
    alpha: float, beta: float, moment: np.ndarray, squares: np.ndarray, outside: float
) -> tuple[float, float, float]:
    """Squared length of the weights' mean, squared misfit, and how many weights the rows determine."""
    total = alpha + beta * squares
    weight = float((beta**2 * squares * moment / total**2).sum())
    misfit = float((alpha**2 * moment / total**2).sum()) + outside
    return weight, misfit, float((beta * squares / total).sum())
