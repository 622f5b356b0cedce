"""Labels saved and the area under the curve: known answers and edges."""

import numpy as np
import pytest
from landbridge.judge import labels

SIZES = np.array([4, 16, 64, 256.0])
CURVE = np.array([[0.4, 0.5, 0.6, 0.7]])


def equivalent(score, curve=CURVE, sizes=SIZES):
    return labels.equivalent(curve, np.array([score]), sizes)[0]


def test_known_answer():
    found = equivalent(0.55)
    assert found == pytest.approx(32)
    assert found - 16 == pytest.approx(16)
    assert found / 16 == pytest.approx(2)
    assert labels.area(CURVE, SIZES) == pytest.approx(0.55)


def test_nothing_is_extrapolated():
    assert equivalent(0.8) == np.inf
    assert equivalent(0.3) == -np.inf
    assert equivalent(0.4) == 4
    assert equivalent(0.7) == pytest.approx(256)
    assert np.isnan(equivalent(np.nan))


def test_a_flat_piece_gives_its_smallest_budget():
    assert equivalent(0.5, np.array([[0.4, 0.5, 0.5, 0.6]])) == pytest.approx(16)


def test_one_budget_alone():
    one = (np.array([[0.5]]), np.array([4.0]))
    assert equivalent(0.6, *one) == np.inf
    assert equivalent(0.5, *one) == 4
    assert np.isnan(labels.area(*one)[0])


def test_a_constant_curve_has_its_own_area():
    assert labels.area(np.full(3, 0.3), np.array([1, 4, 10])) == pytest.approx(0.3)


def test_isotonic_equals_scikit_learn():
    from sklearn.isotonic import IsotonicRegression

    random = np.random.default_rng(0)
    for _ in range(50):
        values = random.normal(size=6)
        expected = IsotonicRegression().fit_transform(np.arange(6), values)
        np.testing.assert_allclose(labels.isotonic(values), expected, atol=1e-12)
