"""Scalers: known answers, and the refusal of one that has seen other rows."""

import numpy as np
import pytest
from landbridge.contract import Variable
from landbridge.io import mapped
from landbridge.prepare import ragged, scaling
from landbridge.stage import StageError

from tests import synthetic


def test_known_answers():
    scaler = scaling.fit_scaler([synthetic.dataset()], ["a"], ["y"])
    assert scaler.input_mean == pytest.approx([3.5])
    assert scaler.input_spread == pytest.approx([np.arange(8).std()])
    assert scaler.target_mean == pytest.approx([1.75])


def test_rows_of_quality_zero_move_nothing():
    y = np.array([1, 2, 3, 1e6] * 2, np.float32)
    quality = np.array([1, 1, 1, 0] * 2, np.float32)
    dataset = synthetic.dataset(
        y=Variable(("obs",), y, synthetic.DESCRIBED_ATTRIBUTES["y"]),
        quality=Variable(("obs",), quality, synthetic.DESCRIBED_ATTRIBUTES["quality"]),
    )
    assert scaling.fit_scaler([dataset], ["a"], ["y"], "quality").target_mean == pytest.approx([2.0])


def test_a_constant_has_spread_one_and_missing_values_do_not_count():
    a = np.array([2, np.nan, 2, 2] * 2, np.float32)
    scaler = scaling.fit_scaler(
        [synthetic.dataset(a=Variable(("obs",), a, synthetic.DESCRIBED_ATTRIBUTES["a"]))], ["a"], []
    )
    assert (scaler.input_mean[0], scaler.input_spread[0]) == (2, 1)


def test_a_class_that_training_never_saw_is_masked():
    side = Variable(("unit",), np.array(["x", "y"]), {"role": "static", "long_name": "s"})
    lat = Variable(("unit",), np.array([1, 3], np.float32), {"role": "static", "long_name": "l", "units": "1"})
    dataset = synthetic.dataset(side=side, lat=lat)
    scaler = scaling.fit_scaler([dataset], ["a"], [], static=["lat"], one_hot={"side": ["x", "y", "z"]})
    assert scaler.static_factor.tolist() == [1, 1, 1, 0]
    assert scaler.static_mean.tolist() == [2, 0, 0, 0]
    only_x = ragged.select_units(dataset, np.array([True, False]))
    assert scaling.fit_scaler([only_x], ["a"], [], one_hot={"side": ["x", "y"]}).static_factor.tolist() == [0, 0]


def test_a_scaler_over_all_rows_is_refused():
    whole = synthetic.dataset()
    permitted = ragged.select_units(whole, np.array([True, False]))
    good = scaling.fit_scaler([permitted], ["a"], ["y"])
    scaling.check_scaler(good, [permitted], ["a"], ["y"])
    leaked = scaling.fit_scaler([whole], ["a"], ["y"])
    with pytest.raises(StageError, match="fitted on other rows"):
        scaling.check_scaler(leaked, [permitted], ["a"], ["y"])
    disguised = scaling.Scaler.from_arrays(leaked.arrays(), good.rows)
    with pytest.raises(StageError, match="input_mean is not that of the permitted rows"):
        scaling.check_scaler(disguised, [permitted], ["a"], ["y"])


def test_arrays_round_trip():
    scaler = scaling.fit_scaler([synthetic.dataset()], ["a", "b"], ["y"])
    again = scaling.Scaler.from_arrays(scaler.arrays(), scaler.rows)
    for name, array in scaler.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])


def test_the_row_hash_knows_units_and_times():
    one = synthetic.dataset()
    moved = synthetic.dataset(time=Variable(("obs",), one["time"] + 1, one.variables["time"].attributes))
    assert scaling.rows_hash([one]) == scaling.rows_hash([synthetic.dataset()])
    assert scaling.rows_hash([one]) != scaling.rows_hash([moved])
    assert scaling.rows_hash([one]) != scaling.rows_hash([ragged.select_units(one, np.array([1]))])


@pytest.mark.parametrize("block", [4 << 20, 8 * 333, 80])
def test_moments_do_not_depend_on_the_parts_that_data_are_read_in(monkeypatch, block):
    monkeypatch.setattr(mapped, "BLOCK", block)
    random = np.random.default_rng(3)
    a, y = (random.lognormal(size=20_011).astype(np.float32) for _ in range(2))
    a[::7], y[::5] = np.nan, np.nan
    quality = random.choice([0.0, 0.3, 1.0], len(a)).astype(np.float32)
    words = synthetic.DESCRIBED_ATTRIBUTES
    columns = {name: Variable(("obs",), own, words[name]) for name, own in (("a", a), ("y", y), ("quality", quality))}
    time = Variable(("obs",), np.arange(len(a)), {"units": "days since 1970-01-01"})
    row_size = Variable(
        ("unit",), np.array([len(a) - 5, 5], np.int32), synthetic.dataset().variables["row_size"].attributes
    )
    dataset = synthetic.dataset(**columns, time=time, row_size=row_size)
    scaler = scaling.fit_scaler([dataset, dataset], ["a"], ["y"], "quality")
    for values, weights, mean, spread in (
        (a, np.ones(len(a)), scaler.input_mean, scaler.input_spread),
        (y, quality, scaler.target_mean, scaler.target_spread),
    ):
        used = np.tile(np.isfinite(values) & (weights > 0), 2)
        values, weights = np.tile(values, 2)[used].astype(float), np.tile(weights, 2)[used].astype(float)
        assert mean[0] == pytest.approx(np.average(values, weights=weights), rel=1e-12)
        assert spread[0] == pytest.approx(np.sqrt(np.average((values - mean[0]) ** 2, weights=weights)), rel=1e-12)
