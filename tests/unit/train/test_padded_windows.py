"""Padded windows on the device: batches against brute force, and what learners of tables are given."""

import numpy as np
import pytest
import torch
from landbridge.contract import Dataset, Variable
from landbridge.models import speed_transformer
from landbridge.models.learner import Learner
from landbridge.models.network import initialise
from landbridge.prepare.scaling import fit_scaler
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

LAYOUT = Layout(
    "classification", "series", "irregular", ("mode",), ("speed",), length=6, stride=4, classes=("a", "b"), shortest=1
)
SIZES = (3, 14, 9)


def trips():
    """Three trips whose first fix has no speed; in the second a segment begins at the eighth fix."""
    random = np.random.default_rng(4)
    speed = random.normal(30, 5, sum(SIZES)).astype(np.float32)
    bounds = np.concatenate([[0], np.cumsum(SIZES)])
    speed[[*bounds[:-1], bounds[1] + 7]] = np.nan
    columns = {
        "unit_name": ("unit", np.array(["x", "y", "z"])),
        "row_size": ("unit", np.array(SIZES, np.int32)),
        "mode": ("unit", np.array([1, 0, 255], np.uint8)),
        "time": ("obs", np.concatenate([np.cumsum(random.integers(500, 9000, size)) for size in SIZES])),
        "speed": ("obs", speed),
    }
    variables = {name: Variable((where,), values) for name, (where, values) in columns.items()}
    time = Variable(("obs",), columns["time"][1], {"units": "milliseconds since 1970-01-01"})
    return Dataset({**variables, "time": time})


@pytest.fixture
def samples():
    return Samples(trips(), LAYOUT)


def expected():
    """(first fix, size) of the windows of labelled trips, by hand: two fixes, then one a segment."""
    return [(1, 2), (4, 6), (11, 6)]


def test_windows_of_labelled_trips(samples):
    ends, sizes = samples.windows.arrays()
    assert [(int(end - size + 1), int(size)) for end, size in zip(ends, sizes, strict=True)] == expected()


def test_a_batch_is_its_windows_and_zeros(samples):
    scaler = fit_scaler([samples.dataset], *LAYOUT.scaler_arguments())
    batch = samples.tensors.scaled(scaler).batch(torch.arange(len(samples)))
    x, static, known = batch.inputs
    assert (x.shape, known.shape, static.shape) == ((3, 6, 1), (3, 6), (3, 0))
    speed = (samples.dataset["speed"] - scaler.input_mean[0]) / scaler.input_spread[0]
    for row, (first, size) in enumerate(expected()):
        np.testing.assert_allclose(x[row, :size, 0], speed[first : first + size], rtol=1e-5)
        assert (x[row, size:] == 0).all()
        assert known[row].tolist() == [True] * size + [False] * (6 - size)
    assert batch.labels.tolist() == [1, 0, 0]
    assert batch.weights.tolist() == [1, 1, 1]


def test_a_batch_of_short_windows_is_no_longer_than_they_are(samples):
    scaler = fit_scaler([samples.dataset], *LAYOUT.scaler_arguments())
    assert samples.tensors.scaled(scaler).batch(torch.tensor([0])).inputs[0].shape == (1, 2, 1)


def test_a_prediction_does_not_depend_on_the_rows_beside_it(samples):
    scaler = fit_scaler([samples.dataset], *LAYOUT.scaler_arguments())
    shape = LAYOUT.shape(1)
    network = speed_transformer.build(shape, {"hidden": 8, "layers": 1, "heads": 2, "key_value_heads": 1})
    initialise(network, 3)
    learner = Learner(network, scaler, shape)
    together = learner.predict(samples)
    alone = []
    with torch.no_grad():
        for row in range(len(samples)):
            inputs = samples.tensors.prediction_batch(torch.tensor([row]), scaler)
            alone.append(torch.log_softmax(network(*inputs), dim=1).numpy()[0])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_learners_of_tables_are_given_the_domains_own_features():
    seen = []

    def table(dataset, ends, sizes):
        seen.append((ends.tolist(), sizes.tolist()))
        return np.asarray(dataset["row_size"], np.float32)[:2][[0, 1, 1]][:, None]

    samples = Samples(trips(), LAYOUT, features=table)
    assert samples.table()[:, 0].tolist() == [3, 14, 14]
    assert seen == [([2, 9, 16], [2, 6, 6])]
    labels, weights = samples.label_rows()
    assert (labels[:, 0].tolist(), weights[:, 0].tolist()) == ([1, 0, 0], [1, 1, 1])
    assert samples.of_windows(lambda dataset, ends, sizes: int(sizes.sum())) == 14


def test_without_own_features_means_are_over_what_a_window_holds(samples):
    last, mean = samples.table()[0]
    speed = samples.dataset["speed"]
    assert last == pytest.approx(speed[2])
    assert mean == pytest.approx(speed[1:3].mean(), rel=1e-5)
