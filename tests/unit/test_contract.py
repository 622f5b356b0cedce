"""The contract: what is accepted, and what an error says of what is not."""

import numpy as np
import pytest
from landbridge import checks
from landbridge.checks import check
from landbridge.contract import ContractError, Dataset, Variable

from tests import synthetic


def change(dataset, **variables):
    return Dataset({**dataset.variables, **variables}, dataset.attributes)


def test_a_small_series_passes():
    check(synthetic.dataset())


INPUT = synthetic.DESCRIBED_ATTRIBUTES["a"]
N = 8


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        (
            {"row_size": Variable(("unit",), np.array([4, 5], np.int32), {"role": "index", "long_name": "s"})},
            "row_size: adds up to 9",
        ),
        (
            {"time": Variable(("obs",), np.array([0, 1, 1, 2] * 2), {"units": "days since 1970-01-01"})},
            "time: does not increase inside unit u0",
        ),
        ({"time": Variable(("obs",), np.arange(N), {"units": "hours since 1970-01-01"})}, "time: units must be"),
        (
            {"a": Variable(("obs",), np.zeros(N, np.float32), {**INPUT, "role": "driver"})},
            "a: role is 'driver'; write one of input",
        ),
        ({"a": Variable(("obs",), np.zeros(N, np.float32), {"role": "input", "units": "1"})}, "a: no long_name"),
        ({"a": Variable(("obs",), np.zeros(N, np.float32), {"role": "input", "long_name": "a"})}, "a: no units"),
        ({"a": Variable(("obs",), np.full(N, np.inf, np.float32), INPUT)}, "a: holds infinite values; missing is NaN"),
        ({"a": Variable(("obs",), np.zeros(N - 1, np.float32), INPUT)}, "a: obs has length 7 here and 8 elsewhere"),
        (
            {"unit_name": Variable(("unit",), np.array(["u", "u"]), {"role": "index", "long_name": "n"})},
            r"unit_name: u \(segment 0\) comes twice",
        ),
        (
            {"c": Variable(("unit",), np.array([0, 1], np.uint8), {"role": "target", "long_name": "c"})},
            "c: a class target needs flag_values",
        ),
        (
            {
                "c": Variable(
                    ("unit",),
                    np.array([0, 7], np.uint8),
                    {"role": "target", "long_name": "c", "flag_values": [0, 1], "flag_meanings": "x y"},
                )
            },
            r"c: values \[7\] are no flag_values; missing is 255",
        ),
    ],
)
def test_a_breach_names_variable_and_fix(variables, text):
    with pytest.raises(ContractError, match=text):
        check(change(synthetic.dataset(), **variables))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ContractError, match="kind is 'serie'; write one of series"):
        check(Dataset({}, {"kind": "serie"}))


def predictions(task="regression", **changes):
    one = lambda value, dtype=None: Variable(("budget",), np.array([value], dtype))  # noqa: E731
    name, values = {
        "regression": ("prediction", np.zeros((1, 3, 1), np.float32)),
        "classification": ("log_probability", np.log(np.full((1, 3, 2), 0.5, np.float32))),
        "segmentation": ("probability", np.full((1, 3, 2, 4, 4), 127, np.uint8)),
    }[task]
    dimensions = ("budget", "row", "k", "y", "x")[: values.ndim]
    variables = {
        "budget": one("1"),
        "budget_size": one(1),
        "selection": one("fixed"),
        "status": one("ok"),
        "labels_used": one(1),
        "labels_for_selection": one(0),
        name: Variable(dimensions, values),
        **changes,
    }
    return Dataset(variables, {"kind": "predictions", "task": task})


@pytest.mark.parametrize("task", ["regression", "classification", "segmentation"])
def test_predictions_of_every_task_pass(task):
    check(predictions(task))


def test_predictions_that_are_missing_or_do_not_add_up_are_refused():
    with pytest.raises(ContractError, match="prediction: not finite at budget 1"):
        check(predictions(prediction=Variable(("budget", "row", "k"), np.full((1, 3, 1), np.nan, np.float32))))
    wrong = Variable(("budget", "row", "k"), np.log(np.full((1, 3, 2), 0.6, np.float32)))
    with pytest.raises(ContractError, match="log_probability: classes do not add up to one"):
        check(predictions("classification", log_probability=wrong))
    missing = Variable(("budget", "row", "k", "y", "x"), np.full((1, 3, 2, 4, 4), 255, np.uint8))
    with pytest.raises(ContractError, match="probability: missing at budget 1"):
        check(predictions("segmentation", probability=missing))
    with pytest.raises(ContractError, match="status: 'sick'"):
        check(predictions(status=Variable(("budget",), np.array(["sick"]))))


def test_a_budget_that_is_not_ok_may_be_missing():
    check(
        predictions(
            status=Variable(("budget",), np.array(["failed: diverged"])),
            prediction=Variable(("budget", "row", "k"), np.full((1, 3, 1), np.nan, np.float32)),
        )
    )


def test_an_unknown_variable_lists_the_known_ones():
    with pytest.raises(ContractError, match="no variable 'z'; this file has unit_name, row_size"):
        synthetic.dataset()["z"]


@pytest.mark.parametrize("block", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("place", [1, 2, 3, 5, 6, 7])
def test_time_that_goes_back_is_found_wherever_a_block_ends(monkeypatch, block, place):
    monkeypatch.setattr(checks, "BLOCK", block)
    dataset = synthetic.dataset()
    check(dataset)
    time = dataset["time"].copy()
    time[place] = time[place - 1]
    wrong = change(dataset, time=Variable(("obs",), time, dataset.variables["time"].attributes))
    with pytest.raises(ContractError, match=f"does not increase inside unit {dataset['unit_name'][place // 4]}"):
        check(wrong)
