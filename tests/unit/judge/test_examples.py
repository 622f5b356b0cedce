"""Which units the examples show: of all folds, the best, the median and the worst, and none twice."""

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.judge.examples import examples
from landbridge.judge.scoring import Answers

SETTINGS = {
    "task": "regression",
    "targets": ["y"],
    "headline": {"target": "y", "metric": "rmse", "statistic": "median"},
    **dict.fromkeys(("model", "recipe", "variant"), ""),
}


def fold(*units):
    """Answers of some units with four rows each, all zero."""
    row_unit = np.repeat(np.arange(len(units)), 4)
    cells = np.stack([np.arange(len(units)), np.zeros(len(units), int)], axis=1)
    names = {"unit": list(units), "group": list(units), "class_of": [""] * len(units)}
    labels, scored = np.zeros((len(row_unit), 1)), np.ones(len(row_unit), bool)
    return Answers(labels, scored, row_unit, np.tile(np.arange(4), len(units)), row_unit, cells, names, "")


def shown(errors_of_folds):
    """Units by rank, of folds whose units are missed by these errors."""
    answers = [fold(*errors) for errors in errors_of_folds]
    about = {"y": Variable(("row",), np.zeros(1), {"units": "1"}), "row_time": Variable(("row",), np.zeros(1), {})}
    values = {
        number: ("all", np.repeat(list(errors.values()), 4)[:, None]) for number, errors in enumerate(errors_of_folds)
    }
    found = examples(answers, [Dataset(about, {})] * len(answers), values, SETTINGS)
    return dict(zip(found["rank"].tolist(), found["unit_name"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([{"a": 3.0}, {"b": 1.0}, {"c": 2.0}], {"best": "b", "median": "c", "worst": "a"}),
        ([{"a": 3.0, "d": 9.0}, {"b": 1.0, "e": 4.0}, {"c": 2.0}], {"best": "b", "median": "a", "worst": "d"}),
        ([{"a": 3.0}, {"b": 1.0}], {"best": "b", "median": "a"}),
        ([{"a": 3.0}], {"best": "a"}),
    ],
)
def test_units_of_all_folds_are_ranked_together_and_shown_once(errors, expected):
    assert shown(errors) == expected


def test_a_fold_that_ended_with_another_budget_is_passed_over():
    answers = [fold("a"), fold("b")]
    about = {"y": Variable(("row",), np.zeros(1), {}), "row_time": Variable(("row",), np.zeros(1), {})}
    values = {0: ("all", np.ones((4, 1))), 1: ("4", np.zeros((4, 1)))}
    found = examples(answers, [Dataset(about, {})] * 2, values, SETTINGS)
    assert set(found["unit_name"].tolist()) == {"a"}
    assert found.attributes["budget"] == "all"
