"""Windows that look ahead: which observation each row, label and feature is about."""

import numpy as np
import pytest
import torch
from landbridge.contract import Dataset, Variable
from landbridge.io import mapped
from landbridge.methods.given import NotApplicable
from landbridge.models.learner import Learner
from landbridge.models.network import Network
from landbridge.models.shape import Shape
from landbridge.prepare import answers
from landbridge.prepare.scaling import fit_scaler
from landbridge.prepare.windows import rows_to_predict
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples
from torch import nn

WINDOW = {"length": 12, "stride": 3, "scored": 4, "lookahead": 5, "predict_stride": 4, "predicted": 3}
SETTINGS = {
    "task": "regression",
    "kind": "series",
    "step": "day",
    "targets": ["y", "z"],
    "inputs": ["x"],
    "one_hot": {},
    "window": WINDOW,
    "partial_labels": True,
    "on_from": {"y": 1.0, "z": 7.0},
}


def two_units():
    """Two units of 40 and 23 days whose label y is 1000 plus x; the first has a gap, the second lacks z."""
    sizes = np.array([40, 23], np.int32)
    time = np.concatenate([np.delete(np.arange(41), 17), np.arange(23)])
    x = np.arange(63, dtype=np.float32)
    z = np.where(np.arange(63) < 40, x, np.nan).astype(np.float32)
    return Dataset(
        {
            "unit_name": Variable(("unit",), np.array(["a", "b"])),
            "group": Variable(("unit",), np.array(["a", "b"])),
            "row_size": Variable(("unit",), sizes),
            "time": Variable(("obs",), time, {"units": "days since 2000-01-01"}),
            "x": Variable(("obs",), x),
            "y": Variable(("obs",), x + 1000),
            "z": Variable(("obs",), z),
        }
    )


@pytest.fixture
def dataset():
    return two_units()


class Copies(Network):
    """The input of each step, for both targets."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"head": nn.Identity()})

    def features(self, x, static):
        return x.repeat(1, 1, 2)


def test_rows_are_the_last_scored_steps_of_windows(dataset):
    rows = rows_to_predict(dataset, ["x"], WINDOW, "day")
    runs = [(0, 17), (17, 40), (40, 63)]
    expected = []
    for begin, end in runs:
        for last in range(begin + 11, end, 4):
            expected += [(last, last - 5 - back) for back in (2, 1, 0)]
    assert list(zip(rows.ends.tolist(), rows.observations.tolist(), strict=True)) == expected
    assert answers.prediction_rows(dataset, SETTINGS).tolist() == rows.observations.tolist()


@pytest.mark.parametrize("block", [8, 16, 80, 4 << 20])
def test_a_use_begins_where_a_target_goes_on_or_a_unit_begins(monkeypatch, block):
    monkeypatch.setattr(mapped, "BLOCK", block)  # 8 bytes a row
    variables = two_units().variables
    y = np.zeros(63, np.float32)
    y[[3, 4, 9, 38, 39, 40, 41, 60]] = 1.0  # 3 to 4, 9, 38 to the end, from the beginning to 1, 20
    y[6] = 0.99
    dataset = Dataset({**variables, "y": Variable(("obs",), y)})
    samples = Samples(dataset, Layout.of(SETTINGS, dataset))
    assert samples.uses().tolist() == [5, 1]  # z goes on once, and has no labels in the second unit
    without = Samples(dataset, Layout.of({**SETTINGS, "on_from": {}}, dataset))
    with pytest.raises(NotApplicable, match="needs targets that are on or off"):
        without.uses()


def whole_test(dataset):
    described = Dataset({**dataset.variables, "segment": Variable(("unit",), np.zeros(2, int))})
    return answers.with_rows(described, described, answers.prediction_rows(dataset, SETTINGS), SETTINGS)


def copies(dataset, layout):
    network = Copies()
    network.lookahead = layout.lookahead
    return Learner(network, fit_scaler([dataset], *layout.scaler_arguments()), layout.shape(1))


def test_a_prediction_is_that_of_its_own_step(dataset):
    layout = Layout.of(SETTINGS, dataset)
    samples, learner = Samples(whole_test(dataset), layout), copies(dataset, layout)
    expected = (samples.prediction_observations - learner.scaler.input_mean[0]) / learner.scaler.input_spread[0]
    found = learner.predict(samples) / learner.scaler.target_spread
    assert np.allclose(found[:, 0], expected, atol=1e-5)
    assert len(samples.prediction_windows.ends) * 3 == samples.prediction_rows


def test_the_rows_of_one_group_are_predicted_as_among_all(dataset):
    layout = Layout.of(SETTINGS, dataset)
    samples, learner = Samples(whole_test(dataset), layout), copies(dataset, layout)
    whole, table = learner.predict(samples), samples.prediction_table()
    assert list(samples.by_group) == ["a", "b"]
    for rows, own in samples.by_group.values():
        assert own.prediction_rows == len(rows) > 0
        assert np.array_equal(learner.predict(own), whole[rows])
        assert np.array_equal(own.prediction_table(), table[rows])
    assert sum(len(rows) for rows, _ in samples.by_group.values()) == samples.prediction_rows


def test_labels_of_a_window_are_those_of_its_scored_steps(dataset):
    layout = Layout.of(SETTINGS, dataset)
    samples = Samples(dataset, layout)
    scaler = fit_scaler([dataset], *layout.scaler_arguments())
    batch = samples.tensors.scaled(scaler).batch(torch.arange(len(samples)))
    for row, end in enumerate(samples.ends):
        steps = np.arange(end - 8, end - 4)
        assert np.allclose(batch.labels[row, :, 0] * scaler.target_spread[0], steps + 1000, atol=1e-2)
        assert batch.weights[row, :, 1].tolist() == [float(end < 40)] * 4
        assert batch.on[row, :, 1].tolist() == [bool(7 <= step < 40) for step in steps]


def test_tables_are_shown_what_every_step_has_around_it(dataset):
    samples = Samples(dataset, Layout.of(SETTINGS, dataset))
    ends, sizes = samples.label_windows.arrays()
    assert set(sizes.tolist()) == {10}
    assert samples.label_rows()[0][:, 0].tolist() == (ends - 5 + 1000).tolist()
    assert samples.table()[:, 0].tolist() == (ends - 5).tolist()


def test_targets_that_may_be_off_are_scaled_about_zero(dataset):
    layout = Layout.of(SETTINGS, dataset)
    scaler = fit_scaler([dataset], *layout.scaler_arguments())
    assert scaler.target_mean.tolist() == [0, 0]
    second = Dataset({**dataset.variables, "z": Variable(("obs",), np.full(63, np.nan, np.float32))})
    assert fit_scaler([second], *layout.scaler_arguments()).target_spread[1] == 7  # no label: the value it is on from


def test_groups_are_told_apart_in_the_source_alone(dataset):
    layout = Layout.of({**SETTINGS, "grouped": True}, dataset)
    scaler = fit_scaler([dataset], *layout.scaler_arguments())
    source, target = Samples(dataset, layout), Samples(dataset, layout)
    assert source.tell_groups_apart() == 2
    index = torch.arange(len(source))
    groups = source.tensors.scaled(scaler).batch(index).inputs[2]
    assert groups.tolist() == [int(end >= 40) for end in source.ends]
    assert set(target.tensors.scaled(scaler).batch(index).inputs[2].tolist()) == {-1}
    assert layout.shape(1, 2).groups == 2
    assert Layout.of(SETTINGS, dataset).shape(1, 2).groups == 0


def test_fields_of_shapes():
    assert Shape(1, 0, 1, 382, scored=128, lookahead=127).field == 255
