"""LEEP and LogME against sums by hand and against the evidence maximised by brute force."""

import numpy as np
import pytest
from landbridge.train.evidence import leep, logme
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

PROBABILITY = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])


def test_leep_by_hand():
    # P(0 | z) = 1.4 / 1.7 and 0.6 / 1.3; P(1 | z) = 0.3 / 1.7 and 0.7 / 1.3
    likelihood = [
        0.8 * 1.4 / 1.7 + 0.2 * 0.6 / 1.3,
        0.6 * 1.4 / 1.7 + 0.4 * 0.6 / 1.3,
        0.3 * 0.3 / 1.7 + 0.7 * 0.7 / 1.3,
    ]
    assert leep(PROBABILITY, np.array([0, 0, 1])) == pytest.approx(np.mean(np.log(likelihood)))


def test_leep_does_not_mind_what_the_source_calls_its_classes():
    label = np.array([2, 2, 5])
    assert leep(PROBABILITY[:, ::-1], label) == pytest.approx(leep(PROBABILITY, label))
    assert leep(np.eye(2)[[0, 0, 1]], label) == pytest.approx(0)
    assert leep(np.full((4, 2), 0.5), np.array([0, 1, 0, 1])) == pytest.approx(np.log(0.5))


def by_brute_force(features, label):
    """The largest log density of y under N(0, F F^T / alpha + I / beta), of a row."""

    def negative(logs):
        covariance = features @ features.T * np.exp(-logs[0]) + np.eye(len(label)) * np.exp(-logs[1])
        return -multivariate_normal(np.zeros(len(label)), covariance).logpdf(label)

    found = [
        minimize(negative, begin, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}) for begin in STARTS
    ]
    return -min(own.fun for own in found) / len(label)


STARTS = ([0.0, 0.0], [2.0, 2.0])


@pytest.mark.parametrize(("rows", "width"), [(30, 4), (12, 16)])
def test_logme_is_the_largest_evidence(rows, width):
    random = np.random.default_rng(3)
    features = random.normal(size=(rows, width))
    label = features @ random.normal(size=width) + 0.5 * random.normal(size=rows)
    assert logme(features, label[:, None]) == pytest.approx(by_brute_force(features, label), abs=1e-4)


def test_logme_prefers_features_that_tell_of_the_labels():
    random = np.random.default_rng(4)
    label = random.normal(size=(60, 2))
    told = np.concatenate([label + 0.1 * random.normal(size=(60, 2)), random.normal(size=(60, 2))], axis=1)
    assert logme(told, label) > logme(random.normal(size=(60, 4)), label) + 0.5
    assert logme(told, np.column_stack([label, np.ones(60)])) == pytest.approx(logme(told, label))
    with pytest.raises(ValueError, match="no column of labels varies"):
        logme(told, np.ones((60, 1)))
