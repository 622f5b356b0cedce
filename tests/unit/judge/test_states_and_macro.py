"""Targets that are on or off: known answers of their metrics, daily means, and the mean over targets."""

import numpy as np
import pytest
from landbridge.judge.metrics import regression
from landbridge.judge.metrics.tasks import find_metric
from landbridge.judge.scales import averaged, rows_per_day
from landbridge.judge.scores import mean_of_targets
from landbridge.judge.scoring import Answers, score
from landbridge.stage import StageError

LABEL, PREDICTION = np.array([0.0, 0, 100, 100, 0]), np.array([0.0, 50, 50, 150, 0])


def sums(label, prediction, on_from=60.0):
    cell = np.zeros(len(label), int)
    values = np.concatenate(
        [
            regression.sums(label, prediction, cell, cell, 1),
            regression.states(label >= on_from, prediction >= on_from, cell, 1),
        ],
        axis=1,
    )
    return dict(zip((*regression.SUMS, *regression.STATES), values.T, strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mae", 30),
        ("sae", 0.25),
        ("nde", 0.375),
        ("teca", 0.625),
        ("matching_rate", 0.5),
        ("precision", 1),
        ("recall", 0.5),
        ("f1", 2 / 3),
        ("mcc", 0.612372),
    ],
)
def test_known_answers(name, value):
    assert find_metric("regression", name).function(sums(LABEL, PREDICTION))[0] == pytest.approx(value, abs=1e-6)


def test_always_off():
    found = sums(LABEL, np.zeros(5))
    assert regression.f1(found)[0] == 0
    assert regression.mcc(found)[0] == 0
    assert regression.precision(found)[0] == 0
    assert regression.mae(found)[0] == LABEL.mean()


def test_nothing_on_has_no_share_of_its_energy():
    found = sums(np.zeros(4), np.ones(4))
    for name in ("sae", "nde", "recall", "f1"):
        assert np.isnan(find_metric("regression", name).function(found)[0])


def test_states_have_no_scale():
    with pytest.raises(StageError, match=r"f1\.daily: whether a target is on is asked row by row; write f1"):
        find_metric("regression", "f1.daily")


@pytest.mark.parametrize(
    ("step", "rows"), [("month", 12 / 365.25), ("day", 1), ("60 second", 1440), ("10 minute", 144)]
)
def test_rows_of_a_day(step, rows):
    assert rows_per_day(step) == rows


def test_a_day_counts_from_half_of_its_rows_on():
    days = np.repeat([10, 11, 12], [144, 72, 71])
    values = np.arange(len(days), dtype=float)[:, None]
    unit = cell = np.zeros(len(days), int)
    means, _, _ = averaged("daily", values, unit, days, cell, 144)
    assert means[:, 0].tolist() == [71.5, 179.5]


def test_the_mean_over_targets_leaves_out_what_is_absent():
    kettle, fridge = np.array([10.0, np.nan, np.nan]), np.array([30.0, 4, np.nan])
    assert mean_of_targets([kettle, fridge])[:2].tolist() == [20, 4]
    assert np.isnan(mean_of_targets([kettle, fridge])[2])


def test_a_row_is_scored_for_the_targets_that_it_has():
    labels = np.array([[100.0, np.nan], [0, np.nan], [0, np.nan]])
    answers = Answers(
        labels=labels,
        scorable=np.ones(3, bool),
        row_unit=np.zeros(3, int),
        row_time=None,
        cell=np.zeros(3, int),
        cells=np.array([[0, 0]]),
        units={"unit": ["h"], "group": ["h"], "class_of": [""]},
        hash="",
    )
    settings = {
        "task": "regression",
        "targets": ["kettle", "fridge"],
        "on_from": {"kettle": 60, "fridge": 50},
        "model": "m",
        "recipe": "r",
        "variant": "",
    }
    head = {"fold": 0, "seed": 0, "budget": "0", "budget_size": 0, "selection": "", "status": "ok"}
    table = score(answers, np.array([[90.0, 1], [70, 1], [0, 1]]), settings, head).to_pylist()
    assert [(row["target"], row["n"], row["hits"], row["false_alarms"]) for row in table] == [
        ("kettle", 3, 1, 1),
        ("fridge", 0, 0, 0),
    ]
    failed = score(answers, np.zeros((3, 2)), settings, {**head, "status": "failed"}).to_pylist()[0]
    assert failed["n"] == 3
    assert np.isnan([failed[name] for name in ("sum_p", "hits", "sum_abs_error", "rejections")]).all()
