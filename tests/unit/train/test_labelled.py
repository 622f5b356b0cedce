"""Labelled rows as rows to predict: the same rows, windows and tables as a test would have."""

import numpy as np
import pytest
from landbridge.contract import Dataset, Variable
from landbridge.io import netcdf
from landbridge.methods.given import NotApplicable
from landbridge.models import dlinear
from landbridge.train.layout import Layout
from landbridge.train.samples import Samples

from tests import synthetic
from tests.unit.train.test_lookahead import SETTINGS, copies, two_units, whole_test


@pytest.fixture
def dataset():
    return two_units()


def test_predictions_and_labels_are_about_the_same_step(dataset):
    layout = Layout.of(SETTINGS, dataset)
    rows = Samples(dataset, layout).labelled()
    learner = copies(dataset, layout)
    standard = learner.predict(rows.samples)[:, 0] / learner.scaler.target_spread[0]
    x = standard * learner.scaler.input_spread[0] + learner.scaler.input_mean[0]
    assert np.allclose(rows.labels[:, 0], x + 1000, atol=1e-2)
    assert np.array_equal(rows.samples.prediction_table()[:, 0], rows.labels[:, 0] - 1000)
    assert rows.groups.tolist() == ["a"] * int((x < 39.5).sum()) + ["b"] * int((x > 39.5).sum())
    assert (rows.weights[:, 1] > 0).tolist() == (rows.groups == "a").tolist()


def test_features_are_those_of_the_step_too(dataset):
    layout = Layout.of(SETTINGS, dataset)
    rows, learner = Samples(dataset, layout).labelled(), copies(dataset, layout)
    assert learner.has_features
    found = learner.hidden(rows.samples) * learner.scaler.target_spread
    assert np.allclose(found, learner.predict(rows.samples), atol=1e-4)
    learner.network = dlinear.build(layout.shape(1), {"average": 3})
    assert not learner.has_features


def test_each_step_is_predicted_once_and_only_labelled_ones(dataset):
    layout = Layout.of(SETTINGS, dataset)
    every = Samples(dataset, layout).labelled().samples.prediction_observations
    assert len(set(every.tolist())) == len(every)
    starts = [last - 7 for begin, end in ((0, 17), (17, 40), (40, 63)) for last in range(begin + 11, end, 3)]
    assert every.tolist() == [step + ahead for step in starts for ahead in range(3)]
    lacking = dataset["y"].copy()
    lacking[every[2:5]] = np.nan
    z = np.full(63, np.nan, np.float32)
    fewer = Dataset({**dataset.variables, "y": Variable(("obs",), lacking), "z": Variable(("obs",), z)})
    assert (
        Samples(fewer, layout).labelled().samples.prediction_observations.tolist()
        == np.delete(every, [2, 3, 4]).tolist()
    )


def test_the_population_keeps_its_own_rows(dataset):
    layout = Layout.of(SETTINGS, dataset)
    samples = Samples(whole_test(dataset), layout)
    before = samples.prediction_table().copy()
    labelled = Samples(dataset, layout)
    count = labelled.prediction_rows
    labelled.labelled().samples.prediction_table()
    assert labelled.prediction_rows == count
    assert np.array_equal(samples.prediction_table(), before)


def test_rows_that_no_window_predicts(dataset):
    layout = Layout.of({**SETTINGS, "window": {**SETTINGS["window"], "length": 24}}, dataset)
    with pytest.raises(NotApplicable, match="no labelled row of this budget lies in a complete window"):
        Samples(dataset, layout).labelled()


def test_classes_are_rows_of_the_windows_that_train(tmp_path):
    synthetic.write(tmp_path / "all.nc", "classification")
    made = netcdf.read(tmp_path / "all.nc")
    names = Variable(("unit",), np.asarray(made["site"]))
    made = Dataset({**made.variables, "group": names}, made.attributes)
    samples = Samples(made, Layout.of(synthetic.settings("classification"), made))
    rows = samples.labelled()
    assert len(rows.labels) == len(samples) == rows.samples.prediction_rows
    unit = samples.unit[rows.samples.prediction_observations]
    assert rows.labels[:, 0].tolist() == (unit % 3).tolist()
    assert rows.groups.tolist() == [f"site{number:02d}" for number in unit]
    assert rows.in_time


def test_pixels_are_no_rows(tmp_path):
    synthetic.write(tmp_path / "all.nc", "segmentation")
    made = netcdf.read(tmp_path / "all.nc")
    with pytest.raises(NotApplicable, match="every pixel of a chip has one"):
        Samples(made, Layout.of(synthetic.settings("segmentation"), made)).labelled()
