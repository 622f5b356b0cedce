"""The scaler's numbers by hand, and the planted leak: a scaler that has seen other rows."""

from dataclasses import replace

import numpy as np
import pytest
from landbridge.prepare import ragged
from landbridge.prepare.scaling import ARRAYS, Scaler, check_scaler, fit_scaler, rows_hash, static_numbers
from landbridge.stage import StageError


@pytest.fixture
def parts(made):
    """Training units and all units."""
    towers = made.towers(4, 4, days=30)
    return ragged.select_units(towers, np.arange(8) < 4), towers


def arguments(made):
    return made.inputs, made.targets, "trust", ("lat",), {"cover": ("wood", "field", "sea")}


def test_known_moments(made):
    dataset = made.series([{"name": "a", "days": 4, "lat": 1}, {"name": "b", "days": 2, "lat": 3, "cover": "field"}])
    warmth = np.array([1, 2, 3, 6, np.nan, np.nan], np.float32)
    dataset = made.changed(
        dataset, warmth=warmth, light=np.full(6, 7, np.float32), uptake=np.arange(6, dtype=np.float32)
    )
    scaler = fit_scaler([dataset], made.inputs, ("uptake",), None, ("lat",), {"cover": ("wood", "sea")})
    assert scaler.input_mean.tolist() == [3, 7]
    assert scaler.input_spread == pytest.approx([np.sqrt(3.5), 1])  # a constant is divided by one
    assert scaler.target_mean.tolist() == [2.5]
    assert scaler.target_spread == pytest.approx([np.sqrt(35 / 12)])
    assert scaler.static_mean.tolist() == [2, 0, 0]
    assert scaler.static_factor.tolist() == [1, 1, 0]  # latitude; wood; sea, which nothing can be learned of
    assert all(getattr(scaler, name).dtype == np.float64 for name in ARRAYS)


def test_a_flux_in_tiny_units_is_no_constant(made):
    dataset = made.series([{"name": "a", "days": 50}])
    tiny = (dataset["uptake"] * 1e-9).astype(np.float32)
    scaler = fit_scaler([made.changed(dataset, uptake=tiny)], made.inputs, ("uptake",))
    assert scaler.target_spread[0] == pytest.approx(float(tiny.astype(np.float64).std()))


def test_float32_columns_far_from_zero_keep_their_spread(made):
    dataset = made.series([{"name": "a", "days": 1000}])
    pressure = (1e5 + np.arange(1000) % 2).astype(np.float32)
    scaler = fit_scaler([made.changed(dataset, warmth=pressure)], ("warmth",), ())
    assert scaler.input_spread[0] == pytest.approx(0.5, abs=1e-9)


def test_a_row_of_quality_zero_moves_no_target(made, parts):
    training, _ = parts
    trust, wild = training["trust"].copy(), training["uptake"].copy()
    trust[5], wild[5] = 0, 1e6
    with_wild = fit_scaler([made.changed(training, trust=trust, uptake=wild)], *arguments(made))
    without = fit_scaler([made.changed(training, trust=trust)], *arguments(made))
    assert with_wild.target_mean.tolist() == without.target_mean.tolist()
    assert with_wild.target_spread.tolist() == without.target_spread.tolist()


def test_several_files_are_scaled_as_one(made, parts):
    _, towers = parts
    halves = [ragged.select_units(towers, np.arange(8) < 3), ragged.select_units(towers, np.arange(8) >= 3)]
    whole, split = fit_scaler([towers], *arguments(made)), fit_scaler(halves, *arguments(made))
    for name in ARRAYS:
        assert getattr(split, name) == pytest.approx(getattr(whole, name))


def test_chips_are_scaled_by_band_over_valid_pixels(made):
    chips = made.chips(3)
    valid = np.zeros_like(chips["valid"])
    valid[0] = 1
    scaler = fit_scaler([made.changed(chips, valid=valid)], ("reflectance",), ())
    expected = chips["reflectance"][0].reshape(3, -1).astype(np.float64)
    assert scaler.input_mean == pytest.approx(expected.mean(axis=1))
    assert scaler.input_spread == pytest.approx(expected.std(axis=1))
    check_scaler(scaler, [made.changed(chips, valid=valid)], ("reflectance",), ())


def test_words_outside_a_vocabulary_are_zeros(made):
    dataset = made.series([{"name": "a", "cover": "wood"}, {"name": "b", "cover": "moon"}])
    assert static_numbers(dataset, (), {"cover": ("field", "wood")}).tolist() == [[0, 1], [0, 0]]


def test_arrays_go_there_and_back(made, parts):
    scaler = fit_scaler([parts[0]], *arguments(made))
    again = Scaler.from_arrays(scaler.arrays(), scaler.rows)
    assert again.rows == scaler.rows
    for name in ARRAYS:
        assert getattr(again, name).tolist() == getattr(scaler, name).tolist()
    check_scaler(again, [parts[0]], *arguments(made))


def test_the_hash_of_rows_knows_units_segments_and_times(made, parts):
    training, towers = parts
    segment = made.on_unit(np.array([0, 0, 1, 0], np.int32), "index")
    others = [
        towers,
        ragged.select_units(training, np.arange(4) != 1),
        made.changed(training, time=training["time"] + 1),
        made.changed(training, unit_name=np.array(["s00", "s01", "s02", "other"])),
        ragged.with_variables(training, {"segment": segment}),
    ]
    assert len({rows_hash([dataset]) for dataset in (training, *others)}) == 6
    assert rows_hash([made.changed(training, warmth=training["warmth"] + 1)]) == rows_hash([training])


# -- planted leaks ------------------------------------------------------------------------------------------------


def test_a_scaler_over_all_rows_is_refused(made, parts):
    training, towers = parts
    with pytest.raises(StageError, match="fitted on other rows than this job may read"):
        check_scaler(fit_scaler([towers], *arguments(made)), [training], *arguments(made))


def test_a_scaler_over_all_rows_with_a_borrowed_hash_is_refused(made, parts):
    training, towers = parts
    forged = replace(fit_scaler([towers], *arguments(made)), rows=rows_hash([training]))
    with pytest.raises(StageError, match=r"input_mean .* of warmth .* it has seen other data"):
        check_scaler(forged, [training], *arguments(made))


@pytest.mark.parametrize(
    ("array", "column"), [("input_spread", "light"), ("target_mean", "release"), ("static_mean", "lat")]
)
def test_a_change_of_one_part_in_a_hundred_thousand_is_found_and_named(made, parts, array, column):
    training, _ = parts
    scaler = fit_scaler([training], *arguments(made))
    number = {"light": 1, "release": 1, "lat": 0}[column]
    values = getattr(scaler, array).copy()
    values[number] += 1e-5 * max(abs(values[number]), 1)
    with pytest.raises(StageError, match=f"{array} is not .*: of {column} it is"):
        check_scaler(replace(scaler, **{array: values}), [training], *arguments(made))
    values = getattr(scaler, array).copy()
    values[number] *= 1 + 1e-9  # rounding of another machine
    check_scaler(replace(scaler, **{array: values}), [training], *arguments(made))


def test_tiny_units_hide_no_leak(made, parts):
    training, towers = parts
    small, all_small = (
        made.changed(part, uptake=(part["uptake"] * 1e-9).astype(np.float32)) for part in (training, towers)
    )
    own, other = fit_scaler([small], (), ("uptake",)), fit_scaler([all_small], (), ("uptake",))
    with pytest.raises(StageError, match=r"target_mean is not .*: of uptake"):
        check_scaler(replace(own, target_mean=other.target_mean), [small], (), ("uptake",))


def test_noise_in_the_test_rows_leaves_the_scaler_as_it_is(made, parts):
    training, towers = parts
    rng = np.random.default_rng(1)
    test = np.repeat(np.arange(8) >= 4, 30)
    noisy = {name: np.where(test, 1e3 * rng.normal(size=240), towers[name]).astype(np.float32) for name in made.inputs}
    again = fit_scaler([ragged.select_units(made.changed(towers, **noisy), np.arange(8) < 4)], *arguments(made))
    scaler = fit_scaler([training], *arguments(made))
    assert again.rows == scaler.rows
    for name in ARRAYS:
        assert getattr(again, name).tolist() == getattr(scaler, name).tolist()
