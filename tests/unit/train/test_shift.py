"""Distances and shifts of domains whose distance is known, and their intervals."""

import numpy as np
import pytest
import torch
from landbridge.methods.given import NotApplicable
from landbridge.train import shift
from landbridge.train.jackknife import jackknife
from landbridge.train.shift import Classifier, Inputs, Labelled
from scipy.stats import t

GROUPS = np.repeat([f"g{number:02d}" for number in range(12)], 20)


def inputs(centre, seed, columns=3):
    random = np.random.default_rng(seed)
    return Inputs(centre + random.normal(size=(len(GROUPS), columns)), GROUPS)


def test_the_interval_of_a_mean_is_the_usual_one():
    values = np.random.default_rng(1).normal(size=10)
    found = jackknife(lambda keep: float(values[keep[0]].mean()), [np.arange(10).astype(str)], 0.9)
    half = t.ppf(0.95, 9) * values.std(ddof=1) / 10**0.5
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_samples_are_independent_and_few_groups_have_no_interval():
    values, names = np.random.default_rng(2).normal(size=10), np.arange(10).astype(str)

    def difference(keep):
        return float(values[keep[0]].mean() - values[keep[1]].mean())

    found = jackknife(difference, [names, names], 0.95)
    one = jackknife(lambda keep: float(values[keep[0]].mean()), [names], 0.95)
    assert found.high - found.low == pytest.approx(2**0.5 * (one.high - one.low))
    few = jackknife(difference, [names, np.repeat(["a", "b", "c", "d"], [3, 3, 2, 2])], 0.95)
    assert few.value == 0 and np.isnan([few.low, few.high]).all()


def test_a_classifier_tells_far_domains_apart_and_equal_ones_not():
    near = Classifier(inputs(0, 1), inputs(0, 2)).distance(0.95)
    assert near.low < 0 < near.high and abs(near.value) < 0.3
    far = Classifier(inputs(0, 1), inputs(6, 2))
    assert far.distance(0.95).value == pytest.approx(2, abs=0.02)
    assert far.distance_of(inputs(6, 3).table) == pytest.approx(2, abs=0.02)
    assert far.distance_of(inputs(0, 3).table) == pytest.approx(0, abs=0.02)  # as far as two parts of the source
    with pytest.raises(NotApplicable, match="a single group"):
        Classifier(inputs(0, 1), Inputs(np.zeros((4, 3)), np.full(4, "a")))


def test_a_domain_whose_groups_differ_is_not_taken_for_another():
    """Each group at a place of its own: a classifier that had seen a group would know its windows."""
    random = np.random.default_rng(5)

    def scattered():
        return Inputs(np.repeat(random.normal(size=(12, 2)), 20, axis=0), GROUPS)

    assert np.mean([Classifier(scattered(), scattered()).distance(0.95).value for _ in range(5)]) < 0.3


def test_other_distances():
    same, far = (inputs(centre, 7, columns=1).table for centre in (0, 3))
    source = inputs(0, 8, columns=1).table
    widths = shift.widths_of(source, far)
    assert abs(shift.discrepancy(source, same, widths)) < 0.01 < 0.3 < shift.discrepancy(source, far, widths)
    assert shift.sliced_wasserstein(source, source + 1.5, seed=1) == pytest.approx(1.5)  # of one column, the shift
    assert shift.sliced_wasserstein(source, same, seed=1) < 0.2


def test_shifts_of_labels_by_hand():
    assert shift.class_shift(np.eye(2)[[0, 0, 0, 1]], np.eye(2)[[0, 1, 1, 1]]) == pytest.approx(0.5)
    source = np.array([[-1.0, 0.0], [1.0, np.nan]])
    assert shift.mean_shift(source, np.array([[2.0, 5.0], [2.0, 5.0]])) == pytest.approx(2)  # the second is constant
    assert np.isnan(shift.mean_shift(source[:, 1:], source[:, 1:]))


def labelled(centre, concept, seed, classes):
    random = np.random.default_rng(seed)
    table = centre + random.uniform(-1, 1, size=(len(GROUPS), 2))
    label = concept * table[:, 0] + 0.1 * random.normal(size=len(GROUPS))
    return Labelled(table, ((label > 0).astype(float) if classes else label)[:, None], GROUPS)


@pytest.mark.parametrize("classes", [0, 2])
def test_labels_given_inputs(classes):
    source = labelled(0, 1, 1, classes)
    moved = shift.conditional_shift(source, labelled(0.3, 1, 2, classes), classes, 0.95, ["a"])
    turned = shift.conditional_shift(source, labelled(0.3, -1, 3, classes), classes, 0.95, ["a"])
    assert abs(moved.value) < 0.25
    assert turned.value > 1 and turned.low > 0.5


def test_labels_given_inputs_want_groups_and_rows():
    source, target = labelled(0, 1, 1, 0), labelled(0, 1, 2, 0)
    with pytest.raises(NotApplicable, match="a single one"):
        shift.conditional_shift(source, target.rows(np.arange(20)), 0, 0.95, ["a"])
    with pytest.raises(NotApplicable, match="learns from 5 labelled rows, and 20 are the fewest"):
        shift.conditional_shift(source, target.rows(np.arange(0, 40, 4)), 0, 0.95, ["a"])


def test_summaries_leave_padding_out():
    x = torch.tensor([[[1.0], [3.0], [99.0]]])
    known = torch.tensor([[True, True, False]])
    assert shift.summary((x, torch.tensor([[7.0]]), known)).tolist() == [[2, 3, 7, 1]]  # mean, last, static, spread
    assert shift.summary((x[:, :2], torch.tensor([[7.0]]))).tolist() == [[2, 3, 7, 1]]
    assert shift.summary((torch.ones(1, 2, 3, 3), torch.zeros(1, 0))).tolist() == [[1, 1, 0, 0]]
