"""Metrics: known answers, and sums that may be added up."""

import numpy as np
import pytest
from landbridge.judge.metrics import confusion, regression


def of(label, prediction):
    label, prediction = np.array(label, float), np.array(prediction, float)
    zero = np.zeros(len(label), int)
    return dict(zip(regression.SUMS, regression.sums(label, prediction, zero, zero, 1)[0], strict=True))


EXPECTED = {"r2": 0.97, "rmse": 0.193649, "mae": 0.175, "rae": 0.175, "nmae": 0.07, "bias": -0.025, "kge": 0.920036}
EXPECTED |= {"nrmse": 0.07746}


@pytest.mark.parametrize("name", EXPECTED)
def test_known_answers(name):
    sums = of([1, 2, 3, 4], [1.1, 1.9, 3.2, 3.7])
    assert regression.METRICS[name].function(sums) == pytest.approx(EXPECTED[name], abs=1e-6)


def test_an_offset_of_both_flatters_the_normalised_error_alone():
    before, after = (of(np.array([1, 2, 3, 4]) + up, np.array([1.1, 1.9, 3.2, 3.7]) + up) for up in (0, 100))
    for name in ("r2", "rmse", "rae", "bias"):
        found = [regression.METRICS[name].function(sums) for sums in (before, after)]
        assert found[1] == pytest.approx(found[0], abs=1e-6)
    assert regression.nrmse(after) == pytest.approx(0.00189, abs=1e-5)


def test_known_answers_of_the_mean():
    sums = of([1, 2, 3, 6], [3, 3, 3, 3])
    assert regression.rmse(sums) == pytest.approx(np.sqrt(3.5))
    assert regression.r2(sums) == pytest.approx(0)
    assert regression.rae(sums) == pytest.approx(1)


def test_what_is_not_defined_is_nan():
    constant = of([2, 2], [1, 3])
    assert np.isnan(regression.r2(constant))
    assert np.isnan(regression.kge(constant))
    assert np.isnan(regression.rae(constant))
    assert np.isnan(regression.nmae(of([1, -1], [1, 1])))
    assert np.isnan(regression.nrmse(of([1, -1], [1, 1])))
    assert np.isnan(regression.nrmse(of([-3, 1], [1, 1])))  # a site that takes up more than it gives off


def test_sums_of_cells_add_up():
    random = np.random.default_rng(0)
    label, prediction = random.normal(size=(2, 60))
    cell, unit = np.arange(60) % 4, np.zeros(60, int)
    parts = regression.sums(label, prediction, cell, unit, 4)
    whole = regression.sums(label, prediction, np.zeros(60, int), unit, 1)
    np.testing.assert_allclose(parts.sum(0), whole[0])


def test_sums_of_no_rows_can_be_missing():
    none = np.zeros(0)
    sums = regression.sums(none, none, none.astype(int), none.astype(int), 3)  # anomalies of a record of one year
    assert sums.shape == (3, len(regression.SUMS))
    sums[:, 3:] = np.nan
    assert np.isnan(regression.rmse(dict(zip(regression.SUMS, sums.T, strict=True)))).all()


def counts(matrix):
    matrix = np.array(matrix, float)
    found = {f"confusion_{i}_{j}": matrix[i, j] for i in range(len(matrix)) for j in range(len(matrix))}
    return {**found, "n": matrix.sum(), "nll": 0.0}


def test_known_answers_of_classes():
    sums = counts([[5, 1], [2, 4]])
    assert confusion.accuracy(sums) == pytest.approx(9 / 12)
    assert confusion.class_f1(sums) == pytest.approx([10 / 13, 8 / 11])
    assert confusion.macro_f1(sums) == pytest.approx((10 / 13 + 8 / 11) / 2)
    assert confusion.iou(sums) == pytest.approx(4 / 7)
    assert confusion.mean_iou(sums) == pytest.approx((5 / 8 + 4 / 7) / 2)
    assert confusion.balanced_accuracy(sums) == pytest.approx((5 / 6 + 4 / 6) / 2)
    assert confusion.f1(sums) == pytest.approx(8 / 11)


def of_masks(predicted, truth):
    predicted, truth = np.ravel(predicted), np.ravel(truth)
    known = truth != 255
    label, zero = truth[known], np.zeros(known.sum(), int)
    found = confusion.sums(label, predicted[known], np.zeros(len(label)), zero, 1, 2)[0]
    return dict(zip(confusion.sum_names(2), found, strict=True))


@pytest.mark.parametrize(
    ("truth", "iou", "f1", "balanced"),
    [([[1, 0], [1, 0]], 1 / 3, 0.5, 0.5), ([[1, 255], [1, 0]], 0.5, 2 / 3, 0.75)],
)
def test_known_answers_of_masks(truth, iou, f1, balanced):
    sums = of_masks([[1, 1], [0, 0]], truth)
    assert confusion.iou(sums) == pytest.approx(iou)
    assert confusion.f1(sums) == pytest.approx(f1)
    assert confusion.balanced_accuracy(sums) == pytest.approx(balanced)


def test_pooled_events_and_the_mean_of_events():
    large, small = counts([[0, 10], [0, 90]]), counts([[0, 1], [8, 1]])
    pooled = {name: large[name] + small[name] for name in large}
    assert confusion.iou(pooled) == pytest.approx(91 / 110)
    assert (confusion.iou(large) + confusion.iou(small)) / 2 == pytest.approx(0.5)


def test_precision_recall_and_area():
    sums = counts([[5, 1], [2, 4]])
    assert confusion.precision(sums) == pytest.approx(4 / 5)
    assert confusion.recall(sums) == pytest.approx(4 / 6)
    assert confusion.area_bias(sums) == pytest.approx(5 / 6 - 1)
    nothing_called = counts([[6, 0], [2, 0]])
    assert (confusion.precision(nothing_called), confusion.recall(nothing_called)) == (0, 0)
    assert confusion.area_bias(nothing_called) == -1
    nothing_true = counts([[5, 1], [0, 0]])
    assert confusion.precision(nothing_true) == 0
    assert np.isnan(confusion.recall(nothing_true))
    assert np.isnan(confusion.area_bias(nothing_true))
    neither = counts([[5, 0], [0, 0]])
    assert np.isnan(confusion.precision(neither))
    assert np.isnan(confusion.iou(neither))


def test_a_class_that_nobody_knows_does_not_count():
    sums = counts([[3, 0, 0], [1, 2, 0], [0, 0, 0]])
    assert confusion.macro_f1(sums) == pytest.approx((6 / 7 + 4 / 5) / 2)


def test_macro_f1_equals_scikit_learn():
    from sklearn.metrics import balanced_accuracy_score, f1_score, jaccard_score

    random = np.random.default_rng(1)
    label, predicted = random.integers(0, 3, (2, 200))
    zero = np.zeros(200, int)
    sums = dict(zip(confusion.sum_names(3), confusion.sums(label, predicted, np.ones(200), zero, 1, 3)[0], strict=True))
    assert confusion.macro_f1(sums) == pytest.approx(f1_score(label, predicted, average="macro"))
    assert confusion.mean_iou(sums) == pytest.approx(jaccard_score(label, predicted, average="macro"))
    assert confusion.balanced_accuracy(sums) == pytest.approx(balanced_accuracy_score(label, predicted))
    assert confusion.log_loss(sums) == pytest.approx(1)


def test_gain_is_positive_for_the_better():
    for name, better, worse in (("rmse", 1.0, 2.0), ("r2", 0.9, 0.1), ("bias", -0.1, 0.5)):
        assert regression.METRICS[name].gain(np.array(better), np.array(worse)) > 0
