"""Guesses that pass the inputs by: nearest neighbours and thresholds by hand, and what the audit tells of them."""

import itertools

import numpy as np
import pytest
from landbridge.contract import IGNORE, Dataset, Variable
from landbridge.prepare import shortcuts
from landbridge.stage import StageError


def of_units(**columns):
    """A file of columns of units; `hour` counts hours."""
    units = {"hour": {"units": "h"}, "height": {"units": "m"}}
    return Dataset({name: Variable(("unit",), np.asarray(own), units.get(name, {})) for name, own in columns.items()})


def nearest(dataset, columns, learned, tested):
    return shortcuts.nearest(dataset, columns, np.array(learned), np.array(tested)).tolist()


# -- a nearest neighbour ------------------------------------------------------------------------------------------


def test_the_fewest_unequal_texts_are_nearest():
    dataset = of_units(start=["a", "a", "b", "a"], end=["x", "y", "y", "y"])
    assert nearest(dataset, ["start", "end"], [0, 1, 2], [3]) == [1]
    assert nearest(dataset, ["start", "end"], [2, 0], [3]) == [0]  # one text differs in both, and the first is taken
    assert nearest(dataset, ["start"], [2, 0, 1], [3]) == [1]


def test_an_index_points_into_the_learned_units():
    dataset = of_units(start=["a", "b", "c", "d", "b"])
    assert nearest(dataset, ["start"], [3, 1, 0], [4]) == [1]


@pytest.mark.parametrize(
    ("here", "there", "closest"),
    [
        (23.5, [20.0, 0.5, 12.0], 1),  # an hour across midnight is nearer than three and a half before it
        (0.25, [1.5, 23.75, 12.0], 1),
        (12.0, [0.0, 18.5, 6.0], 2),
        (6.0, [18.5, 16.5, 18.0], 1),
    ],
)
def test_hours_wrap_around_midnight(here, there, closest):
    assert nearest(of_units(hour=[*there, here]), ["hour"], [0, 1, 2], [3]) == [closest]


def test_an_unknown_hour_is_as_far_as_another_text_and_farther_than_any_hour():
    hours = of_units(hour=[np.nan, 0.0, 12.0])
    assert nearest(hours, ["hour"], [0, 1], [2]) == [1]
    assert nearest(hours, ["hour"], [1, 0], [0]) == [0]
    both = of_units(hour=[12.0, np.nan, 12.0], start=["b", "a", "a"])
    assert nearest(both, ["hour", "start"], [0, 1], [2]) == [0]


def test_numbers_that_are_no_hours_do_not_wrap():
    heights = of_units(height=[1000.0, 30.0, 12.0])
    assert nearest(heights, ["height"], [0, 1], [2]) == [1]
    with_text = of_units(height=[900.0, 15.0, 0.0, 12.0], start=["a", "b", "c", "a"])
    assert nearest(with_text, ["height", "start"], [0, 1, 2], [3]) == [0]  # no number weighs more than a text


def test_of_many_learned_units_an_even_sample_is_compared(monkeypatch):
    monkeypatch.setattr(shortcuts, "MOST_NEIGHBOURS", 3)
    dataset = of_units(hour=[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0])
    assert nearest(dataset, ["hour"], [0, 1, 2, 3, 4, 5, 6], [7]) == [3]  # 0, 3 and 6 are compared
    assert nearest(dataset, ["hour"], [0, 1, 2], [7]) == [2]


# -- a threshold --------------------------------------------------------------------------------------------------


def stump(learned, labels, tested):
    return shortcuts.stump(np.array(learned, float), np.array(labels, np.uint8), np.array(tested, float)).tolist()


def test_a_threshold_parts_two_classes():
    assert stump([1, 2, 3, 4], [0, 0, 1, 1], [0.5, 2, 2.9, 3, 9]) == [0, 0, 0, 1, 1]
    assert stump([4, 1, 3, 2], [0, 2, 0, 2], [1.5, 3.5]) == [2, 0]  # in any order, of any classes


def test_equal_values_are_not_told_apart():
    values, labels = [1, 2, 2, 2, 3], [0, 0, 1, 0, 1]
    assert stump(values, labels, [1, 2, 3]) == [0, 0, 1]  # a cut behind the first of the twos would be no threshold
    assert stump(values[::-1], labels[::-1], [1, 2, 3]) == [0, 0, 1]


def test_where_no_threshold_helps_every_unit_has_the_most_frequent_class():
    assert stump([1, 2, 3], [1, 1, 1], [0, 2, np.inf]) == [1, 1, 1]
    assert stump([5, 5, 5, 5], [2, 1, 2, 2], [4, 5, 6]) == [2, 2, 2]


def test_units_without_a_value_stand_above_every_threshold():
    assert stump([1, 2, np.inf, np.inf], [0, 0, 1, 1], [1.5, np.inf]) == [0, 1]
    assert stump([1, 2, 3], [0, 1, 1], [np.inf]) == [1]


def test_no_threshold_is_right_more_often_than_the_one_taken():
    random = np.random.default_rng(0)
    for _ in range(50):
        values, labels = random.integers(0, 6, 12), random.integers(0, 3, 12)
        found = sum(np.array(stump(values, labels, values)) == labels)
        best = max(
            sum(np.where(values < cut, low, high) == labels)
            for cut, low, high in itertools.product(range(8), range(3), range(3))
        )
        assert found == best


def test_the_least_value_of_a_unit_passes_over_what_is_missing():
    values = np.array([3, np.nan, 2, np.nan, 0.5], np.float32)
    assert shortcuts.least_of_unit(values, np.array([3, 1, 0, 1])).tolist() == [2, np.inf, np.inf, 0.5]


# -- what the audit tells -----------------------------------------------------------------------------------------


SETTINGS = {"targets": ["mode"], "task": "classification", "split": {"shortcuts": ["start_cell", "speed"]}}


def trips(made, filtered, units=60, fixes=40):
    """Trips of three modes whose speeds are alike; the filter takes off what is slow for the mode of the trip."""
    random = np.random.default_rng(1)
    mode = np.arange(units) % 3
    part = np.array(["source_train", "target_pool", "target_test"])[np.arange(units) // 3 % 3]
    speed = random.exponential(5.0, (units, fixes))
    if filtered:
        speed = speed + mode[:, None]
    return Dataset(
        {
            "unit_name": made.on_unit([f"u{unit:02d}" for unit in range(units)], "index"),
            "row_size": made.on_unit(np.full(units, fixes, np.int32), "index"),
            "speed": made.on_obs(speed.ravel().astype(np.float32), "input"),
            "start_cell": made.on_unit([f"cell{random.integers(4)}" for _ in range(units)], "static"),
            "mode": made.on_unit(mode.astype(np.uint8), "target"),
            "part": made.on_unit(part, "index"),
        }
    )


def told(parted, settings=SETTINGS):
    return {found["check"]: found for found in shortcuts.guesses(parted, settings)}


def test_a_filter_by_label_is_given_away_by_the_least_speed_and_not_without_it(made):
    found = told(trips(made, filtered=True))["guess by least speed"]
    assert found["level"] == "warning"
    assert found["majority"] == pytest.approx(1 / 3, abs=0.02)
    assert found["accuracy"] > 0.6  # one threshold parts one mode of three from the others
    assert f"one threshold is right for {found['accuracy']:.1%} of the test units" in found["text"]
    honest = told(trips(made, filtered=False))["guess by least speed"]
    assert honest["level"] == "ok"
    assert honest["accuracy"] < 0.45


def test_a_cell_that_tells_the_mode_is_a_warning(made):
    parted = trips(made, filtered=False)
    assert set(told(parted)) == {"guess by start_cell", "guess by least speed"}
    known = made.changed(parted, start_cell=np.char.add("cell", parted["mode"].astype(str)))
    found = told(known)["guess by start_cell"]
    assert (found["level"], found["accuracy"]) == ("warning", 1.0)


def test_a_guess_learns_from_source_and_pool_and_is_scored_on_the_test(made):
    parted = trips(made, filtered=False)
    cell = np.where(parted["part"] == "target_test", "elsewhere", np.char.add("cell", parted["mode"].astype(str)))
    found = told(made.changed(parted, start_cell=cell), {**SETTINGS, "split": {"shortcuts": ["start_cell"]}})
    assert found["guess by start_cell"]["accuracy"] == pytest.approx(1 / 3, abs=0.05)  # all take the first one's class


def test_missing_labels_are_neither_learned_nor_scored(made):
    parted = trips(made, filtered=False)
    cell = np.char.add("cell", parted["mode"].astype(str))
    mode = np.where(np.arange(60) % 2, parted["mode"], IGNORE).astype(np.uint8)
    found = told(made.changed(parted, start_cell=cell, mode=mode), {**SETTINGS, "split": {"shortcuts": ["start_cell"]}})
    assert found["guess by start_cell"]["accuracy"] == 1.0
    nothing = made.changed(parted, mode=np.full(60, IGNORE, np.uint8))
    assert shortcuts.guesses(nothing, SETTINGS) == []


def test_nothing_is_guessed_where_classes_belong_to_no_unit(made):
    parted = trips(made, filtered=True)
    assert shortcuts.guesses(parted, {**SETTINGS, "task": "regression"}) == []
    assert shortcuts.guesses(parted, {**SETTINGS, "split": {}}) == []
    on_rows = made.on_obs(np.repeat(parted["mode"], 40), "target")
    assert shortcuts.guesses(Dataset({**parted.variables, "mode": on_rows}), SETTINGS) == []


def test_a_column_that_the_data_lack_is_named(made):
    settings = {**SETTINGS, "split": {"shortcuts": ["end_cell"]}}
    with pytest.raises(StageError, match="split: shortcuts: the data hold no 'end_cell'; take it out"):
        shortcuts.guesses(trips(made, filtered=False), settings)
