"""Metrics of intervals: rows made by hand, with the answers worked out on paper."""

import numpy as np
import pytest
from landbridge.contract import QUANTILES
from landbridge.judge.metrics import intervals
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scoring import Answers, score
from landbridge.stage import StageError

LABEL = np.array([0.0, 3.0, -5.0, 1.0])
OFFSETS = np.array([[-4.0, -2.0, 2.0, 4.0]])
SETTINGS = {"task": "regression", "targets": ["y"], "model": "m", "recipe": "r", "variant": "", "intervals": True}
HEAD = {"fold": 0, "seed": 0, "budget": "1", "budget_size": 1, "selection": "", "status": "ok"}


def scored(label, predicted, offsets, **changes):
    """Value of a metric by name, over all rows."""
    rows = np.zeros(len(label), int)
    names = {"unit": ["u"], "group": ["g"], "class_of": [""]}
    answers = Answers(np.asarray(label)[:, None], rows == 0, rows, None, rows, np.zeros((1, 2), int), names, "")
    settings = {**SETTINGS, **changes}
    table = score(answers, np.asarray(predicted, float)[:, None], settings, HEAD, offsets)
    sums = {name: table[name].to_numpy() for name in table.column_names}
    return lambda name: float(find_metric("regression", name).function(sums)[0])


def test_four_rows_about_nought():
    """Labels 0, 3, -5, 1: two lie in (-2, 2), three in (-4, 4)."""
    found = scored(LABEL, np.zeros(4), OFFSETS)
    assert [found(name) for name in ("coverage50", "coverage90", "width50", "width90")] == [0.5, 0.75, 4, 8]
    # Pinball losses at -4, -2, 0, 2, 4: of a label y below q they are (1 - level) (q - y), else level (y - q).
    level, q = np.array([0.05, 0.25, 0.5, 0.75, 0.95]), np.array([-4.0, -2, 0, 2, 4])
    pinball = [np.where(y > q, level * (y - q), (1 - level) * (q - y)) for y in LABEL]
    assert found("crps") == pytest.approx(2 * np.mean(pinball @ np.array([0.15, 0.225, 0.25, 0.225, 0.15])))
    shares = intervals.pit(dict(zip(intervals.SUMS, _sums(), strict=True)))
    assert shares.tolist() == [0.25, 0, 0.5, 0.25, 0]


def _sums():
    quantiles = np.repeat(OFFSETS, 4, axis=0)
    return intervals.sums(LABEL, np.zeros(4), quantiles, np.zeros(4, int), 1)[0]


def test_the_crps_of_a_point_is_its_absolute_error():
    label, predicted = LABEL, np.array([1.0, 1.0, 1.0, 1.0])
    for offsets in (None, np.zeros((1, 4)), np.array([[np.nan, -2, 2, np.nan]])):
        found = scored(label, predicted, offsets)
        assert found("crps") == pytest.approx(np.abs(label - predicted).mean())


def test_an_infinite_interval_has_neither_coverage_nor_width():
    found = scored(LABEL, np.zeros(4), np.array([[np.nan, -2, 2, np.nan]]))
    assert found("coverage50") == 0.5
    assert np.isnan([found("coverage90"), found("width90")]).all()


def test_rows_may_have_quantiles_of_their_own():
    own = np.array([0.0, 3, -5, 1])[:, None, None] + 0.1 * OFFSETS
    assert scored(LABEL, np.zeros(4), own)("coverage50") == 1


def test_what_is_on_or_off_has_no_quantile_below_off():
    found = scored(np.array([0.0, 1.0]), np.zeros(2), OFFSETS, on_from={"y": 5.0})
    assert (found("coverage90"), found("width90")) == (1, 4)


def test_normal_quantiles_of_normal_labels():
    """CRPS of a normal forecast of itself is its spread / sqrt(pi); five quantiles come near."""
    label = np.random.default_rng(0).normal(size=40_000)
    found = scored(label, np.zeros(len(label)), np.array([[-1.6449, -0.6745, 0.6745, 1.6449]]))
    assert found("coverage50") == pytest.approx(0.5, abs=0.01)
    assert found("coverage90") == pytest.approx(0.9, abs=0.01)
    assert found("crps") == pytest.approx(1 / np.sqrt(np.pi), rel=0.04)


def test_nearer_to_the_claim_is_better():
    metric = find_metric("regression", "coverage90")
    assert metric.gain(np.array([0.85, 0.99, 0.5]), np.array([0.8, 0.88, 0.95])) == pytest.approx([0.05, -0.07, -0.35])


def test_intervals_have_no_coarser_scale():
    with pytest.raises(StageError, match="are of rows; write coverage90"):
        find_metric("regression", "coverage90.monthly")
    assert len(QUANTILES) == 4


def test_scaled_probabilities():
    """At T = 2 probabilities 0.8 and 0.2 become 2/3 and 1/3."""
    rows = np.zeros(3, int)
    names = {"unit": ["u"], "group": ["g"], "class_of": [""]}
    label = np.array([0, 0, 1], np.uint8)
    answers = Answers(label, rows == 0, rows, None, rows, np.zeros((1, 2), int), names, "")
    logs = np.log([[0.8, 0.2]] * 3)
    settings = {**SETTINGS, "task": "classification", "classes": ["a", "b"], "scales": ["unit"]}
    settings["scales"] = []
    table = score(answers, logs, settings, HEAD, None, 2.0)
    sums = {name: table[name].to_numpy() for name in table.column_names}
    metrics = {name: float(find_metric("classification", name).function(sums)[0]) for name in ("ece", "ece_scaled")}
    assert metrics == pytest.approx({"ece": 0.8 - 2 / 3, "ece_scaled": 0.0})
    loss = find_metric("classification", "log_loss_scaled").function(sums)[0]
    assert loss == pytest.approx(-(2 * np.log(2 / 3) + np.log(1 / 3)) / 3)
    without = score(answers, logs, settings, HEAD)
    sums = {name: without[name].to_numpy() for name in without.column_names}
    assert np.isnan(find_metric("classification", "ece_scaled").function(sums)[0])
    with pytest.raises(StageError, match="are of rows; write ece_scaled"):
        find_metric("classification", "ece_scaled.unit")
