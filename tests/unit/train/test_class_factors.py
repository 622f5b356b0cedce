"""Factors of classes: N / (K n_c) over labelled rows, known answers."""

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

ROWS = (60, 30, 10)
FACTORS = (0.5556, 1.1111, 3.3333)


def samples(sizes, columns, missing=()):
    values = np.zeros(sum(sizes), np.float32)
    values[list(missing)] = np.nan
    names = np.array([f"u{number}" for number in range(len(sizes))])
    dataset = Dataset(
        {
            "unit_name": Variable(("unit",), names),
            "row_size": Variable(("unit",), np.array(sizes, np.int32)),
            "time": Variable(
                ("obs",), np.concatenate([np.arange(n) for n in sizes]), {"units": "days since 2000-01-01"}
            ),
            "a": Variable(("obs",), np.zeros(sum(sizes), np.float32)),
            "y": Variable(("obs",), values),
            **{name: Variable(("unit",), np.array(words)) for name, words in columns.items()},
        }
    )
    return Samples(dataset, Layout("regression", "series", "day", ("y",), ("a",), class_weights=tuple(columns)))


def test_known_answer():
    own = samples(ROWS, {"igbp": ["ENF", "GRA", "WET"]})
    assert own.class_factors == pytest.approx(FACTORS, abs=5e-5)


def test_rows_are_counted_and_not_units():
    own = samples((20, 40, 30, 10), {"igbp": ["ENF", "ENF", "GRA", "WET"]})
    assert own.class_factors == pytest.approx((FACTORS[0], *FACTORS), abs=5e-5)


def test_only_labelled_rows_count():
    own = samples((80, 30, 10), {"igbp": ["ENF", "GRA", "WET"]}, missing=range(20))
    assert own.class_factors == pytest.approx(FACTORS, abs=5e-5)


def test_two_columns_multiply():
    own = samples(ROWS, {"igbp": ["ENF", "GRA", "WET"], "koppen": ["C", "C", "D"]})
    second = np.array([100 / (2 * 90), 100 / (2 * 90), 100 / (2 * 10)])
    assert own.class_factors == pytest.approx(np.array([100 / 180, 100 / 90, 100 / 30]) * second, rel=1e-6)


def test_every_class_has_the_same_total_weight():
    own = samples(ROWS, {"igbp": ["ENF", "GRA", "WET"]})
    _, weights = own.label_rows(balanced=True)
    totals = np.bincount(own.unit[own.label_observations], weights[:, 0])
    assert totals == pytest.approx([100 / 3] * 3, rel=1e-5)
